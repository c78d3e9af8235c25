"""The sandbox itself: which vendor a path belongs to, and the control API.

The first segment of a path names the vendor (`/trestle/3.2/phone`), the vendor's own path follows.
Twilio Lookup answers at the root too.

Control, under `/_sandbox/`, each for `?vendor=NAME` or, without one, for all vendors: `PUT faults`
(a `FaultPlan`), `PUT prices` (micro-dollars by operation, and `prefixes`: by the subject's
beginning), `PUT rate` (`{"per_second": N}`: what is faster gets 429; null = off), `GET log`,
`GET summary`, `DELETE log`; and what a vendor's file adds, such as `PUT batch` and `PUT limits` of
Twilio Lookup.

Belongs here: routing and control. Does not: an account's state (see `account`), shapes (one file
per vendor).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

import orjson

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.sandbox.account import LOG_NAMES, Account
from bulk_lookup_dagster.sandbox.census import Census
from bulk_lookup_dagster.sandbox.clearbit import Clearbit
from bulk_lookup_dagster.sandbox.faults import FaultPlan, amounts
from bulk_lookup_dagster.sandbox.fcc import Fcc
from bulk_lookup_dagster.sandbox.google_address import GoogleAddress
from bulk_lookup_dagster.sandbox.google_geocoding import GoogleGeocoding
from bulk_lookup_dagster.sandbox.google_places import GooglePlaces
from bulk_lookup_dagster.sandbox.hunter import Hunter
from bulk_lookup_dagster.sandbox.numverify import Numverify
from bulk_lookup_dagster.sandbox.pdl import Pdl
from bulk_lookup_dagster.sandbox.server import Request, Response
from bulk_lookup_dagster.sandbox.simulator import Simulator, json_object
from bulk_lookup_dagster.sandbox.trestle import Trestle
from bulk_lookup_dagster.sandbox.truecaller import Truecaller
from bulk_lookup_dagster.sandbox.twilio_addons import TwilioAddons
from bulk_lookup_dagster.sandbox.twilio_deactivations import TwilioDeactivations
from bulk_lookup_dagster.sandbox.twilio_lookup import TwilioLookup
from bulk_lookup_dagster.sandbox.twilio_trust_hub import TwilioTrustHub
from bulk_lookup_dagster.sandbox.verizon import Verizon
from bulk_lookup_dagster.sandbox.whitepages import Whitepages
from bulk_lookup_dagster.sandbox.yelp import Yelp
from bulk_lookup_dagster.sandbox.zerobounce import Zerobounce

_CONTROL = "/_sandbox/"


def simulators() -> tuple[Simulator, ...]:
    """One of each vendor; the first answers at the root too."""
    return (
        TwilioLookup(),
        Numverify(),
        Trestle(),
        Zerobounce(),
        Hunter(),
        Pdl(),
        Clearbit(),
        Census(),
        GoogleGeocoding(),
        TwilioAddons(),
        TwilioDeactivations(),
        TwilioTrustHub(),
        GoogleAddress(),
        Verizon(),
        Fcc(),
        Whitepages(),
        Truecaller(),
        GooglePlaces(),
        Yelp(),
    )


class Sandbox:
    """State of one simulator process; `handle` answers one request."""

    def __init__(self, plan: FaultPlan) -> None:
        self._accounts = {one.name: Account(one, plan) for one in simulators()}
        self._root = next(iter(self._accounts.values()))

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        path = request.path
        if path.startswith(_CONTROL):
            return self._control(request)
        end = path.find("/", 1)
        account = self._accounts.get(path[1:end] if end > 0 else path[1:])
        if account is None:
            return self._root.handle(request)
        request.path = path[end:] if end > 0 else "/"
        return account.handle(request)

    def _control(self, request: Request) -> Response:
        name = request.path.removeprefix(_CONTROL)
        try:
            accounts = self._chosen(request.query)
            match request.method, name:
                case "PUT", _:
                    return self._put(name, json_object(request.body), accounts)
                case "DELETE", "log":
                    for account in accounts:
                        account.forget()
                    return Response(204)
                case "GET", "log":
                    return _json({"entries": _entries(accounts)})
                case "GET", "summary":
                    return _json(_totals([account.summary() for account in accounts]))
        except (InputError, ValueError, KeyError, TypeError) as error:
            return _json({"message": f"This is not understood: {error}"}, 400)
        return _json({"message": "There is no such control"}, 404)

    def _chosen(self, query: str) -> list[Account]:
        names = parse_qs(query).get("vendor")
        if names is None:
            return list(self._accounts.values())
        unknown = [name for name in names if name not in self._accounts]
        if unknown:
            raise InputError(f"Vendors: {', '.join(self._accounts)}.")
        return [self._accounts[name] for name in names]

    def _put(self, name: str, document: Any, accounts: Sequence[Account]) -> Response:
        match name:
            case "faults":
                plan = FaultPlan.from_json(document)
                for account in accounts:
                    account.plan = plan
            case "prices":
                prefixes = amounts(document.pop("prefixes", {}))
                prices = amounts(document)
                for account in accounts:
                    account.prices |= prices
                    account.prefixes = prefixes
            case "rate":
                rate = document["per_second"]
                per_second = None if rate is None else amounts({"per_second": rate})["per_second"]
                for account in accounts:
                    account.per_second = per_second
            case _:
                taken = [account.simulator.control(name, document) for account in accounts]
                if not any(taken):
                    return _json({"message": "There is no such control"}, 404)
        return Response(204)


def _entries(accounts: Iterable[Account]) -> list[dict[str, Any]]:
    """What arrived, oldest first."""
    entries = [
        {"vendor": account.simulator.name, **dict(zip(LOG_NAMES, entry, strict=True))}
        for account in accounts
        for entry in account.log
    ]
    return sorted(entries, key=lambda entry: float(entry["at"]))


def _totals(summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    statuses: Counter[str] = Counter()
    for one in summaries:
        statuses.update(one["statuses"])
    added = ("requests", "cost_micros", "billed", "paid_twice")
    return {
        **{name: sum(one[name] for one in summaries) for name in added},
        "most_billed": max((one["most_billed"] for one in summaries), default=0),
        "statuses": dict(statuses),
    }


def _json(document: Mapping[str, Any], status: int = 200) -> Response:
    return Response(status, orjson.dumps(document))
