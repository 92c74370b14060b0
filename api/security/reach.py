"""Who can reach a server at all: beyond loopback only with keys, or on purpose without."""

import ipaddress
import socket

from service.errors import SettingsError
from service.settings import Settings


def check_reach(listener: socket.socket, settings: Settings) -> None:
    """Raise SettingsError for a ``listener`` that others can reach, unless ``settings`` have keys
    or say ``anonymous``.

    It is the address bound that counts: a name may stand for any.
    """
    bound = str(listener.getsockname()[0])
    if settings.keys or settings.anonymous or ipaddress.ip_address(bound).is_loopback:
        return
    raise SettingsError(
        f"host {settings.host!r} can be reached by others and there are no keys: name a keys file "
        "with --keys FILE ('hueweave key create' makes one), or let anyone in with --anonymous"
    )
