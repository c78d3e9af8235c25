"""Reading multipart form data as a vendor's server does.

Belongs here: fields and files of a body. Does not: what they mean (one file per vendor).
"""

from __future__ import annotations

import re

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.sandbox.server import Request

_BOUNDARY = re.compile(r'multipart/form-data;.*boundary="?([^";]+)"?', re.IGNORECASE)
_NAME = re.compile(rb'\bname="([^"]*)"')


def multipart_fields(request: Request) -> dict[str, bytes]:
    """Content of each field or file by its name; raises `InputError`."""
    found = _BOUNDARY.match(request.header(b"content-type"))
    if found is None:
        raise InputError("Multipart form data is expected.")
    fields = {}
    for part in request.body.split(b"--" + found[1].encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        if name := _NAME.search(head):
            fields[name[1].decode()] = content.removesuffix(b"\r\n")
    return fields
