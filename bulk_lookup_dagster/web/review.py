"""The review of duplicates: pairs that wait, matches of a contact, the latest merges.

Belongs here: routes, and what each hands to its template. Does not: reads (`services.review`),
decisions (`services.merges`), the picture's geometry (`web.waterfall`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import psycopg
from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.services import merges, review
from bulk_lookup_dagster.web.forms import form_page, go_to, limited, require_sender, sender
from bulk_lookup_dagster.web.state import state_of
from bulk_lookup_dagster.web.waterfall import draw

router = APIRouter(prefix="/review")

_LIMIT = 2**62
Id = Annotated[int, Path(ge=1, le=_LIMIT)]
Place = Annotated[int | None, Query(ge=1, le=_LIMIT)]
Act = Callable[[psycopg.Connection[Any]], object]


@router.get("")
def queue(
    request: Request, score: float | None = None, a: Place = None, b: Place = None
) -> Response:
    """Pairs that wait for a person, side by side with the reasons, and the latest merges."""
    after = review.Key(score, a, b) if score is not None and a and b else None
    whole = state_of(request).guard.is_operator(request)
    with state_of(request).database.reading() as conn:
        pairs = review.read_queue(conn, after, whole=whole)
        events = review.read_events(conn, whole=whole)
    next_key = pairs[-1].key if len(pairs) == review.PAGE else None
    return form_page(
        request, "review.html", pairs=pairs, events=events, next_key=next_key, draw=draw,
        shown=review.SHOWN, first=after is None,
    )  # fmt: skip


@router.get("/contacts/{contact_id}")
def contact(request: Request, contact_id: Id) -> Response:
    """Every pair of one contact, and the form that takes it out of its golden contact."""
    whole = state_of(request).guard.is_operator(request)
    with state_of(request).database.reading() as conn:
        pairs = review.read_matches(conn, contact_id, whole=whole)
        members = review.read_members(conn, contact_id)
    context = {"pairs": pairs, "members": members, "contact_id": contact_id}
    return form_page(request, "review_contact.html", draw=draw, shown=review.SHOWN, **context)


@router.post("/accept")
async def accept(request: Request) -> Response:
    """The two are the same."""
    return await _decide(
        request, ("a", "b"), lambda conn, a, b, who: merges.accept(conn, a, b, actor=who)
    )


@router.post("/reject")
async def reject(request: Request) -> Response:
    """The two are not the same."""
    return await _decide(
        request, ("a", "b"), lambda conn, a, b, who: merges.reject(conn, a, b, actor=who)
    )


@router.post("/unmerge")
async def unmerge(request: Request) -> Response:
    """Take one contact out of its golden contact."""
    return await _decide(
        request, ("contact",), lambda conn, one, who: merges.unmerge(conn, one, actor=who)
    )


@router.post("/undo")
async def undo(request: Request) -> Response:
    """Take a merge back as a whole."""
    return await _decide(
        request, ("event",), lambda conn, one, who: merges.undo_merge(conn, one, actor=who)
    )


async def _decide(request: Request, names: tuple[str, ...], act: Callable[..., object]) -> Response:
    async with limited(request, 0).form(max_files=0, max_fields=6) as form:
        require_sender(request, form)
        ids = [_number(form.get(name), name) for name in names]
    await run_in_threadpool(_write, request, lambda conn: act(conn, *ids, sender(request)))
    return go_to(str(request.url_for("queue")))


def _write(request: Request, act: Act) -> None:
    with state_of(request).database.writing() as conn:
        conn.autocommit = True  # what is refused is logged though the rest is rolled back
        act(conn)


def _number(text: Any, name: str) -> int:
    said = str(text or "")
    if not said.isascii() or not said.isdigit() or not 0 < int(said[:19]) <= _LIMIT:
        raise InputError(f"Field {name} is not a number.", fix="Use the page's own buttons.")
    return int(said[:19])
