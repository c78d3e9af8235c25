"""What the engine asks of a vendor client: the Provider protocol and the values it exchanges.

Belongs here: the seam between paid work and HTTP. Does not: any vendor's shapes (see `resources`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, Protocol, runtime_checkable
from uuid import UUID

from bulk_lookup_dagster.core.errors import ProviderError

OnUnknown = Literal["hold", "ask_again", "reconcile"]
# `objected`: the vendor may not tell, because the person asked it not to; nobody else is asked.
OutcomeKind = Literal["data", "no_data", "invalid_subject", "objected"]


@dataclass(frozen=True, slots=True)
class Operation:
    """The smallest thing a vendor bills.

    `inputs` names the parameters that change the answer; `required_inputs` those without which it
    cannot be asked. `retention` is how long a value may be kept (None: no expiry).
    """

    name: str
    subject_kind: str
    licence_class: str
    retention: timedelta | None
    on_unknown: OnUnknown = "hold"
    inputs: tuple[str, ...] = ()
    required_inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """One claim, ready to be asked. `max_micros` is the list price reserved for it.

    `external_id` is the vendor's name of a question it has accepted and is polled for.
    """

    claim_id: int
    subject_id: int
    subject: str
    operation: str
    params: Mapping[str, str]
    max_micros: int
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The vendor took the question and will answer later: how it names it, when to look."""

    external_id: str
    poll_in: timedelta


@dataclass(frozen=True, slots=True)
class Answer:
    """What one claim got: an outcome with the body's part that belongs to it, or a failure.

    `body` is the JSON text of this operation's part, the only input of `Provider.parse`.
    `cost_micros` is what the vendor charges for it, as far as its price rules tell. With
    `accepted` there is no outcome yet: the claim keeps its reservation and is polled.
    """

    claim_id: int
    outcome: OutcomeKind | None
    cost_micros: int
    body: bytes
    failure: ProviderError | None = None
    accepted: Accepted | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP request and its response, understood."""

    status: int
    response_bytes: int
    answers: Sequence[Answer]
    vendor_request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Disabled:
    """A provider that is not asked, and why: its work stays due, never "no data"."""

    provider: str
    reason: str


class Provider(Protocol):
    """A vendor client the engine can drive.

    `ask` performs exactly one HTTP exchange for the given questions and never retries. It raises a
    `ProviderError` when the whole exchange failed; a failure of one part is an `Answer.failure`.
    `parse` turns a stored part into the columns of the step's table and performs no I/O; `replay`
    calls the same function on stored bodies.
    """

    @property
    def name(self) -> str:
        """The vendor's name in tables, settings and prices."""
        ...

    @property
    def operations(self) -> Mapping[str, Operation]:
        """What it bills, by name."""
        ...

    @property
    def subjects_per_request(self) -> int:
        """How many subjects one exchange may serve; 1 unless the vendor has a batch endpoint."""
        ...

    @property
    def deadline(self) -> timedelta:
        """The longest a call may take, connect to last byte."""
        ...

    def endpoint(self, questions: Sequence[Question]) -> str:
        """Name of the circuit this exchange belongs to."""
        ...

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """One HTTP exchange for these questions; raises a `ProviderError` when all of it failed."""
        ...

    def parse(self, operation: str, body: bytes) -> Mapping[str, Any]:
        """Column values of the result row; raises `BadResponse` where a required part is absent."""
        ...


@runtime_checkable
class PollingProvider(Protocol):
    """A vendor that answers later: what it accepted is polled for, never asked again."""

    async def poll(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """One HTTP exchange about accepted questions, each with its `external_id`.

        An answer is an outcome, a failure, or `accepted` again. Raises a `ProviderError` when the
        whole exchange failed: the questions stay accepted unless it is a `PermanentFailure`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Callback:
    """What a vendor sent by itself: about which accepted question, and which event it tells."""

    external_id: str
    event: str


@runtime_checkable
class CallbackProvider(Protocol):
    """A vendor that calls back. Both methods perform no I/O."""

    def read_callback(self, headers: Mapping[str, str], body: bytes, url: str) -> Callback:
        """Check who sent it, in constant time, and read what it is about.

        `headers` have lower-case names. Raises `AuthFailed` where signature or token are not the
        vendor's, `BadResponse` where the body is not what it sends.
        """
        ...

    def callback_answer(self, question: Question, event: str, body: bytes) -> Answer | None:
        """What the event means for its question; None where it says nothing yet."""
        ...
