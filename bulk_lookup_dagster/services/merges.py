"""Decisions about merges: accept or reject a pair, take a record out, undo a merge.

Belongs here: what a decision does, under the lock and in one transaction (F11). Does not: its
statements (`matching.decisions`), reading the queue and the log (`services.review`).

A decision is in force for every later run, full or incremental: an override says so, and the
contacts are noted as stale, so that the next run places whoever else is concerned. Connections are
in autocommit mode: what was refused or failed is an event too, though the rest is rolled back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, LiteralString

import psycopg

from bulk_lookup_dagster.core.errors import InputError, StorageError
from bulk_lookup_dagster.matching import decisions
from bulk_lookup_dagster.matching.golden import build_golden
from bulk_lookup_dagster.matching.lock import alone
from bulk_lookup_dagster.matching.quality import score_golden
from bulk_lookup_dagster.services.settings import load_settings

Connection = psycopg.Connection[Any]
PATIENCE_S = 5
MUST, CANNOT = "must_link", "cannot_link"
_MERGE: LiteralString = """
    SELECT e.golden_id, e.before, e.after,
           ARRAY(SELECT c.contact_id FROM jsonb_each(e.after) part,
                        jsonb_array_elements_text(part.value) one (id)
                   JOIN intake.contacts c ON c.contact_id = one.id::bigint)
      FROM matching.events e WHERE e.event_id = %s AND e.kind IN ('merge', 'move')
"""


@dataclass(frozen=True)
class Decision:
    """What became of it: the event, and the golden id of each group of contacts concerned."""

    event_id: int
    golden_ids: dict[int, list[int]]
    waits_for_run: bool = False


class MergeRefused(InputError):
    """The decision contradicts another one, or the clusters are no longer what they were."""

    code = "merge_refused"


def accept(conn: Connection, a: int, b: int, *, actor: str, anyway: bool = False) -> Decision:
    """Two contacts are the same: merge their golden contacts now, the oldest id survives.

    Earlier decisions that keep the two clusters apart stand in the way; `anyway` takes them back.
    Where the guard holds other contacts of the two apart, the next run decides who goes where, and
    nothing moves now.
    """

    def act() -> Decision:
        groups = _two(conn, a, b)
        one, two = groups[min(groups)], groups[max(groups)]
        event = decisions.add_event(
            conn, "override", min(groups), groups, groups, actor=actor, reason=MUST, about=(a, b)
        )
        if len(groups) == 1:
            decisions.decide(conn, MUST, [(a, b)], actor)
            return Decision(event, groups)
        apart = set(decisions.kept_apart(conn, one, two))
        if anyway:
            decisions.revoke(conn, apart, actor)
        elif others := apart - {(min(a, b), max(a, b))}:
            x, y = min(others)
            raise MergeRefused(
                f"Contacts {x} and {y} of the two were kept apart by a decision.",
                fix=f"Take it back: bulk-lookup matching accept {a} {b} --anyway.",
            )
        decisions.decide(conn, MUST, [(a, b)], actor)
        if decisions.conflicts(conn, one, two, _reasons()) > len(_between(conn, a, b)):
            return Decision(event, groups, waits_for_run=True)
        return _merge(conn, groups, actor)

    return _decided(conn, act, (a, b), actor)


def reject(conn: Connection, a: int, b: int, *, actor: str) -> Decision:
    """Two contacts of different golden contacts are not the same, whatever later runs find."""

    def act() -> Decision:
        groups = _two(conn, a, b)
        if len(groups) == 1:
            raise MergeRefused(
                f"Contacts {a} and {b} are one golden contact.",
                fix=f"Take one out: bulk-lookup matching unmerge {b}.",
            )
        event = decisions.add_event(
            conn, "override", None, groups, groups, actor=actor, reason=CANNOT, about=(a, b)
        )
        decisions.decide(conn, CANNOT, [(a, b)], actor)
        return Decision(event, groups)

    return _decided(conn, act, (a, b), actor)


def unmerge(conn: Connection, contact_id: int, *, actor: str, reason: str = "") -> Decision:
    """Take one contact out of its golden contact; the others stay together, in every later run."""

    def act() -> Decision:
        groups = _clusters(conn, contact_id)
        ((golden_id, members),) = groups.items()
        if len(members) == 1:
            raise MergeRefused(f"Contact {contact_id} is merged with none.", fix="Nothing to do.")
        leaving = [([contact_id], decisions.own_golden_id(conn, contact_id))]
        return _separate(conn, golden_id, members, leaving, actor, reason)

    return _decided(conn, act, (contact_id,), actor)


def undo_merge(conn: Connection, event_id: int, *, actor: str, reason: str = "") -> Decision:
    """Restore what a merge of the log united; contacts that came later stay with the oldest part.

    The parts' golden ids are in use again. Contacts that had none before it part one by one.
    """

    def act() -> Decision:
        keeps, parts = _parts(conn, event_id)
        groups = decisions.clusters_of(conn, [one for part, _ in parts for one in part])
        if len(groups) != 1 or len(parts) < 2:
            raise MergeRefused(
                f"The contacts of merge {event_id} are no longer one golden contact.",
                fix="Take contacts out one by one: bulk-lookup matching unmerge CONTACT.",
            )
        ((golden_id, members),) = groups.items()
        leaving = [part for number, part in enumerate(parts) if number != keeps]
        return _separate(conn, golden_id, members, leaving, actor, reason)

    return _decided(conn, act, (), actor)


def _parts(conn: Connection, event_id: int) -> tuple[int, list[tuple[list[int], int | None]]]:
    """Which part keeps the golden id, and the parts of a merge with the ids they had.

    Contacts that were deleted since are in none.
    """
    row = conn.execute(_MERGE, (event_id,)).fetchone()
    if row is None:
        raise InputError(
            f"There is no merge {event_id}.", fix="List them: bulk-lookup matching review."
        )
    golden_id, before, after, alive = row
    parts: list[tuple[list[int], int | None]] = [
        ([one for one in part if one in alive], int(key)) for key, part in before.items()
    ]
    known = {one for part in before.values() for one in part}
    newcomers = [one for part in after.values() for one in part if one not in known]
    parts += [([one], None) for one in newcomers if one in alive]
    parts = [part for part in parts if part[0]]
    keeps = next((n for n, (_, own) in enumerate(parts) if own == golden_id), 0)
    return keeps, parts


def _separate(
    conn: Connection,
    golden_id: int,
    members: Sequence[int],
    leaving: Sequence[tuple[Sequence[int], int | None]],
    actor: str,
    reason: str,
) -> Decision:
    """Give each leaving group a golden id of its own and keep the groups apart for good."""
    gone = {one for part, _ in leaving for one in part}
    after = {golden_id: [one for one in members if one not in gone]}
    for part, former in leaving:
        after[decisions.golden_id_for(conn, former)] = list(part)
    event = decisions.add_event(
        conn, "unmerge", golden_id, {golden_id: members}, after, actor=actor, reason=reason
    )
    for target, part in after.items():
        if target != golden_id:
            decisions.move(conn, event, part, target)
        decisions.decide(conn, MUST, _loose_ends(part, decisions.ties(conn, part)), actor)
    apart = [pair for one, two in combinations(after.values(), 2) for pair in product(one, two)]
    decisions.decide(conn, CANNOT, apart, actor)
    _rebuild(conn, list(after))
    return Decision(event, after)


def _loose_ends(part: Sequence[int], tied: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Links that hold a group together without whoever left it."""
    group = {one: one for one in part}
    for a, b in tied:
        low, high = sorted((group[a], group[b]))
        group = {one: low if root == high else root for one, root in group.items()}
    roots = sorted(set(group.values()))
    return [(roots[0], other) for other in roots[1:]]


def _merge(conn: Connection, groups: dict[int, list[int]], actor: str) -> Decision:
    oldest, other = sorted(groups)
    after = {oldest: sorted(groups[oldest] + groups[other])}
    event = decisions.add_event(conn, "merge", oldest, groups, after, actor=actor, reason=MUST)
    decisions.move(conn, event, groups[other], oldest)
    decisions.retire(conn, other, oldest)
    _rebuild(conn, [oldest, other])
    return Decision(event, after)


def _rebuild(conn: Connection, golden_ids: Sequence[int]) -> None:
    build_golden(conn, load_settings(conn).matching.source_order, only=golden_ids)
    score_golden(conn, only=golden_ids)
    conn.execute("INSERT INTO ops.mart_dirty (reason) VALUES ('duplicates decided')")


def _two(conn: Connection, a: int, b: int) -> dict[int, list[int]]:
    if a == b:
        raise InputError(f"Contact {a} is named twice.", fix="Name two contacts.")
    return _clusters(conn, a, b)


def _clusters(conn: Connection, *contacts: int) -> dict[int, list[int]]:
    groups = decisions.clusters_of(conn, contacts)
    known = {one for part in groups.values() for one in part}
    for one in contacts:
        if one not in known:
            raise InputError(
                f"Contact {one} does not exist or was not matched yet.",
                fix="Run the matching first: bulk-lookup matching run.",
            )
    return groups


def _between(conn: Connection, a: int, b: int) -> list[Any]:
    return conn.execute(
        "SELECT 1 FROM matching.pairs WHERE contact_a = %s AND contact_b = %s"
        " AND verdict <> 'auto' AND reason = ANY (%s)",
        (min(a, b), max(a, b), list(_reasons())),
    ).fetchall()


def _reasons() -> tuple[str, ...]:
    from bulk_lookup_dagster.matching.clusters import CONFLICTS  # brings DuckDB along

    return CONFLICTS


def _decided(
    conn: Connection, act: Callable[[], Decision], about: tuple[int, ...], actor: str
) -> Decision:
    """Do it under the lock, in one transaction; note what was refused or failed."""
    try:
        with alone(conn, PATIENCE_S):
            return act()
    except MergeRefused as error:
        _note(conn, "refuse", about, actor, error.message)
        raise
    except StorageError as error:
        _note(conn, "fail", about, actor, error.code)
        raise
    except psycopg.Error as error:
        _note(conn, "fail", about, actor, type(error).__name__)
        raise StorageError(
            "The decision could not be stored; nothing was changed.", fix="Try again."
        ) from error


def _note(conn: Connection, kind: str, about: tuple[int, ...], actor: str, reason: str) -> None:
    groups = decisions.clusters_of(conn, about)
    decisions.add_event(conn, kind, None, groups, groups, actor=actor, reason=reason, about=about)
