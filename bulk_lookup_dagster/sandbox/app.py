"""The sandbox itself: vendors' paths, the account that is billed, the log, the control API.

Control, under `/_sandbox/`: `PUT faults` (a `FaultPlan`), `PUT prices` (micro-dollars by package,
and `prefixes`: by the number's beginning), `PUT batch` (`{"offered": bool}`), `PUT limits`
(look-ups a second by package, as the account is told them), `GET log`, `GET summary`, `DELETE log`.

Belongs here: what every vendor shares. Does not: shapes (one file per vendor).
"""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.sandbox import twilio_lookup
from bulk_lookup_dagster.sandbox.faults import FaultPlan, is_amount
from bulk_lookup_dagster.sandbox.server import Request, Response
from bulk_lookup_dagster.sandbox.twilio_lookup import Lookup

_AT, _SUBJECT, _PACKAGES, _STATUS, _COST, _SENT, _FAULT = range(7)
_LIMIT = 1_000
_LOG_NAMES = ("at", "subject", "packages", "status", "cost_micros", "sent_at", "fault")


class Sandbox:
    """State of one simulator; `handle` answers one request."""

    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan
        self._prices: dict[str, int] = dict(twilio_lookup.PRICES)
        self._prefixes: dict[str, int] = {}
        self._batch_offered = True
        self._limits = [_bucket(name, _LIMIT) for name in twilio_lookup.PACKAGES]
        self._log: list[list[Any]] = []
        self._asked: Counter[str] = Counter()
        self._billed: Counter[tuple[str, str]] = Counter()
        self._cost = 0
        self._arrived = 0
        self._known_auth: set[str] = set()

    def handle(self, request: Request) -> Response:
        """Answer, bill and log one request."""
        if request.path.startswith("/_sandbox/"):
            return self._control(request)
        if not self._authorised(request):
            return _error(401, 20003, "Authenticate")
        if request.method == "GET" and request.path.startswith("/v2/PhoneNumbers/"):
            return self._single(request)
        if request.method == "POST" and request.path == "/v2/batch/query":
            return self._batch(request)
        if request.method == "GET" and request.path == "/v2/RateLimits":
            return _json({"rate_limits": self._limits})
        return _error(404, 20404, "The requested resource was not found")

    def _authorised(self, request: Request) -> bool:
        value = request.header(b"authorization")
        if value in self._known_auth:
            return True
        try:
            user, _, password = base64.b64decode(value.removeprefix("Basic ")).partition(b":")
        except ValueError:
            return False
        known = value.startswith("Basic ") and user[:2] in (b"AC", b"SK") and bool(password)
        if known and password != b"wrong":
            self._known_auth.add(value)
            return True
        return False

    def _single(self, request: Request) -> Response:
        lookup = twilio_lookup.single(request.path, request.query)
        if twilio_lookup.unknown_fields(lookup.packages):
            return _error(400, 60610, "Invalid Fields")
        return self._answer([lookup], lambda bodies: bodies[0])

    def _batch(self, request: Request) -> Response:
        if not self._batch_offered:
            return _error(404, 20404, "The requested resource was not found")

        def join(bodies: list[dict[str, Any]]) -> dict[str, Any]:
            for lookup, body in zip(lookups, bodies, strict=True):
                body.pop("url")
                body["correlation_id"] = lookup.correlation_id
                body["twilio_error_code"] = None
            return {"phone_numbers": bodies}

        try:
            lookups = twilio_lookup.batch(request.body)
        except InputError:
            return _error(400, 60600, "Invalid request body")
        return self._answer(lookups, join)

    def _answer(
        self,
        lookups: Sequence[Lookup],
        join: Callable[[list[dict[str, Any]]], dict[str, Any]],
    ) -> Response:
        first = lookups[0].subject
        self._arrived += 1
        self._asked[first] += 1
        plan = self._plan
        fault = plan.draw(first, self._asked[first])
        delay = plan.latency_ms / 1000
        entry: list[Any] = [time.time(), first, lookups[0].packages, 200, 0, None, fault]
        self._log.append(entry)
        refusal = _refusal(fault, plan)
        if refusal is not None:
            refusal.delay = delay
            entry[_STATUS] = refusal.status
            return refusal
        bodies = []
        if fault != "drop_before":
            for lookup in lookups:
                body, billed = twilio_lookup.answer(lookup, wrong_type=fault == "wrong_type")
                bodies.append(body)
                entry[_COST] += self._bill(lookup.subject, billed)

        def sent(at: float) -> None:
            entry[_SENT] = at

        document = join(bodies) if bodies else {}
        request_id = f"Twilio-Request-Id: RQ{self._arrived:032x}\r\n"
        return Response(200, orjson.dumps(document), request_id, delay, fault, sent)

    def _bill(self, subject: str, packages: Sequence[str]) -> int:
        cost = 0
        for name in packages:
            self._billed[(subject, name)] += 1
            cost += self._price(subject, name)
        self._cost += cost
        return cost

    def _price(self, subject: str, package: str) -> int:
        for prefix, micros in self._prefixes.items():
            if subject.startswith(prefix):
                return micros
        return self._prices.get(package, 0)

    def _control(self, request: Request) -> Response:
        name = request.path.removeprefix("/_sandbox/")
        try:
            match request.method, name:
                case "PUT", "faults":
                    self._plan = FaultPlan.from_json(_object(request.body))
                case "PUT", "prices":
                    prices = _object(request.body)
                    prefixes = _amounts(prices.pop("prefixes", {}))
                    self._prices |= _amounts(prices)
                    self._prefixes = prefixes
                case "PUT", "batch":
                    self._batch_offered = bool(_object(request.body)["offered"])
                case "PUT", "limits":
                    limits = _amounts(_object(request.body))
                    self._limits = [_bucket(name, rate) for name, rate in limits.items()]
                case "DELETE", "log":
                    self._forget()
                case "GET", "log":
                    rows = [dict(zip(_LOG_NAMES, entry, strict=True)) for entry in self._log]
                    return _json({"entries": rows})
                case "GET", "summary":
                    return _json(self._summary())
                case _:
                    return _error(404, 20404, "There is no such control")
        except (InputError, ValueError, KeyError) as error:
            return _error(400, 1, f"This is not understood: {error}")
        return Response(204)

    def _forget(self) -> None:
        self._log.clear()
        self._asked.clear()
        self._billed.clear()
        self._cost = 0
        self._arrived = 0

    def _summary(self) -> Mapping[str, Any]:
        return {
            "requests": self._arrived,
            "cost_micros": self._cost,
            "billed": sum(self._billed.values()),
            "most_billed": max(self._billed.values(), default=0),
            "paid_twice": sum(count - 1 for count in self._billed.values()),
            "statuses": dict(Counter(str(entry[_STATUS]) for entry in self._log)),
        }


def _object(body: bytes) -> dict[str, Any]:
    document = orjson.loads(body)
    if not isinstance(document, dict):
        raise InputError("A JSON object is expected.")
    return document


def _amounts(document: Any) -> dict[str, int]:
    """Whole numbers of at least 0 by name."""
    if not isinstance(document, dict):
        raise InputError("A JSON object is expected.")
    for name, value in document.items():
        if not isinstance(value, int) or not is_amount(value):
            raise InputError(f"{name} is a whole number of at least 0.")
    return document


def _refusal(fault: str | None, plan: FaultPlan) -> Response | None:
    match fault:
        case "rate_limited":
            wait = f"Retry-After: {plan.retry_after_s}\r\n"
            return _error(429, 20429, "Too Many Requests", wait)
        case "rate_limited_bare":
            return _error(429, 20429, "Too Many Requests")
        case "unavailable":
            return _error(503, 20503, "Service Unavailable")
        case "server_error":
            return _error(500, 20500, "Internal Server Error")
        case "redirect":
            return Response(307, b"", "Location: https://example.invalid/\r\n")
    return None


def _bucket(package: str, limit: int) -> dict[str, Any]:
    return {"field": package, "limit": limit, "bucket": "account", "owner": "twilio", "ttl": 1}


def _json(document: Mapping[str, Any], status: int = 200) -> Response:
    return Response(status, orjson.dumps(document))


def _error(status: int, code: int, message: str, headers: str = "") -> Response:
    info = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": message, "more_info": info, "status": status}
    return Response(status, orjson.dumps(body), headers)
