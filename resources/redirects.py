"""Redirects of vendors whose contract has one: where they lead, and what must not go along.

Belongs here: which addresses may be followed. Does not: following (a transport of its own).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from bulk_lookup_dagster.core.errors import BadResponse
from resources.http import Reply
from resources.loopback import is_loopback


def elsewhere(reply: Reply, host: str, named: str = "") -> tuple[str, str]:
    """Base URL and target of a redirect, exactly as the vendor wrote it.

    `named` is the address where the vendor writes it into the body and there is no Location.
    Ask it with a transport of its own and without headers: credentials are for the host they are
    of. Only https is taken, and http of this machine.
    """
    location = reply.headers.get("Location") or named
    try:
        url = urlsplit(location)
        known = url.scheme == "https" or (url.scheme == "http" and is_loopback(location))
        followed = known and url.hostname and url.username is None and location.isprintable()
    except ValueError:
        followed = False
    if not followed or " " in location:
        raise BadResponse(
            f"{host} redirected to no address that may be followed.", status=reply.status
        )
    query = f"?{url.query}" if url.query else ""
    return f"{url.scheme}://{url.netloc}", (url.path or "/") + query
