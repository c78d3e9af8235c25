"""Businesses found in a ZIP code: read, compared and let go within one exchange.

The terms of Google Places and Yelp forbid keeping names, addresses and numbers and building lists
of them (RULES). So a client reads an answer into `Business`, compares the phones with the numbers
we have through a `PhoneBook`, and hands on the ids and what they matched. Nothing else of an answer
leaves the exchange: neither spool nor ledger ever see it.

Belongs here: what both vendors share. Does not: their shapes (`NAME_records`), our numbers
(`services.phone_book`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from bulk_lookup_dagster.core.phone import Phone, normalise
from resources.fields import Fields, Part

MAX_ID = 300


@dataclass(frozen=True, slots=True)
class Business:
    """One business of an answer; lives in memory only. `phone` in E.164, '' where none is told."""

    business_id: str
    phone: str
    postal_code: str
    closed: bool


class PhoneBook(Protocol):
    """Whose numbers we have."""

    async def known(self, phones: Collection[str]) -> Mapping[str, int] | None:
        """Subject ids of those numbers that a contact has; None where it cannot tell now."""
        ...


@runtime_checkable
class ComparesPhones(Protocol):
    """A client that compares what it finds with our numbers while the answer is there."""

    def use_phone_book(self, book: PhoneBook) -> None:
        """Compare through `book`."""
        ...


class EmptyBook:
    """Nobody's numbers: for clients that only read stored parts."""

    async def known(self, _phones: Collection[str]) -> Mapping[str, int] | None:
        """It cannot tell."""
        return None


def e164(text: str | None) -> str:
    """An American number as a vendor writes it; '' where it is none."""
    found = normalise(text, "US") if text else None
    return found.e164 if isinstance(found, Phone) else ""


async def kept_of(found: Sequence[Business], zipcode: str, book: PhoneBook) -> dict[str, Any]:
    """What may be stored of an answer: ids with the subject their number matched, and counts.

    Businesses elsewhere and those closed for good are skipped. `compared` says whether the phone
    book could tell.
    """
    open_here = [one for one in found if not one.closed and one.postal_code[:5] == zipcode]
    known = await book.known({one.phone for one in open_here if one.phone})
    matches = known or {}
    return {
        "businesses": [
            {"id": one.business_id, "phone_subject_id": matches.get(one.phone)} for one in open_here
        ],
        "skipped": len(found) - len(open_here),
        "compared": known is not None,
    }


def kept_columns(read: Fields, answer: Part) -> dict[str, Any]:
    """Columns of `enrichment.zipcode_businesses` that both vendors fill, from a stored part."""
    businesses = [
        {
            "id": read.text(one, "id", MAX_ID),
            "phone_subject_id": read.whole(one, "phone_subject_id", 1, 2**63 - 1),
        }
        for one in read.parts(answer, "businesses")
    ]
    matched = sum(one["phone_subject_id"] is not None for one in businesses)
    return {
        "page": read.whole(answer, "page", 1, 100),
        "businesses": businesses,
        "found": len(businesses),
        "skipped": read.whole(answer, "skipped"),
        "matched": matched if read.flag(answer, "compared") else None,
    }
