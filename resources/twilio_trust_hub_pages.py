"""What every answer of Twilio Trust Hub has in common: a JSON object, lists in pages.

Belongs here: the shape of answers and the error of any other. Does not: what is read or written
(`twilio_trust_hub_client`, `twilio_trust_hub_writes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from bulk_lookup_dagster.core.errors import BadResponse
from resources.http import Reply
from resources.twilio_errors import twilio_error
from resources.vendor_client import json_body

FREE = frozenset(range(400, 600))
"""Nothing here is ever billed, so what failed may be asked again."""
_DONE = (200, 201)


def document_of(reply: Reply, host: str) -> Mapping[str, Any]:
    """The JSON object of a success, or the error any other reply stands for."""
    document = json_body(reply)
    if reply.status not in _DONE:
        raise twilio_error(reply, document, host, unbilled=FREE)
    if not isinstance(document, dict):
        raise BadResponse(f"{host} answered without a JSON object.", status=reply.status)
    return document


def rows_of(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The resources of a page; raises `BadResponse` where it is no page."""
    rows = document.get(key)
    if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
        raise BadResponse(f"Twilio Trust Hub: {key} is not a list of objects.")
    return rows


def next_page(document: Mapping[str, Any]) -> str:
    """Query of the page after this one, '' after the last; where it leads is not followed."""
    meta = document.get("meta")
    address = meta.get("next_page_url") if isinstance(meta, dict) else None
    if not address:
        return ""
    if not isinstance(address, str):
        raise BadResponse("Twilio Trust Hub: next_page_url is not text.")
    query = parse_qs(urlsplit(address).query)
    found = {name: query[name][0] for name in ("Page", "PageToken") if name in query}
    if not found:
        raise BadResponse("Twilio Trust Hub: next_page_url names no page.")
    return urlencode(found)
