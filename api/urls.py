"""Addresses of items: any key into a path and back."""

from starlette.convertors import Convertor, register_url_convertor

from service.addresses import key_path


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


def item_url(kind: str, key: str) -> str:
    """Return the path of an item's ``items``, ``images`` or ``thumbnails`` resource."""
    return f"/v1/{kind}/{key_path(key)}"
