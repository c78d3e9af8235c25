"""What a derivation is: which contacts or answers lead to which subject.

Belongs here: the declaration. Does not: any one kind (its own module), doing it
(`services.subjects`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """One way to a subject.

    `sql` yields `contact_id, origin_claim_id, part, part, …` for contacts of the CTE `scoped`
    (`contact_id`). `key` makes the canonical text of the parts, or None where they are too little.
    `reads` names the step whose answers it reads; '' reads only what was handed in.
    """

    role: str
    sql: str
    key: Callable[..., str | None]
    reads: str = ""


@dataclass(frozen=True, slots=True)
class Derivation:
    """Everything that leads from contacts to subjects of one kind."""

    kind: str
    sources: tuple[Source, ...]
