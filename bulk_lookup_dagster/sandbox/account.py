"""One vendor's account in the sandbox: fault plan, rate, prices, what arrived, what was billed.

Belongs here: what every vendor has, apart from each other. Does not: shapes (one file per vendor),
choosing the vendor and the control API (see `app`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from bulk_lookup_dagster.sandbox.callbacks import deliver
from bulk_lookup_dagster.sandbox.faults import FaultPlan
from bulk_lookup_dagster.sandbox.server import Request, Response
from bulk_lookup_dagster.sandbox.simulator import Reply, Simulator

_AT, _SUBJECT, _OPERATIONS, _STATUS, _COST, _SENT, _FAULT = range(7)
LOG_NAMES = ("at", "subject", "packages", "status", "cost_micros", "sent_at", "fault")
_PLAIN: Mapping[str, tuple[int, str]] = {
    "unauthorised": (401, "Unauthorized"),
    "forbidden": (403, "Forbidden"),
    "rate_limited": (429, "Too Many Requests"),
    "rate_limited_bare": (429, "Too Many Requests"),
    "unavailable": (503, "Service Unavailable"),
    "server_error": (500, "Internal Server Error"),
}


class Account:
    """What one vendor knows of us; `handle` answers one request."""

    def __init__(self, simulator: Simulator, plan: FaultPlan) -> None:
        self.simulator = simulator
        self.plan = plan
        self.prices: dict[str, int] = dict(simulator.prices)
        self.prefixes: dict[str, int] = {}
        self.per_second: int | None = None
        self.log: list[list[Any]] = []
        self._asked: Counter[str] = Counter()
        self._billed: Counter[tuple[str, str]] = Counter()
        self._cost = 0
        self._arrived = 0
        self._second = (0, 0)

    def handle(self, request: Request) -> Response:
        """Answer, bill and log one request."""
        subject, operations = self.simulator.asked(request)
        nth = self._asked[subject] + 1
        plan = self.plan
        fault = plan.draw(subject, nth)
        if self._too_fast():
            fault = "rate_limited_bare"
        reply = None if fault is None else self._refusal(fault)
        processed = reply is None and fault != "drop_before"
        if reply is None:
            reply = self.simulator.answer(request) if processed else Reply(200)
        if not reply.counted:
            return Response(reply.status, reply.body, reply.headers, 0.0, None, None)
        self._arrived += 1
        self._asked[subject] = nth
        entry: list[Any] = [time.time(), subject, operations, reply.status, 0, None, fault]
        self.log.append(entry)
        body = reply.body
        if processed:
            entry[_COST] = self._bill(reply)
            if reply.callbacks:
                deliver(reply.callbacks)
            if fault == "wrong_type":
                body = scrambled(body)

        def sent(at: float) -> None:
            entry[_SENT] = at

        headers = f"{reply.headers}X-Sandbox-Request: {self._arrived}\r\n"
        delay = plan.latency_ms / 1000
        response = Response(reply.status, body, headers, delay, fault, sent)
        response.content_type = reply.content_type
        return response

    def forget(self) -> None:
        """Start the log and the bill anew."""
        self.log.clear()
        self._asked.clear()
        self._billed.clear()
        self._cost = 0
        self._arrived = 0

    def summary(self) -> dict[str, Any]:
        """Counts of what arrived and what was billed."""
        return {
            "requests": self._arrived,
            "cost_micros": self._cost,
            "billed": sum(self._billed.values()),
            "most_billed": max(self._billed.values(), default=0),
            "paid_twice": sum(count - 1 for count in self._billed.values()),
            "statuses": dict(Counter(str(entry[_STATUS]) for entry in self.log)),
        }

    def _too_fast(self) -> bool:
        """Whether this request is one too many in this second; off without a limit."""
        if self.per_second is None:
            return False
        now = int(time.monotonic())
        second, count = self._second
        count = count + 1 if second == now else 1
        self._second = (now, count)
        return count > self.per_second

    def _refusal(self, fault: str) -> Reply | None:
        told = self.simulator.refusal(fault, self.plan.retry_after_s)
        if told is not None:
            return told
        if fault == "redirect":
            return Reply(307, b"", "Location: https://example.invalid/\r\n")
        if fault not in _PLAIN:
            return None
        status, message = _PLAIN[fault]
        wait = f"Retry-After: {self.plan.retry_after_s}\r\n" if fault == "rate_limited" else ""
        return Reply(status, orjson.dumps({"message": message}), wait)

    def _bill(self, reply: Reply) -> int:
        cost = 0
        for subject, operation in reply.billed:
            self._billed[(subject, operation)] += 1
            cost += self._price(subject, operation)
        self._cost += cost
        return cost

    def _price(self, subject: str, operation: str) -> int:
        for prefix, micros in self.prefixes.items():
            if subject.startswith(prefix):
                return micros
        return self.prices.get(operation, 0)


def scrambled(body: bytes) -> bytes:
    """The same JSON with every value but null and 0 of another type."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    return orjson.dumps(_scrambled(document))


def _scrambled(value: Any) -> Any:
    match value:
        case dict():
            return {name: _scrambled(each) for name, each in value.items()}
        case list():
            return [_scrambled(each) for each in value]
        case bool():
            return "perhaps"
        case str():
            return 7
    return value and ["x"]
