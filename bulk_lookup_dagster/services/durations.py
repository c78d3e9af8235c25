"""How long a plan will take: the longest way through its steps, and the limit that makes it so.

Belongs here: time from requests and limits. Does not: counting requests
(`services.plan_estimates`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.services.providers import vendor_settings

_USUAL_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class StepRequests:
    """How many exchanges a step makes with whom, and which steps it waits for."""

    step: str
    upstream: Sequence[str]
    by_provider: Mapping[str, int]


def duration(steps: Sequence[StepRequests], settings: Settings) -> tuple[float, str]:
    """Seconds, and the slowest limit. Providers of a step work side by side; steps that share a
    provider share its limits. Steps stand upstream first."""
    ends: dict[str, float] = {}
    together: Counter[str] = Counter()
    for one in steps:
        took = [_seconds(name, count, settings) for name, count in one.by_provider.items()]
        begins = max((ends[name] for name in one.upstream if name in ends), default=0.0)
        ends[one.step] = begins + max(took, default=0.0)
        together.update(one.by_provider)
    alone = {name: _seconds(name, count, settings) for name, count in together.items()}
    if not alone:
        return 0, "nobody is asked"
    slowest = max(alone, key=lambda name: alone[name])
    seconds = max(max(ends.values(), default=0.0), alone[slowest])
    return math.ceil(seconds), _limit(slowest, settings)


def _seconds(provider: str, requests: int, settings: Settings) -> float:
    block = vendor_settings(settings, provider)
    rate = block.requests_per_second
    by_rate = 0.0 if rate is None else requests / rate
    return max(by_rate, requests * _USUAL_SECONDS / block.concurrency)


def _limit(provider: str, settings: Settings) -> str:
    block = vendor_settings(settings, provider)
    rate = block.requests_per_second
    if rate is not None and 1 / rate >= _USUAL_SECONDS / block.concurrency:
        return f"{provider}: {rate:g} requests/s"
    return f"{provider}: {block.concurrency} requests at once"
