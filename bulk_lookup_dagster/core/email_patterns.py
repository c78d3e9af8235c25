"""Which address a person at a domain probably has: guesses, never facts (F34).

A guess needs what the usual forms are made of: a given and a family name in letters an address can
have. One name gives one word, never `madonna.madonna`; accents fold, alphabets with a table are
transliterated, names in others give no guess at all. Order: how common the forms are among
companies, first.last leading.

Belongs here: making addresses of a name. Does not: whether one exists (verification), who is asked
first (`services.steps`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bulk_lookup_dagster.core.names import PersonName, split_name
from bulk_lookup_dagster.core.subjects import company_domain, email_of

_LOCAL = re.compile(r"[a-z][a-z0-9]*(?:\.[a-z0-9]+)*")
_FORMS = ("{first}.{last}", "{f}{last}", "{first}", "{first}{last}", "{first}{l}", "{f}.{last}")


@dataclass(frozen=True, slots=True)
class Guess:
    """An address somebody may have, and the form it was made by."""

    email: str
    form: str


def guesses(first: str, last: str, domain: str) -> tuple[Guess, ...]:
    """Likely addresses, likeliest first; none where name or domain do not carry one."""
    host = company_domain(domain)
    if host is None:
        return ()
    made: dict[str, Guess] = {}
    for form, local in _locals(split_name(first, last)):
        email = email_of(f"{local}@{host}") if _LOCAL.fullmatch(local) else None
        if email is not None:
            made.setdefault(email, Guess(email, form))
    return tuple(made.values())


def _locals(name: PersonName) -> list[tuple[str, str]]:
    """Forms and what they give; a name in one word, or twice the same, has one form."""
    first, last = name.first, name.last
    if not first or not last or first == last:
        return [("{name}", first or last)]
    if not (_LOCAL.fullmatch(first) and _LOCAL.fullmatch(last)):
        return []
    parts = {"first": first, "last": last, "f": first[0], "l": last[0]}
    made = [(form, form.format(**parts)) for form in _FORMS]
    return [(form, local) for form, local in made if not _doubled(local)]


def _doubled(local: str) -> bool:
    before, dot, after = local.partition(".")
    return bool(dot) and before == after
