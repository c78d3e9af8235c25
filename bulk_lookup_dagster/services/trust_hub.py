"""Reading our Trust Hub account: its lists, every profile in them, and whose profiles they are.

Free, and still through claims, so that every request is recorded and limited. Pages lead to
profiles, profiles to their businesses and reviews: a round of the engine per operation, each asking
only what is due. A profile belongs to a company of our contacts where its site has that company's
domain, or else where exactly one company has exactly its name; nothing is guessed.

Belongs here: the use case. Does not: requests (`resources.twilio_trust_hub_client`), writes
(`services.trust_hub_submissions`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import psycopg

from bulk_lookup_dagster.core.errors import BadResponse
from bulk_lookup_dagster.core.privacy import subject_hmac
from bulk_lookup_dagster.core.subjects import CompanyKey
from bulk_lookup_dagster.core.trust_hub import IN_REVIEW
from bulk_lookup_dagster.engine.options import RunReport
from bulk_lookup_dagster.engine.settlement import unpack
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.providers import ClientFactories
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.steps.trust_hub_profiles import TRUST_HUB_PROFILES
from bulk_lookup_dagster.services.subject_runs import run_subjects_free
from bulk_lookup_dagster.storage.database import connect
from resources.twilio_trust_hub_records import PROVIDER

Connection = psycopg.Connection[Any]

LISTS = ("CustomerProfiles", "TrustProducts")
_MAX_PAGES = 100
# A daily run must find yesterday's answers old, though yesterday's run took its time.
_SLACK = timedelta(hours=1)

_PAGES = """
    SELECT DISTINCT ON (p.subject_id) s.value, b.body
      FROM enrichment.trust_hub_profiles p
      JOIN intake.subjects s USING (subject_id) JOIN ledger.bodies b USING (claim_id)
     WHERE p.provider = %s AND p.operation = 'listing' AND s.value = ANY (%s)
     ORDER BY p.subject_id, p.fetched_at DESC
"""
_NEWEST = """
    SELECT DISTINCT ON (p.subject_id) p.* FROM enrichment.trust_hub_profiles p
     WHERE p.provider = '{provider}' AND p.operation = '{operation}' AND p.outcome = 'data'
       AND p.expires_at > now()
     ORDER BY p.subject_id, p.fetched_at DESC
"""
_ASSIGNED = _NEWEST.format(provider=PROVIDER, operation="assignments")
_END_USERS = f"""
    SELECT DISTINCT 'EndUsers/' || e
      FROM ({_ASSIGNED}) a
      JOIN intake.subjects s USING (subject_id) CROSS JOIN unnest(a.assigned) e
     WHERE s.value = ANY (%s) AND left(e, 2) = 'IT' ORDER BY 1
"""
# A review that is over has to be polled once more, though its profile says so already.
_IN_REVIEW = f"""
    SELECT s.value FROM ({_NEWEST.format(provider=PROVIDER, operation="profile")}) p
      JOIN intake.subjects s USING (subject_id)
     WHERE s.value = ANY (%s) AND (p.status IN {IN_REVIEW} OR EXISTS (
               SELECT FROM ledger.claims c
                WHERE c.provider = '{PROVIDER}' AND c.operation = 'review'
                  AND c.subject_id = p.subject_id AND c.state = 'accepted'))
     ORDER BY 1
"""
_BUSINESSES = f"""
    SELECT a.subject_id, b.domain, b.business_name, b.claim_id, b.expires_at
      FROM ({_ASSIGNED}) a
      JOIN ({_NEWEST.format(provider=PROVIDER, operation="business")}) b ON b.sid = ANY (a.assigned)
"""
_FORGET = "DELETE FROM enrichment.trust_hub_companies"
_BY_DOMAIN = """
    INSERT INTO enrichment.trust_hub_companies
           (subject_id, company_subject_id, basis, claim_id, expires_at)
    SELECT f.subject_id, s.subject_id, 'domain', f.claim_id, f.expires_at
      FROM unnest(%s::bigint[], %s::bytea[], %s::bigint[], %s::timestamptz[])
           AS f (subject_id, value_hmac, claim_id, expires_at)
      JOIN intake.subjects s USING (value_hmac)
     WHERE s.kind = 'company' AND s.erased_at IS NULL
"""
_BY_NAME = """
    WITH named AS (
        SELECT lower(btrim(n.name)) AS name, min(c.subject_id) AS company_id
          FROM enrichment.company_profiles_best c
         CROSS JOIN LATERAL (SELECT c.name UNION SELECT c.legal_name) n (name)
         WHERE n.name IS NOT NULL
         GROUP BY 1 HAVING count(DISTINCT c.subject_id) = 1
    )
    INSERT INTO enrichment.trust_hub_companies
           (subject_id, company_subject_id, basis, claim_id, expires_at)
    SELECT f.subject_id, n.company_id, 'name', f.claim_id, f.expires_at
      FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::timestamptz[])
           AS f (subject_id, name, claim_id, expires_at)
      JOIN named n ON n.name = lower(btrim(f.name))
     WHERE NOT EXISTS (SELECT FROM enrichment.trust_hub_companies o
                        WHERE o.subject_id = f.subject_id)
"""
_DIRTY = "INSERT INTO ops.mart_dirty (reason) VALUES ('trust hub read')"


@dataclass(slots=True)
class Reading:
    """What became of a look at the account: profiles listed, those whose verdict is still to come,
    those that belong to a company of contacts, and the engine's reports.
    """

    profiles: int = 0
    in_review: int = 0
    matched: int = 0
    reports: list[RunReport] = field(default_factory=list)

    @property
    def requests(self) -> int:
        """Requests sent."""
        return sum(one.requests for one in self.reports)

    @property
    def stopped(self) -> dict[str, str]:
        """Why Twilio was not asked to the end."""
        return {name: why for one in self.reports for name, why in one.stopped.items()}

    @property
    def failed(self) -> dict[str, int]:
        """Failed questions by kind of failure."""
        names = {name for one in self.reports for name in one.failed}
        return {name: sum(one.failed[name] for one in self.reports) for name in sorted(names)}


class _Reader:
    """Rounds of the engine, and what they came to."""

    def __init__(
        self,
        platform: Platform,
        clients: ClientFactories | None,
        dagster_run_id: str | None,
        after: timedelta | None,
    ) -> None:
        self._platform = platform
        self._clients = clients
        self._dagster_run_id = dagster_run_id
        self._after = after
        self.reading = Reading()

    async def ask(self, operation: str, resources: Sequence[str]) -> None:
        """One round of one operation about these resources."""
        if not resources:
            return
        report = await run_subjects_free(
            self._platform,
            TRUST_HUB_PROFILES,
            resources,
            clients=self._clients,
            dagster_run_id=self._dagster_run_id,
            operations=(operation,),
            older_than=self._after,
        )
        self.reading.reports.append(report)
        if operation == "review":
            self.reading.in_review = report.accepted


async def read_trust_hub(
    platform: Platform,
    *,
    clients: ClientFactories | None = None,
    dagster_run_id: str | None = None,
    anew: bool = False,
) -> Reading:
    """Read the whole account, as far as it is due; all of it where `anew`."""
    after = await asyncio.to_thread(_refresh_after, platform)
    if anew:
        after = timedelta(0)
    reader = _Reader(platform, clients, dagster_run_id, after)
    await _read(reader, platform, await _listed(reader, platform))
    return reader.reading


async def read_profile(
    platform: Platform, resource: str, *, clients: ClientFactories | None = None
) -> Reading:
    """Read one profile anew, such as `CustomerProfiles/BU…`."""
    reader = _Reader(platform, clients, None, timedelta(0))
    await _read(reader, platform, [resource])
    return reader.reading


async def _read(reader: _Reader, platform: Platform, resources: Sequence[str]) -> None:
    """Profiles and what is known of each; then whose they are."""
    reader.reading.profiles = len(resources)
    for operation in ("profile", "evaluation", "assignments"):
        await reader.ask(operation, resources)
    for operation, following in (("business", _END_USERS), ("review", _IN_REVIEW)):
        await reader.ask(
            operation, await asyncio.to_thread(_values, platform, following, resources)
        )
    reader.reading.matched = await asyncio.to_thread(_finish, platform)


async def _listed(reader: _Reader, platform: Platform) -> list[str]:
    """Every profile and product of the account, by following its pages."""
    pages: Sequence[str] = LISTS
    found: list[str] = []
    for _ in range(_MAX_PAGES):
        if not pages:
            return found
        await reader.ask("listing", pages)
        rows = await asyncio.to_thread(_pages, platform, pages)
        found += [f"{path}/{sid}" for path, document in rows for sid in document["sids"]]
        pages = [document["next"] for _, document in rows if document["next"]]
    raise BadResponse(f"Twilio Trust Hub lists more than {_MAX_PAGES} pages.")


def _pages(platform: Platform, pages: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    with connect(platform.dsn, autocommit=True, name="bulk-lookup trust hub") as conn:
        rows = conn.execute(_PAGES, (PROVIDER, list(pages))).fetchall()
    return [(value.partition("?")[0], orjson.loads(unpack(bytes(body)))) for value, body in rows]


def _values(platform: Platform, query: str, resources: Sequence[str]) -> list[str]:
    with connect(platform.dsn, autocommit=True, name="bulk-lookup trust hub") as conn:
        return [row[0] for row in conn.execute(query.encode(), (list(resources),)).fetchall()]


def _refresh_after(platform: Platform) -> timedelta | None:
    with connect(platform.dsn, autocommit=True, name="bulk-lookup trust hub") as conn:
        days = load_settings(conn).steps.trust_hub_profiles.refresh_policy_days
    return None if days is None else timedelta(days=days) - _SLACK


def _finish(platform: Platform) -> int:
    with connect(platform.dsn, autocommit=True, name="bulk-lookup trust hub") as conn:
        matched = match_companies(conn, platform.secret_key)
        conn.execute(_DIRTY)
    return matched


def match_companies(conn: Connection, secret_key: bytes) -> int:
    """Say anew whose profiles they are; how many belong to a company of our contacts."""
    rows = conn.execute(_BUSINESSES).fetchall()
    sited = [row for row in rows if row[1]]
    digests = [
        subject_hmac(secret_key, "company", CompanyKey(domain=domain).value)
        for _, domain, *_ in sited
    ]
    with conn.transaction():
        conn.execute(_FORGET)
        columns = ([row[0] for row in sited], digests, [row[3] for row in sited])
        matched = conn.execute(_BY_DOMAIN, (*columns, [row[4] for row in sited])).rowcount
        named = [[row[place] for row in rows] for place in (0, 2, 3, 4)]
        return matched + conn.execute(_BY_NAME, named).rowcount
