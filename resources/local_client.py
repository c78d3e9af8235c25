"""Local rules in the place of a vendor's client: no network, no credentials, no cost.

Being a provider gives a guess what every other value has: a claim, a place in a waterfall, an
origin, an expiry.

Belongs here: answering questions by rules. Does not: the rules (`core.email_patterns`), parsing
(`local_records`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Self
from uuid import UUID

import orjson

from bulk_lookup_dagster.core.email_patterns import guesses
from bulk_lookup_dagster.core.errors import BadResponse
from bulk_lookup_dagster.core.subjects import PersonKey
from bulk_lookup_dagster.core.vendor_settings import VendorSettings
from bulk_lookup_dagster.engine.provider import Answer, Exchange, Question
from resources.local_records import (
    OPERATIONS,
    PRICES,
    PROVIDER,
    parse_caller_name,
    parse_email_guess,
)
from resources.vendor import Health, Vendor

_PARSERS = {"email_guess": parse_email_guess, "caller_name": parse_caller_name}


class LocalClient:
    """Many subjects per exchange, and nothing of it leaves this process."""

    name = PROVIDER
    operations = OPERATIONS
    subjects_per_request = 500
    deadline = timedelta(seconds=30)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""

    def endpoint(self, questions: Sequence[Question]) -> str:
        """Each rule by itself."""
        return questions[0].operation

    async def ask(self, questions: Sequence[Question], _request_id: UUID) -> Exchange:
        """Answer by rule."""
        return Exchange(200, 0, [_answer(question) for question in questions])

    def parse(self, operation: str, body: bytes) -> Mapping[str, Any]:
        """Columns of the step's row from a stored part."""
        part = orjson.loads(body)
        if not isinstance(part, dict):
            raise BadResponse(f"Local rules: the part of {operation} is not an object.")
        return _PARSERS[operation](part)

    async def check(self) -> Health:
        """Always there."""
        return Health("rules of our own, nobody is asked")

    async def account_rate(self, _operations: Collection[str]) -> float | None:
        """No limit."""
        return None


def _answer(question: Question) -> Answer:
    body = _caller_name(question) if question.operation == "caller_name" else _guess(question)
    return Answer(question.claim_id, "data" if body else "no_data", 0, orjson.dumps(body))


def _caller_name(question: Question) -> dict[str, Any]:
    name = question.params.get("caller_name", "").strip()
    return {"name": name} if name else {}


def _guess(question: Question) -> dict[str, Any]:
    person = PersonKey.parse(question.subject)
    made = guesses(person.first, person.last, person.domain)
    if not made:
        return {}
    best, *others = made
    return {
        "email": best.email,
        "form": best.form,
        "alternatives": [one.email for one in others],
    }


def build(
    _credentials: Mapping[str, str], _base_url: str, _settings: VendorSettings
) -> LocalClient:
    """The rules; there is nothing to set."""
    return LocalClient()


VENDOR = Vendor(
    name=PROVIDER,
    title="Local rules",
    version="1",
    variables={},
    credential_sets=((),),
    default_base_url="",
    base_url_variable="",
    operations=OPERATIONS,
    prices=PRICES,
    build=build,
    docs="docs/providers/local.md",
    free_check="no call",
)
