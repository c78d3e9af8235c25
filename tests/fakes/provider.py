"""A vendor in memory: answers, fails or stalls as told, and counts what it was asked.

Belongs here: the engine's counterpart in tests that need no wire. The sandbox is the real one.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from bulk_lookup_dagster.core.errors import BadResponse
from bulk_lookup_dagster.engine.provider import Answer, Exchange, Operation, Question

LINE_TYPE = "line_type_intelligence"
CALLER_NAME = "caller_name"


def _operation(name: str, **options: Any) -> Operation:
    return Operation(name, "phone", "test", timedelta(days=30), **options)


@dataclass
class FakeProvider:
    """Implements `engine.provider.Provider`. `behave(question, nth)` may raise or return a body."""

    name: str = "twilio_lookup"
    operations: Mapping[str, Operation] = field(
        default_factory=lambda: {
            LINE_TYPE: _operation(LINE_TYPE),
            CALLER_NAME: _operation(CALLER_NAME),
        }
    )
    subjects_per_request: int = 1
    deadline: timedelta = timedelta(seconds=2)
    delay: float = 0.0
    behave: Callable[[Question, int], Mapping[str, Any] | None] = lambda question, nth: None
    asked: Counter[tuple[int, str]] = field(default_factory=Counter)
    answered: Counter[tuple[int, str]] = field(default_factory=Counter)
    calls: int = 0
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    concurrent: int = 0
    most_concurrent: int = 0

    def endpoint(self, questions: Sequence[Question]) -> str:
        return "lookup"

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        self.calls += 1
        if self.calls >= 5:
            self.busy.set()
        self.concurrent += 1
        self.most_concurrent = max(self.most_concurrent, self.concurrent)
        try:
            await asyncio.sleep(self.delay)
            return self._answer(questions)
        finally:
            self.concurrent -= 1

    def _answer(self, questions: Sequence[Question]) -> Exchange:
        answers = []
        for question in questions:
            key = (question.subject_id, question.operation)
            self.asked[key] += 1
            special = self.behave(question, self.asked[key])
            body: dict[str, Any] = {"line_type": "mobile"} if special is None else dict(special)
            outcome = body.pop("outcome", "data")
            cost = body.pop("cost", question.max_micros)
            self.answered[key] += 1
            text = json.dumps(body).encode()
            answers.append(Answer(question.claim_id, outcome, cost, text))
        return Exchange(200, 100, answers, "RQ1")

    def parse(self, operation: str, body: bytes) -> Mapping[str, Any]:
        values: dict[str, Any] = json.loads(body)
        if values.get("broken"):
            raise BadResponse("line_type is absent.")
        return values
