"""A step with two vendors for the same question, as the engine sees it, and a vendor that is slow.

Belongs here: what tests of waterfalls and accepted questions share. Real vendors: the sandbox.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from bulk_lookup_dagster.core.errors import AuthFailed, BadResponse
from bulk_lookup_dagster.engine.options import RunOptions, RunReport
from bulk_lookup_dagster.engine.provider import (
    Accepted,
    Answer,
    Callback,
    Exchange,
    Provider,
    Question,
)
from bulk_lookup_dagster.engine.runner import run_step
from bulk_lookup_dagster.engine.step import Step, Waterfall
from tests.fakes.ledger import ALL_PHONES
from tests.fakes.provider import LINE_TYPE, FakeProvider

FIRST, SECOND = "first_vendor", "second_vendor"
MISS: Mapping[str, Any] = {"outcome": "no_data"}
NOW = timedelta(0)


def waterfall(
    *providers: str, operations: Sequence[str] = (LINE_TYPE,), holdout: int = 0, minimum: int = 0
) -> Step:
    """Each operation a slot; `providers` are its positions. Confidence is `quality_score`."""
    order = providers or (FIRST, SECOND)
    offers = ", ".join(
        f"('{name}', '{operation}', {place})"
        for operation in operations
        for place, name in enumerate(order, 1)
    )
    questions = f"""
        SELECT s.subject_id, s.value, s.region, o.provider, o.operation, o.operation AS slot,
               o.position::smallint AS position, '{{}}'::jsonb AS params, ''::bytea AS params_hash
          FROM intake.subjects s
         CROSS JOIN (VALUES {offers}) AS o (provider, operation, position)
         WHERE s.kind = 'phone'
    """
    placed = Waterfall("quality_score", minimum, holdout) if len(order) > 1 else None
    return Step("phone_lookups", "phone", "enrichment.phone_lookups", questions, placed)


def vendor(
    name: str, behave: Callable[[Question, int], Mapping[str, Any] | None] | None = None
) -> FakeProvider:
    """A vendor in memory of that name."""
    provider = FakeProvider(name=name)
    if behave is not None:
        provider.behave = behave
    return provider


def go(
    dsn: str, home: Path, step: Step, plan_id: int, *vendors: Provider, **options: Any
) -> RunReport:
    """One engine run over all phone subjects."""
    options = {"patience": NOW, **options}
    return asyncio.run(
        run_step(
            dsn,
            step,
            ALL_PHONES,
            {one.name: one for one in vendors},
            plan_id=plan_id,
            run=RunOptions(home=home, **options),
        )
    )


@dataclass
class SlowVendor(FakeProvider):
    """Accepts every question and answers from the `ready_after`th poll on; may call back."""

    poll_in: timedelta = timedelta(seconds=0.1)
    ready_after: int = 1
    polls: dict[str, int] = field(default_factory=dict)
    on_poll: Callable[[Question], None] = lambda question: None
    token: str = "token"

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        exchange = await super().ask(questions, request_id)
        taken = [
            Answer(one.claim_id, None, 0, b"", accepted=self._accepted(one)) for one in questions
        ]
        return Exchange(202, exchange.response_bytes, taken)

    async def poll(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        answers = []
        for question in questions:
            name = question.external_id or ""
            self.polls[name] = self.polls.get(name, 0) + 1
            self.on_poll(question)
            if self.polls[name] < self.ready_after:
                taken = self._accepted(question)
                answers.append(Answer(question.claim_id, None, 0, b"", accepted=taken))
            else:
                body = b'{"line_type":"voip"}'
                answers.append(Answer(question.claim_id, "data", question.max_micros, body))
        return Exchange(200, 50, answers)

    def _accepted(self, question: Question) -> Accepted:
        return Accepted(f"job-{question.subject_id}", self.poll_in)

    def read_callback(self, headers: Mapping[str, str], body: bytes, url: str) -> Callback:
        if not hmac.compare_digest(headers.get("x-token", "").encode(), self.token.encode()):
            raise AuthFailed("The token is not the vendor's.")
        try:
            document = json.loads(body)
            return Callback(document["id"], document["event"])
        except (ValueError, KeyError, TypeError) as error:
            raise BadResponse("No call-back of this vendor.") from error

    def callback_answer(self, question: Question, event: str, body: bytes) -> Answer | None:
        if event == "working":
            return Answer(question.claim_id, None, 0, b"", accepted=self._accepted(question))
        if event != "done":
            return None
        values = json.loads(body).get("values")
        if values is None:
            raise BadResponse("The values are absent.")
        text = json.dumps(values).encode()
        return Answer(question.claim_id, "data", question.max_micros, text)
