"""A vendor's client asked one question, whatever its vendor answers to it.

Belongs here: what tests of clients share. Does not: the contract of all clients
(`tests.contracts.client_contract`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Protocol
from uuid import uuid4

from bulk_lookup_dagster.engine.provider import Answer, PollingProvider, Provider, Question
from resources.http import Timeouts
from resources.vendor import Client
from tests.fakes.recorder import recording, response

FAST = Timeouts(connect=1, read=5, total=10)
MakeClient = Callable[[str], Client]


class PolledClient(Provider, PollingProvider, Protocol):
    """A client that is asked and polled."""


def answer_to(make: MakeClient, asks: Question, status: int, document: object) -> Answer:
    """The one answer to a question; `document` None is an empty body."""
    body = b"" if document is None else json.dumps(document).encode()

    async def run() -> Answer:
        async with recording(response(status, body)) as vendor, make(vendor.url) as client:
            return (await client.ask([asks], uuid4())).answers[0]

    return asyncio.run(run())


async def asked_to_the_end(
    client: PolledClient, questions: Iterable[Question]
) -> tuple[int, list[str | None]]:
    """How often a client had to poll for these questions, and their outcomes."""
    polls = 0
    outcomes: list[str | None] = []
    for one in questions:
        (answer,) = (await client.ask([one], uuid4())).answers
        while answer.accepted is not None:
            polls += 1
            (answer,) = (await client.poll([one], uuid4())).answers
        outcomes.append(answer.outcome)
    return polls, outcomes
