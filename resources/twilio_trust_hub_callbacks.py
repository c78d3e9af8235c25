"""What Twilio Trust Hub posts when a profile's status changes.

Twilio publishes no contract of it. It is signed like all its webhooks; here it is read whatever its
parameters are called: the first value that is a profile, and a status.

Belongs here: reading such a message. Does not: its signature (`twilio_signature`), what becomes of
it (`twilio_trust_hub_client`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import orjson

from bulk_lookup_dagster.core.errors import BadResponse
from bulk_lookup_dagster.core.trust_hub import STATUSES
from bulk_lookup_dagster.engine.provider import Callback
from resources.twilio_signature import form_of
from resources.twilio_trust_hub_records import SID

_LONGEST_EVENT = 60


def read_status(headers: Mapping[str, str], body: bytes) -> Callback:
    """The profile, and the event `status:token`; the status is '' where none is told."""
    told = _told(headers, body)
    sid = next((one for one in told.values() if one[:2] == "BU" and SID.fullmatch(one)), None)
    if sid is None:
        raise BadResponse("A call-back of Twilio Trust Hub names no profile.")
    # A profile may be rejected twice: only Twilio's token tells a second time from a repeat.
    once = headers.get("i-twilio-idempotency-token") or hashlib.sha256(body).hexdigest()[:32]
    return Callback(sid, f"{_status(told)}:{once}"[:_LONGEST_EVENT])


def _told(headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
    if not headers.get("content-type", "").startswith("application/json"):
        return {name: values[0] for name, values in form_of(body).items()}
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise BadResponse("A call-back of Twilio Trust Hub is no JSON object.")
    return {name: value for name, value in document.items() if isinstance(value, str)}


def _status(told: Mapping[str, str]) -> str:
    named = {name.casefold(): value.casefold() for name, value in told.items()}
    status = named.get("status", "").replace("_", "-")
    return status if status in STATUSES else ""
