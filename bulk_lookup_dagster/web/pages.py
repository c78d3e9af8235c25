"""Pages for people: the dashboard, uploads and their rejects, plans and their approval.

Belongs here: routes, and what each hands to its template. Does not: figures (`web.dashboard`),
use cases (`services`), who may (`web.guard`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.money import micros_from_usd
from bulk_lookup_dagster.services import browse
from bulk_lookup_dagster.services.approvals import approve_plan
from bulk_lookup_dagster.web import inbox, lookups
from bulk_lookup_dagster.web.builds import read_finished, read_tested
from bulk_lookup_dagster.web.connect import read_marts
from bulk_lookup_dagster.web.dashboard import read_dashboard
from bulk_lookup_dagster.web.estimate import read_estimate
from bulk_lookup_dagster.web.forms import form_page, go_to, limited, require_sender, sender
from bulk_lookup_dagster.web.state import state_of

router = APIRouter()

_KEY_LIMIT = 2**62
Key = Annotated[int, Path(ge=1, le=_KEY_LIMIT)]
Before = Annotated[int | None, Query(ge=1, le=_KEY_LIMIT)]
Moment = Annotated[datetime | None, Query()]
Word = Annotated[str, Query(max_length=20)]
After = Annotated[int, Query(ge=0, le=_KEY_LIMIT)]


@router.get("/")
def dashboard(request: Request) -> Response:
    """What the platform knows and what it cost, from the marts alone."""
    with state_of(request).database.reading() as conn:
        found, tested = read_dashboard(conn), read_tested(conn)
    template = "dashboard.html" if found else "empty.html"
    return _page(request, template, dashboard=found, tested=tested)


@router.get("/connect")
def connect(request: Request) -> Response:
    """How a BI tool connects, and the marts it finds there."""
    with state_of(request).database.reading() as conn:
        marts = read_marts(conn)
    return _page(request, "connect.html", login=state_of(request).analyst, marts=marts)


@router.get("/lookups")
def latest_lookups(
    request: Request,
    line: Word = "",
    validity: Word = "",
    risk: Word = "",
    kind: Word = "",
    answered_at: Moment = None,
    contact_id: Before = None,
) -> Response:
    """Look-ups of some words, newest answer first."""
    after = lookups.Key(answered_at, contact_id) if answered_at and contact_id else None
    wanted = {"line": line, "validity": validity, "risk": risk, "kind": kind}
    with state_of(request).database.reading() as conn:
        built = lookups.is_built(conn)
        page = lookups.read_lookups(conn, wanted, after) if built else lookups.Lookups([])
        tested, built_at = read_tested(conn), read_finished(conn)
    context = {"words": lookups.WORDS, "first": after is None, "built_at": built_at}
    return _page(request, "lookups.html", page=page, tested=tested, **context)


@router.get("/uploads")
def uploads(request: Request, before: Before = None, received: str = "") -> Response:
    """Uploads, newest first, and a form for another."""
    with state_of(request).database.reading() as conn:
        page = browse.list_uploads(conn, before)
    return form_page(
        request, "uploads.html", page=page, received=received[:200], suffixes=inbox.SUFFIXES
    )


@router.post("/uploads")
async def upload(request: Request) -> Response:
    """Take a file into the inbox; the upload sensor does the rest."""
    state = state_of(request)
    async with limited(request, state.upload_limit).form(max_files=1, max_fields=5) as form:
        require_sender(request, form)
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise InputError("No file was sent.", fix="Choose a file.", code="no_file")
        name = await run_in_threadpool(
            inbox.store, state.files, file.filename, file.file, state.upload_limit
        )
    target = request.url_for("uploads").include_query_params(received=name)
    return go_to(str(target))


@router.get("/uploads/{upload_id}/rejects")
def rejects(request: Request, upload_id: Key, after: After = 0) -> Response:
    """Refused rows with their original text, for operators only: it is what people typed."""
    state = state_of(request)
    state.guard.require_operator(request)
    with state.database.reading() as conn:
        found = browse.find_upload(conn, upload_id)
        page = browse.list_rejects(conn, upload_id, after)
    return _page(request, "rejects.html", upload=_existing(found, "upload"), page=page)


@router.get("/plans")
def plans(request: Request, before: Before = None) -> Response:
    """Plans, newest first."""
    with state_of(request).database.reading() as conn:
        page = browse.list_plans(conn, before)
    return _page(request, "plans.html", page=page)


@router.get("/plans/{plan_id}")
def plan(request: Request, plan_id: Key) -> Response:
    """What one plan would ask and cost, and the form that approves it."""
    with state_of(request).database.reading() as conn:
        found = _existing(browse.find_plan(conn, plan_id), "plan")
    return form_page(request, "plan.html", plan=found, estimate=read_estimate(found["estimate"]))


@router.post("/plans/{plan_id}/approve")
async def approve(request: Request, plan_id: Key) -> Response:
    """Approve a plan, with a cap of one's own if given."""
    async with limited(request, 0).form(max_files=0, max_fields=5) as form:
        require_sender(request, form)
        cap = str(form.get("cap_usd") or "").strip()[:40]
    cap_micros = micros_from_usd(cap) if cap else None
    await run_in_threadpool(_approve, request, plan_id, cap_micros)
    return go_to(str(request.url_for("plan", plan_id=plan_id)))


def _approve(request: Request, plan_id: int, cap_micros: int | None) -> None:
    with state_of(request).database.writing() as conn:
        _existing(browse.find_plan(conn, plan_id), "plan")
        approve_plan(conn, plan_id, actor=sender(request), cap_micros=cap_micros)


def _page(request: Request, template: str, **context: Any) -> Response:
    return state_of(request).templates.TemplateResponse(request, template, context)


def _existing(found: Any, what: str) -> Any:
    if found is None:
        raise InputError(f"There is no such {what}.", code="not_found")
    return found
