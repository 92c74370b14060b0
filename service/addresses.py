"""Keys in addresses: how a server and who asks it write them."""

from urllib.parse import quote


def key_path(key: str) -> str:
    """Return ``key`` percent-encoded for use in a path.

    Slashes stay, so that addresses read well, unless the key has an empty, ``.`` or ``..`` segment:
    clients and proxies rewrite those, so there every slash is encoded.
    """
    segments = key.split("/")
    plain = all(segment not in ("", ".", "..") for segment in segments)
    return quote(key, safe="/" if plain else "")
