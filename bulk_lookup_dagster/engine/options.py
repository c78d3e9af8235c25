"""What a run is told and what it reports: limits, caps, deadlines, counts.

Belongs here: plain values. Does not: the settings document they are read from (see
`core.settings`), the work itself (see `engine.runner`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a circuit opens and for how long.

    It opens once `failures` calls of the last `window` failed and they are at least half of all
    calls in it; after `cool_off` exactly one probe is let through.
    """

    failures: int = 10
    window: timedelta = timedelta(seconds=30)
    cool_off: timedelta = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class ProviderLimits:
    """How hard a vendor may be asked.

    `requests_per_second` is shared by all processes (None: no limit); `concurrency` and
    `attempts` (calls for one request while they are provably unbilled) are per process. No
    attempt starts later than `retry_window` after its claim, so that a claim's deadline is that
    plus the longest call.
    """

    requests_per_second: float | None = None
    concurrency: int = 20
    attempts: int = 6
    max_retry_after: timedelta = timedelta(seconds=60)
    retry_window: timedelta = timedelta(seconds=60)
    breaker: BreakerPolicy = BreakerPolicy()


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How one engine run behaves; money in micro-dollars, None = no cap.

    `home` is the data folder that holds the spool. `deadline` bounds the whole run: what is not
    asked by then stays due. `patience` is how long the run waits for work that others hold, for
    an open circuit and for retries that come due soon. `accepted_for` is how long a vendor may
    take to answer what it accepted. `timezone` decides the business day. Runs of one `budget_key`
    spend under one run cap ('': this run alone).
    """

    home: Path
    limits: Mapping[str, ProviderLimits] = field(default_factory=dict)
    run_cap_micros: int | None = None
    day_cap_micros: int | None = None
    provider_day_caps_micros: Mapping[str, int] = field(default_factory=dict)
    refresh_after: timedelta | None = None
    deadline: timedelta = timedelta(hours=6)
    accepted_for: timedelta = timedelta(days=1)
    patience: timedelta = timedelta(minutes=2)
    timezone: str = "UTC"
    kind: str = "batch"
    batch_id: int | None = None
    dagster_run_id: str | None = None
    budget_key: str = ""
    progress: Callable[[RunReport], None] | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An operation a step would ask and nobody can be asked now: why, and about how many."""

    provider: str
    operation: str
    questions: int
    because: str


@dataclass(slots=True)
class RunReport:
    """What a run did, counted in claims unless the name says otherwise.

    `left_due` counts claims not asked, by reason (`cap_reached`, `paused`, `unavailable`,
    `deadline`, `no_price`, `waiting` for an earlier provider of a waterfall); `pending_elsewhere`
    those another live run still holds; `accepted` those a vendor will answer later; `rates` the
    requests a second each provider was held to (None: no limit). `skipped` counts rows about which
    nobody could be asked, or subjects left out as not sure enough; `skipped_because` says why;
    `left_out` names who else might have answered what nobody did.
    """

    run_id: int = 0
    due: int = 0
    requests: int = 0
    retries: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    released: int = 0
    lost_to_others: int = 0
    quarantined: int = 0
    recovered: int = 0
    pending_elsewhere: int = 0
    accepted: int = 0
    left_due: Counter[str] = field(default_factory=Counter)
    spent_micros: int = 0
    slowest_ms: int = 0
    stopped: dict[str, str] = field(default_factory=dict)
    rates: dict[str, float | None] = field(default_factory=dict)
    skipped: int = 0
    skipped_because: str = ""
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def paid_calls(self) -> int:
        """Requests sent to vendors, retries included."""
        return self.requests

    @property
    def complete(self) -> bool:
        """Whether nothing of the scope stayed due, accepted or pending elsewhere."""
        return not (self.pending_elsewhere or self.accepted) and not sum(self.left_due.values())

    def as_json(self) -> dict[str, Any]:
        """A JSON-ready document of all figures."""
        return {
            "run_id": self.run_id,
            "due": self.due,
            "requests": self.requests,
            "retries": self.retries,
            "answered": dict(self.answered),
            "failed": dict(self.failed),
            "unknown": self.unknown,
            "released": self.released,
            "lost_to_others": self.lost_to_others,
            "quarantined": self.quarantined,
            "recovered": self.recovered,
            "pending_elsewhere": self.pending_elsewhere,
            "accepted": self.accepted,
            "left_due": dict(self.left_due),
            "spent_micros": self.spent_micros,
            "slowest_ms": self.slowest_ms,
            "stopped": dict(self.stopped),
            "rates": dict(self.rates),
            "skipped": self.skipped,
            "skipped_because": self.skipped_because,
            "left_out": [asdict(one) for one in self.left_out],
        }
