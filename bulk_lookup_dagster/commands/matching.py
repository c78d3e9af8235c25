"""Duplicates: run the matching, look at what waits, decide, take decisions back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bulk_lookup_dagster.commands import frame
from bulk_lookup_dagster.commands.frame import Json, Result

if TYPE_CHECKING:
    from bulk_lookup_dagster.services.merges import Decision
    from bulk_lookup_dagster.services.review import Pair

matching = typer.Typer(help="Duplicates: run, review, accept, reject, unmerge, calibrate.")
Contact = Annotated[int, typer.Argument(metavar="CONTACT", help="Number of the contact.")]
Other = Annotated[int, typer.Argument(metavar="OTHER", help="Number of the other one.")]
Why = Annotated[str, typer.Option(help="Why, for the log.")]


@matching.command()
def run(json: Json = False) -> None:
    """Match what is new or stale, build golden contacts and scores."""

    def action() -> Result:
        from bulk_lookup_dagster.services.golden import (
            build_contacts,
            run_matching,
            score_contacts,
        )

        with frame.database() as conn:
            counts = run_matching(conn, actor=frame.actor())
            built, scored = build_contacts(conn), score_contacts(conn)
        document = {**counts, "golden_contacts_built": built, "scored": scored}
        return Result(document, [f"{name}: {value:,}" for name, value in document.items()])

    frame.execute(action, json)


@matching.command()
def review(
    contact: Annotated[int | None, typer.Option(help="Matches of this contact instead.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="Most pairs.")] = 10,
    whole: Annotated[bool, typer.Option(help="Show people unmasked.")] = False,
    json: Json = False,
) -> None:
    """Pairs that wait for a person with their reasons in bits, and the latest merges."""

    def action() -> Result:
        from bulk_lookup_dagster.services import review as read

        with frame.database() as conn:
            if contact is not None:
                pairs, events = read.read_matches(conn, contact, whole=whole), []
            else:
                pairs = read.read_queue(conn, limit=limit, whole=whole)
                events = read.read_events(conn, limit=limit, whole=whole)
        logged = [
            {"event_id": one.event_id, "kind": one.kind, "when": one.happened_at,
             "actor": one.actor, "reason": one.reason, "before": one.before, "after": one.after}
            for one in events
        ]  # fmt: skip
        rows = [(e["event_id"], e["kind"], e["actor"], e["reason"]) for e in logged]
        lines = [line for pair in pairs for line in _lines(pair)] or ["No pair waits."]
        lines += ["", *frame.table(("event", "kind", "by", "why"), rows)] if rows else []
        return Result({"pairs": [_document(pair) for pair in pairs], "events": logged}, lines)

    frame.execute(action, json)


@matching.command()
def accept(
    contact: Contact,
    other: Other,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Take back decisions that keep the two apart.")
    ] = False,
    json: Json = False,
) -> None:
    """Two contacts are the same: merge them, now and in every later run."""

    def action() -> Result:
        from bulk_lookup_dagster.services import merges

        with frame.database() as conn:
            done = merges.accept(conn, contact, other, actor=frame.actor(), anyway=anyway)
        return _decided(done)

    frame.execute(action, json)


@matching.command()
def reject(contact: Contact, other: Other, json: Json = False) -> None:
    """Two contacts are not the same: keep them apart in every later run."""

    def action() -> Result:
        from bulk_lookup_dagster.services import merges

        with frame.database() as conn:
            return _decided(merges.reject(conn, contact, other, actor=frame.actor()))

    frame.execute(action, json)


@matching.command()
def unmerge(
    contact: Annotated[
        int | None, typer.Argument(metavar="[CONTACT]", help="Contact to take out.")
    ] = None,
    event: Annotated[int | None, typer.Option(help="Merge to take back as a whole.")] = None,
    why: Why = "",
    json: Json = False,
) -> None:
    """Take a contact out of its golden contact, or a merge back; later runs keep to it."""

    def action() -> Result:
        from bulk_lookup_dagster.core.errors import InputError
        from bulk_lookup_dagster.services import merges

        with frame.database() as conn:
            if contact is not None and event is None:
                return _decided(merges.unmerge(conn, contact, actor=frame.actor(), reason=why))
            if event is not None and contact is None:
                return _decided(merges.undo_merge(conn, event, actor=frame.actor(), reason=why))
        raise InputError(
            "Name a contact or a merge.",
            fix="bulk-lookup matching unmerge CONTACT, or bulk-lookup matching unmerge --event E.",
        )

    frame.execute(action, json)


@matching.command()
def calibrate(json: Json = False) -> None:
    """How often people said "the same", per band of two bits."""

    def action() -> Result:
        from bulk_lookup_dagster.services.review import calibration

        with frame.database() as conn:
            bands = calibration(conn)
        rows = [(f"{b['low']:g} to {b['high']:g}", b["decided"], b["precision"]) for b in bands]
        lines = (
            frame.table(("bits", "decided", "the same"), rows) if rows else ["No decisions yet."]
        )
        return Result({"bands": bands}, lines)

    frame.execute(action, json)


def _decided(done: Decision) -> Result:
    lines = [
        f"Golden contact {golden}: contacts {', '.join(map(str, contacts))}"
        for golden, contacts in sorted(done.golden_ids.items())
    ]
    if done.waits_for_run:
        lines.append("Others of the two exclude each other; the next run decides who goes where.")
    return Result(
        {"event_id": done.event_id, "golden_ids": {str(k): v for k, v in done.golden_ids.items()},
         "waits_for_run": done.waits_for_run},
        lines,
    )  # fmt: skip


def _document(pair: Pair) -> dict[str, Any]:
    reasons = [vars(reason) for reason in pair.reasons]
    return {"a": pair.a, "b": pair.b, "score": pair.score, "verdict": pair.verdict,
            "rule": pair.rule, "reasons": reasons}  # fmt: skip


def _lines(pair: Pair) -> list[str]:
    fields = [name for name in pair.a if name != "contact_id" and (pair.a[name] or pair.b[name])]
    rows = [(name, pair.a[name] or "-", pair.b[name] or "-") for name in fields]
    headers = ("", f"contact {pair.a['contact_id']}", f"contact {pair.b['contact_id']}")
    bits = ", ".join(f"{r.comparison} {r.level} {r.bits:+.1f}" for r in pair.reasons)
    return [
        f"{pair.verdict}: {pair.rule}, {pair.score:.1f} bits ({bits})",
        *frame.table(headers, rows),
        "",
    ]
