"""Addresses of items: any key into a path and back."""

from dataclasses import dataclass

from starlette.convertors import Convertor, register_url_convertor

from api.security.signing import Signer, is_signable
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


@dataclass(frozen=True)
class Addresses:
    """Makes the addresses of one index's items: below ``prefix``, those of pictures signed if
    there is a ``signer``."""

    prefix: str = "/v1"
    signer: Signer | None = None

    def of(self, kind: str, key: str) -> str:
        """Return the address of an item's ``items``, ``images`` or ``thumbnails`` resource."""
        path = f"{self.prefix}/{kind}/{key_path(key)}"
        decoded = f"{self.prefix}/{kind}/{key}"
        if self.signer is None or not is_signable(decoded):
            return path
        return f"{path}?{self.signer.query(decoded)}"


def item_url(kind: str, key: str) -> str:
    """Return the path of an item's resource in the default index, unsigned."""
    return Addresses().of(kind, key)
