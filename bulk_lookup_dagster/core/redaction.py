"""Takes phone numbers, e-mail addresses and credentials out of text and structures.

Belongs here: what counts as personal in free text. Does not: where redaction is applied
(`bulk_lookup_dagster.observability`), masked display of a number (`core.privacy`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@(?:[\w-]+\.)+[^\W\d_][\w-]+")
# Seven digits and more, as people write numbers; ids, versions, dates and times stay readable.
_PHONE = re.compile(
    r"(?:\+|%2[Bb]|(?<![\w.:-])00)\d(?:[\s().\-/]{0,2}\d){6,14}(?!\d)"
    r"|(?<![\w.:-])\(?\d{3}\)?[\s.\-]{0,2}\d{3}[\s.\-]{0,1}\d{4}(?![\w-])"
)
_NUMBER_IN_PATH = re.compile(r"(PhoneNumbers/)[^/?\s]+")
_URL_PASSWORD = re.compile(r"(\w+://[^:/\s@]*):[^@\s]+@")
_HEADER = re.compile(
    r"((?:authorization|api[-_]?key)[\"']?\s*[:=]\s*[\"']?)[^\"',\s]+(?: [^\"',\s]+)?", re.I
)
_DATABASE_DETAIL = re.compile(r"(Key \([^)]*\)=)\([^)]*\)|(Failing row contains )\(.*\)", re.S)
_PRIVATE_KEYS = re.compile(
    r"password|secret|token|authorization|api_?key|dsn|cookie|phone|e_?mail|caller_name|"
    r"first_name|last_name|full_name|street|address|original",
    re.I,
)
_STEPS = (  # names, not values
    *("phone_lookups", "phone_validations", "phone_porting", "reverse_phones", "addresses"),
    *("email_candidates", "email_verifications"),
)
_NAMES = ("google_address", "real_phone_validation_name")  # of vendors and settings
_SAFE_KEYS = frozenset({*_STEPS, *_NAMES, "phone_subject_id", "token_count", "step_key"})
_REMOVED = "[removed]"


def redact_text(text: str) -> str:
    """The text with everything that looks personal or secret replaced."""
    text = _DATABASE_DETAIL.sub(lambda found: f"{found[1] or found[2]}({_REMOVED})", text)
    text = _URL_PASSWORD.sub(rf"\1:{_REMOVED}@", text)
    text = _HEADER.sub(rf"\1{_REMOVED}", text)
    text = _NUMBER_IN_PATH.sub(r"\1[phone]", text)
    return _PHONE.sub("[phone]", _EMAIL.sub("[email]", text))


def redact(value: Any, *, key: str = "") -> Any:
    """A copy of a structure without personal data; values under telling keys go entirely."""
    if isinstance(value, Mapping):
        return {name: redact(each, key=str(name)) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(each, key=key) for each in value]
    if value is None or isinstance(value, bool):
        return value
    if _PRIVATE_KEYS.search(key) and key not in _SAFE_KEYS:
        return _REMOVED
    if isinstance(value, int | float):
        return value
    return redact_text(value if isinstance(value, str) else str(value))
