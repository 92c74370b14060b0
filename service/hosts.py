"""Which hosts pictures may be fetched from, by name and by the address a name stands for."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from service.errors import SettingsError

DEFAULT_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
# Global by the registries, yet not a place in the Internet: addresses that stand for IPv4 ones
# somewhere else, and a cloud's own service for its machines.
_TUNNELS = (IPv6Network("2002::/16"), IPv6Network("2001::/32"), IPv6Network("::/96"))
_NAT64 = IPv6Network("64:ff9b::/96")
_CLOUD = IPv4Address("168.63.129.16")


@dataclass(frozen=True)
class AllowedHost:
    """A host of ``url_hosts``; ``below`` stands for all names that end in it, not for itself."""

    name: str
    below: bool = False
    port: int | None = None

    def allows(self, scheme: str, name: str, port: int) -> bool:
        """Whether ``name`` may be asked; without a port of its own, on the scheme's usual one."""
        if port != (self.port or DEFAULT_PORTS[scheme]):
            return False
        return name.endswith(f".{self.name}") if self.below else name == self.name


def parse_hosts(text: str) -> tuple[AllowedHost, ...]:
    """Return the hosts of a list with commas: names, ``*.name``, each with ``:port`` or without.

    Raises SettingsError for one that is no such name.
    """
    return tuple(_parse(one.strip()) for one in text.split(",") if one.strip())


def _parse(text: str) -> AllowedHost:
    name, colon, port = text.lower().partition(":")
    known = _NAME.fullmatch(name) and (not colon or (port.isascii() and port.isdigit()))
    if not known or (port and not 0 < int(port) < 65536):
        raise SettingsError(
            f"setting 'url_hosts' has {text!r}: expected the names of hosts with commas, such as "
            "pictures.example, *.shop.example or pictures.example:8443"
        )
    below = name.startswith("*.")
    if below and "." not in name[2:]:
        raise SettingsError(
            f"setting 'url_hosts' has {text!r}: expected at least two names after the star"
        )
    return AllowedHost(name.removeprefix("*."), below, int(port) if port else None)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the Internet: not private, loopback, link-local, multicast
    or reserved, nor an IPv6 form of an address that is."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        if (
            found.scope_id is not None
            or found.is_site_local
            or any(found in tunnel for tunnel in _TUNNELS)
        ):
            return False
        inner = found.ipv4_mapped
        if found in _NAT64:
            inner = IPv4Address(found.packed[-4:])
        if inner is not None:
            return is_public(str(inner))
    special = found.is_multicast or found.is_reserved or found.is_unspecified or found == _CLOUD
    return found.is_global and not special
