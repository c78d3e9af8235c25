"""One request, asked until there is an answer or no more provably unbilled way to get one.

The first attempt is bare; tenacity is entered only after a failure. A retry in the process needs
an error that is `retryable` and `unbilled`; anything lost after the request was written becomes
`unknown_outcome` under the operation's policy. Longer waits are left to the database: the claim
fails with a retry time and the next run picks it up.

Belongs here: what an error means for a claim. Does not: recognising it (see `resources`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import tenacity

from bulk_lookup_dagster.core.errors import (
    BadResponse,
    ProviderError,
    ProviderUnavailable,
    TransientFailure,
    UnknownOutcome,
)
from bulk_lookup_dagster.engine import settlement
from bulk_lookup_dagster.engine.claims import Claimed
from bulk_lookup_dagster.engine.gate import Gate
from bulk_lookup_dagster.engine.options import ProviderLimits, RunReport
from bulk_lookup_dagster.engine.provider import Answer, Exchange, Operation, Provider, Question
from bulk_lookup_dagster.engine.settlement import ExchangeFacts, Settlement

MAX_CLAIM_ATTEMPTS = 8
MIN_POLL_SECONDS = 0.1
_BACKOFF_SECONDS = 60.0
_BACKOFF_LIMIT = timedelta(days=1).total_seconds()


def is_safe_to_repeat(error: BaseException) -> bool:
    """Whether the same request may be sent again at once: provably unbilled, and passing."""
    return (
        isinstance(error, ProviderError)
        and error.retryable
        and error.unbilled
        and not isinstance(error, ProviderUnavailable)
    )


def retry_in_seconds(attempt: int, error: ProviderError) -> float | None:
    """When a failed claim comes due again; None after the last attempt or a permanent failure."""
    if error.stops_provider or isinstance(error, ProviderUnavailable):
        return 0.0
    if not error.retryable or attempt >= MAX_CLAIM_ATTEMPTS:
        return None
    asked = error.retry_after.total_seconds() if error.retry_after else 0.0
    return min(_BACKOFF_LIMIT, max(asked, _BACKOFF_SECONDS * 4.0 ** (attempt - 1)))


class Asker:
    """Asks one provider and turns whatever happens into settlements."""

    def __init__(
        self,
        provider: Provider,
        limits: ProviderLimits,
        gate: Gate,
        run_id: int,
        report: RunReport,
        spool: Callable[[list[Settlement]], None],
    ) -> None:
        self._provider = provider
        self._limits = limits
        self._gate = gate
        self._run_id = run_id
        self._report = report
        self._spool = spool

    async def ask(self, claimed: Claimed, give_up_at: float) -> None:
        """Ask; every claim is settled or spooled as settled when this returns.

        `give_up_at` (monotonic seconds) is when no further attempt may start.
        """
        try:
            await self._attempt(claimed, 1)
        except ProviderError as error:
            if not is_safe_to_repeat(error):
                return
            await self._repeat(claimed, give_up_at, error)

    def count(self) -> None:
        """A request goes out."""
        self._report.requests += 1

    async def _repeat(self, claimed: Claimed, give_up_at: float, first: ProviderError) -> None:
        last = first
        number = 1
        backoff = tenacity.wait_random_exponential(multiplier=0.2, max=10)
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(is_safe_to_repeat),
            stop=tenacity.stop_after_attempt(self._limits.attempts - 1),
            wait=backoff,
            reraise=True,
        )
        try:
            async for attempt in retrying:
                if self._limits.attempts < 2:
                    break
                with attempt:
                    await self._gate.enter_again(claimed)
                    await self._gate.wait_for_slot(last)
                    if time.monotonic() > give_up_at or not self._gate.admits(claimed):
                        break
                    number += 1
                    self._report.retries += 1
                    try:
                        await self._attempt(claimed, number)
                    except ProviderError as error:
                        last = error
                        raise
                    return
        except ProviderError as error:
            if not is_safe_to_repeat(error):
                return
        self._spool(
            [
                _failed(question.claim_id, tries, last, settlement.UNSENT)
                for question, tries in zip(claimed.questions, claimed.attempts, strict=True)
            ]
        )

    async def _attempt(self, claimed: Claimed, number: int) -> None:
        """One exchange. Raises its error, after settling the claims unless a retry may follow."""
        request_id = uuid4()
        sent_at = time.time()
        began = time.perf_counter()
        self.count()
        try:
            exchange = await self._provider.ask(claimed.questions, request_id)
        except ProviderError as error:
            facts = self.facts(claimed, request_id, number, sent_at, began, error)
            final = not is_safe_to_repeat(error)
            self._spool(self._settlements(claimed, error, facts.columns(), final=final))
            await self._gate.note_failure(claimed, error)
            raise
        except BaseException:
            # Cancelled with the request on the wire: it may have been processed.
            lost = UnknownOutcome("The run was cancelled while the request was on its way.")
            facts = self.facts(claimed, request_id, number, sent_at, began, lost)
            self._spool(self._settlements(claimed, lost, facts.columns(), final=True))
            raise
        facts = self.facts(claimed, request_id, number, sent_at, began, exchange)
        self._spool(self.answers(claimed, exchange, facts.columns()))
        await self._gate.note_success(claimed)

    def facts(
        self,
        claimed: Claimed,
        request_id: UUID,
        number: int,
        sent_at: float,
        began: float,
        result: Exchange | ProviderError,
    ) -> ExchangeFacts:
        """What the ledger keeps of an exchange; `began` is of `time.perf_counter`."""
        duration = int((time.perf_counter() - began) * 1000)
        if duration > self._report.slowest_ms:
            self._report.slowest_ms = duration
        answer = result if isinstance(result, Exchange) else None
        return ExchangeFacts(
            request_id.hex,
            self._provider.name,
            self._run_id,
            self._provider.endpoint(claimed.questions),
            number,
            sent_at,
            duration,
            result.status,
            answer.response_bytes if answer else 0,
            answer.vendor_request_id if answer else None,
        )

    def answers(self, claimed: Claimed, exchange: Exchange, columns: str) -> list[Settlement]:
        """A settlement per claim of an exchange that was answered."""
        if len(exchange.answers) != len(claimed.questions):
            error = BadResponse("The client answered fewer questions than it was asked.")
            return error_settlements(self._provider, claimed, error, columns)
        asked = {
            question.claim_id: (question, attempt)
            for question, attempt in zip(claimed.questions, claimed.attempts, strict=True)
        }
        return [
            answer_settlement(self._provider, answer, *asked[answer.claim_id], columns)
            for answer in exchange.answers
        ]

    def _settlements(
        self, claimed: Claimed, error: ProviderError, columns: str, *, final: bool
    ) -> list[Settlement]:
        if not final:
            return [
                settlement.unanswered(
                    question.claim_id, attempt, "retrying", 0, error_name(error), None, columns
                )
                for question, attempt in zip(claimed.questions, claimed.attempts, strict=True)
            ]
        return error_settlements(self._provider, claimed, error, columns)


def answer_settlement(
    provider: Provider, answer: Answer, question: Question, attempt: int, columns: str
) -> Settlement:
    """What one claim's answer means for it: answered, accepted, failed or unknown."""
    operation = provider.operations[question.operation]
    if answer.accepted is not None:
        wait = max(answer.accepted.poll_in.total_seconds(), MIN_POLL_SECONDS)
        name = answer.accepted.external_id
        return settlement.accepted(answer.claim_id, attempt, name, wait, None, columns)
    if answer.failure is not None or answer.outcome is None:
        error = answer.failure or BadResponse("The client gave neither outcome nor failure.")
        return _unanswered(
            question.claim_id, attempt, question.max_micros, operation, error, columns
        )
    keep = operation.retention.total_seconds() if operation.retention else None
    return settlement.answered(
        answer.claim_id, attempt, answer.outcome, answer.cost_micros, answer.body, keep, columns
    )


def error_settlements(
    provider: Provider, claimed: Claimed, error: ProviderError, columns: str
) -> list[Settlement]:
    """What the end of a whole exchange in an error means for its claims."""
    return [
        _unanswered(
            question.claim_id,
            attempt,
            question.max_micros,
            provider.operations[question.operation],
            error,
            columns,
        )
        for question, attempt in zip(claimed.questions, claimed.attempts, strict=True)
    ]


def error_name(error: ProviderError) -> tuple[str, str | None]:
    """Class and vendor code of an error, as the ledger keeps it."""
    return error.code, error.vendor_code or (str(error.status) if error.status else None)


def _failed(claim_id: int, attempt: int, error: ProviderError, columns: str) -> Settlement:
    retry = retry_in_seconds(attempt, error)
    return settlement.unanswered(claim_id, attempt, "failed", 0, error_name(error), retry, columns)


def _unanswered(
    claim_id: int,
    attempt: int,
    max_micros: int,
    operation: Operation,
    error: ProviderError,
    columns: str,
) -> Settlement:
    """Failed where nothing can have been billed, else unknown under the operation's policy."""
    if error.unbilled or operation.on_unknown == "ask_again" or not max_micros:
        return _failed(claim_id, attempt, _retried(error, operation, max_micros), columns)
    state = "failed" if error.code == "permanent" else "unknown_outcome"
    return settlement.unanswered(
        claim_id, attempt, state, max_micros, error_name(error), None, columns
    )


def _retried(error: ProviderError, operation: Operation, max_micros: int) -> ProviderError:
    """The same error, retryable where asking again costs nothing."""
    free = operation.on_unknown == "ask_again" or not max_micros
    if free and isinstance(error, UnknownOutcome | BadResponse):
        again = TransientFailure(error.message, status=error.status, vendor_code=error.vendor_code)
        again.code = error.code
        return again
    return error
