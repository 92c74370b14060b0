"""Addresses of items: any key into a path and back."""

from urllib.parse import quote

from starlette.convertors import Convertor, register_url_convertor


class KeyConvertor(Convertor[str]):
    """A key in a path; Starlette's own ``path`` stops at a line break."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        """Return the key: the server has decoded it already."""
        return value

    def to_string(self, value: str) -> str:
        """Return the key as part of a path."""
        return key_path(value)


register_url_convertor("key", KeyConvertor())


def key_path(key: str) -> str:
    """Return ``key`` percent-encoded for use in a path.

    Slashes stay, so that addresses read well, unless the key has an empty, ``.`` or ``..`` segment:
    clients and proxies rewrite those, so there every slash is encoded.
    """
    segments = key.split("/")
    plain = all(segment not in ("", ".", "..") for segment in segments)
    return quote(key, safe="/" if plain else "")


def item_url(kind: str, key: str) -> str:
    """Return the path of an item's ``items``, ``images`` or ``thumbnails`` resource."""
    return f"/v1/{kind}/{key_path(key)}"
