"""Programs of our own on this machine: whether they answer, and what an address of theirs is.

Belongs here: the probe `up` waits with. Does not: vendors (one file each), starting programs
(`services.supervisor`).
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
from urllib.parse import urlsplit

_SECONDS = 2.0
_OK = 200


def is_loopback(url: str) -> bool:
    """Whether an address names this machine itself, by number or as localhost."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def answers(port: int, path: str) -> bool:
    """Whether `GET path` on a loopback port is answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == _OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_port(wanted: int = 0) -> int:
    """`wanted` if nobody listens on it, else any free loopback port."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on the loopback interface")
