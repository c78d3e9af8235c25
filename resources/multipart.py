"""Multipart form data: fields and files as one body (RFC 7578).

Belongs here: the bytes. Does not: what is sent (one client file each).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4


@dataclass(frozen=True, slots=True)
class File:
    """One file of a form."""

    name: str
    content_type: str
    content: bytes


def multipart(fields: Mapping[str, str], files: Mapping[str, File]) -> tuple[bytes, str]:
    """Body and Content-Type. Names are ours, so they need no escaping."""
    boundary = f"form-{uuid4().hex}"
    disposition = f'--{boundary}\r\nContent-Disposition: form-data; name="'
    parts = [f'{disposition}{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
    for name, file in files.items():
        head = f'{disposition}{name}"; filename="{file.name}"\r\n'
        head += f"Content-Type: {file.content_type}\r\n\r\n"
        parts.append(head.encode() + file.content + b"\r\n")
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"
