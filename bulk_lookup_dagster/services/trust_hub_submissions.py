"""Registering a business with Trust Hub, because an operator said so, in steps that can be resumed.

Profile, end users, documents, assignments, evaluation, submission. Twilio takes no idempotency key,
so before anything is made it is looked for: what this installation noted, then what the account
has. A write is noted before it is sent; one whose outcome is unknown and that cannot be found is
not repeated before `_PATIENCE` is over, in case the account shows it late. One at a time, in turns
of the rate that reading the account is held to.

Belongs here: order, notes and refusals. Does not: requests (`resources.twilio_trust_hub_writes`),
their turns (`services.paced`), reading what came of it (`services.trust_hub`).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    ConfigError,
    InputError,
    PermanentFailure,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    StorageError,
)
from bulk_lookup_dagster.core.trust_hub import APPROVED, IN_REVIEW
from bulk_lookup_dagster.core.trust_hub_submission import Entry, Submission
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.paced import paced
from bulk_lookup_dagster.services.providers import (
    ClientFactories,
    environment_clients,
    open_providers,
)
from bulk_lookup_dagster.services.settings import load_settings
from bulk_lookup_dagster.services.trust_hub import read_profile
from bulk_lookup_dagster.storage.database import connect
from resources.twilio_trust_hub_records import PROVIDER
from resources.twilio_trust_hub_writes import State, TrustHubWrites

Connection = psycopg.Connection[Any]

_PATIENCE = timedelta(minutes=10)
_LOCK = 7322
# Errors after which Twilio has surely made nothing.
_REFUSALS = (AuthFailed, PermanentFailure, ProviderUnavailable, RateLimited)

_ALONE = "SELECT pg_try_advisory_lock(%s)"
_KNOWN = "SELECT sid FROM ops.trust_hub_writes WHERE submission = %s AND part = %s"
_BEGIN = """
    INSERT INTO ops.trust_hub_writes AS w (submission, part, attempted_at) VALUES (%s, %s, now())
    ON CONFLICT (submission, part) DO UPDATE SET attempted_at = now()
     WHERE w.attempted_at IS NULL OR w.attempted_at < now() - %s
    RETURNING 1
"""
_DONE = """
    INSERT INTO ops.trust_hub_writes (submission, part, sid, done_at) VALUES (%s, %s, %s, now())
    ON CONFLICT (submission, part) DO UPDATE SET sid = EXCLUDED.sid, done_at = now()
"""
_REFUSED = """
    UPDATE ops.trust_hub_writes SET attempted_at = NULL WHERE submission = %s AND part = %s
"""
_AUDIT = "INSERT INTO ops.audit (actor, action, object) VALUES (%s, %s, %s)"


class EvaluationFailed(InputError):
    """The profile does not keep its policy, so it was not submitted; it stays a draft."""

    code = "evaluation_failed"


@dataclass(frozen=True, slots=True)
class Submitted:
    """A profile's identifier and status; `new` where it was handed over to review now."""

    sid: str
    status: str
    new: bool


async def submit_profile(
    platform: Platform,
    submission: Submission,
    actor: str,
    clients: ClientFactories | None = None,
) -> Submitted:
    """Make what is missing, have it evaluated and hand it over to review.

    Raises `EvaluationFailed` with the fields, `InputError` where the name is taken or the policy
    unknown, `ProviderUnavailable` where Twilio may not be asked now. Whatever ends it early, the
    next call goes on where it ended.
    """
    with connect(platform.dsn, autocommit=True, name="bulk-lookup trust hub submit") as conn:
        _alone(conn)
        async with _opened(platform, conn, clients) as (client, callback_url):
            await client.ready()
            work = _Work(conn, client, submission)
            state = await work.profile()
            new = state.status not in IN_REVIEW
            if new:
                _refuse_approved(state)
                conn.execute(_AUDIT, (actor, "trust_hub.submit", state.sid))
                await work.fill(state.sid)
                state = await work.hand_over(state.sid, callback_url)
    await read_profile(platform, f"CustomerProfiles/{state.sid}", clients=clients)
    return Submitted(state.sid, state.status, new)


class _Work:
    """One submission's steps, each looked for before it is made."""

    def __init__(self, conn: Connection, client: TrustHubWrites, submission: Submission) -> None:
        self._conn = conn
        self._client = client
        self._submission = submission
        named = f"{submission.policy_sid}\n{submission.friendly_name}"
        self._key = hashlib.sha256(named.encode()).digest()

    async def profile(self) -> State:
        """The profile of this name and policy, made where there is none."""
        asked, client = self._submission, self._client
        name, policy = asked.friendly_name, asked.policy_sid
        if not await client.policy_exists(policy):
            raise InputError("Twilio has no such policy.", fix="Write its RN… or one of our words.")

        async def find() -> str | None:
            found = await client.named_profiles(name, policy)
            if len(found) > 1:
                raise InputError(
                    f"The account has {len(found)} profiles of this name and policy.",
                    fix="Remove all but one in Twilio's console, or write another name.",
                )
            return found[0].sid if found else None

        sid = await self._ensure(
            "profile", find, lambda: client.make_profile(name, asked.email, policy)
        )
        return await client.profile(sid)

    async def fill(self, profile_sid: str) -> None:
        """End users and documents as the submission has them, all assigned."""
        sids = list(self._submission.assign)
        for path, entries in (
            ("EndUsers", self._submission.end_users),
            ("SupportingDocuments", self._submission.documents),
        ):
            sids += [await self._entry(path, entry) for entry in entries]
        assigned = await self._client.assigned(profile_sid)
        for sid in dict.fromkeys(sids):
            if sid not in assigned:
                await self._client.assign(profile_sid, sid)

    async def hand_over(self, profile_sid: str, callback_url: str) -> State:
        """Evaluate, and submit where everything passed."""
        asked = self._submission
        evaluation = await self._client.evaluate(profile_sid, asked.policy_sid)
        if not evaluation.compliant:
            failed = ", ".join(evaluation.failed) or "none named"
            raise EvaluationFailed(
                f"Twilio's evaluation of {profile_sid} failed: {failed}.",
                fix="Complete these fields and submit again; the draft is kept.",
            )
        return await self._client.submit(profile_sid, asked.email, callback_url)

    async def _entry(self, path: str, entry: Entry) -> str:
        """An end user or document of the submission; one made before gets its new attributes."""
        name = f"{self._submission.friendly_name} {entry.type}"[:255]
        existing = {one.sid: one for one in await self._client.made(path)}

        async def find() -> str | None:
            same = [one.sid for one in existing.values()
                    if (one.friendly_name, one.kind) == (name, entry.type)]  # fmt: skip
            return min(same, default=None)

        sid = await self._ensure(
            f"{path} {entry.type}"[:120],
            find,
            lambda: self._client.make(path, name, entry.type, entry.attributes),
        )
        if sid in existing and existing[sid].attributes != entry.attributes:
            await self._client.change(path, sid, entry.attributes)
        return sid

    async def _ensure(
        self,
        part: str,
        find: Callable[[], Awaitable[str | None]],
        make: Callable[[], Awaitable[str]],
    ) -> str:
        known = self._conn.execute(_KNOWN, (self._key, part)).fetchone()
        sid: str | None = known[0] if known else None
        sid = sid or await find()
        if sid is None:
            sid = await self._make(part, make)
        self._conn.execute(_DONE, (self._key, part, sid))
        return sid

    async def _make(self, part: str, make: Callable[[], Awaitable[str]]) -> str:
        await self._client.ready()  # nothing is noted that cannot be sent
        if self._conn.execute(_BEGIN, (self._key, part, _PATIENCE)).fetchone() is None:
            raise StorageError(
                f"Whether Twilio has made the {part} is not known yet, and it shows none.",
                fix=f"Submit again in {_PATIENCE // timedelta(minutes=1)} minutes.",
                code="not_known_yet",
            )
        try:
            return await make()
        except ProviderError as error:
            if isinstance(error, _REFUSALS):
                self._conn.execute(_REFUSED, (self._key, part))
            raise


def _refuse_approved(state: State) -> None:
    if state.status == APPROVED:
        raise InputError(
            f"The profile {state.sid} is approved already.", fix="Write another name for a new one."
        )


def _alone(conn: Connection) -> None:
    """One submission at a time: two of the same would both find nothing. Ends with `conn`."""
    if not conn.execute(_ALONE, (_LOCK,)).fetchall()[0][0]:
        raise StorageError(
            "Another submission to Trust Hub is under way.", fix="Try again in a minute."
        )


@asynccontextmanager
async def _opened(
    platform: Platform, conn: Connection, clients: ClientFactories | None
) -> AsyncIterator[tuple[TrustHubWrites, str]]:
    settings = await asyncio.to_thread(load_settings, conn)
    factories = clients or environment_clients(platform.environment)
    async with AsyncExitStack() as stack:
        providers, disabled = await open_providers(stack, settings, factories, {PROVIDER})
        client = providers.get(PROVIDER)
        if not isinstance(client, TrustHubWrites):
            reason = disabled[0].reason if disabled else "it cannot write"
            raise ConfigError(f"Twilio Trust Hub cannot be asked: {reason}.")
        client.use_turns(await stack.enter_async_context(paced(platform.dsn, PROVIDER, settings)))
        yield client, settings.providers.twilio_trust_hub.callback_url
