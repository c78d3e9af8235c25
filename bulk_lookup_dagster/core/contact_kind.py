"""Whether a contact is a business or a consumer: one named rule with its source.

Source: Twilio Lookup v2 `caller_name.caller_type`, `BUSINESS` or `CONSUMER` in upper case, or null
(contract `twilio_lookups_v2`). Anything else is unknown; nothing is guessed from a name (F38).
"""

from __future__ import annotations

from typing import Literal

ContactKind = Literal["business", "consumer", "unknown"]


def contact_kind(caller_type: str | None) -> ContactKind:
    """The kind a caller type stands for, whatever its case."""
    match (caller_type or "").strip().upper():
        case "BUSINESS":
            return "business"
        case "CONSUMER":
            return "consumer"
        case _:
            return "unknown"
