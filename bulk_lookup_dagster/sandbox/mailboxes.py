"""Mailboxes of the sandbox's world: which addresses are delivered, and what a verifier can see.

An address of the world's people is delivered nine times in ten; one nobody has is not, unless its
domain takes everything. Whoever verifies the same address meets the same mailbox.

Belongs here: what is true of an address. Does not: a verifier's words (one file per vendor), who
reads it (`people`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from bulk_lookup_dagster.sandbox.draws import draw
from bulk_lookup_dagster.sandbox.people import FREE_DOMAINS, person_by_email

ROLES = frozenset("admin billing contact hello help hr info office sales support team".split())
DISPOSABLE = frozenset({"throwaway.example", "burner.example"})
_NO_MAIL, _TAKES_ALL = 20, 90
_GONE, _SILENT = 100, 130


@dataclass(frozen=True, slots=True)
class Mailbox:
    """What is true of an address. `silent`: its server tells nobody."""

    exists: bool
    takes_mail: bool
    takes_all: bool
    silent: bool
    role: bool
    free: bool
    disposable: bool
    domain_age_days: int


@lru_cache(maxsize=8192)
def mailbox(email: str) -> Mailbox:
    """The mailbox of an address."""
    local, _, domain = email.casefold().rpartition("@")
    host, reader = draw("mail host", domain) % 1000, draw("mailbox", local, domain) % 1000
    free = domain in FREE_DOMAINS
    role = local in ROLES
    known = role or person_by_email(email) is not None
    return Mailbox(
        exists=known and reader >= _GONE,
        takes_mail=free or host >= _NO_MAIL,
        takes_all=not free and _NO_MAIL <= host < _TAKES_ALL,
        silent=_GONE <= reader < _SILENT,
        role=role,
        free=free,
        disposable=domain in DISPOSABLE,
        domain_age_days=400 + draw("domain age", domain) % 9_000,
    )
