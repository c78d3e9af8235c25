"""The inbox of vendors' call-backs: POST /callbacks/VENDOR.

2xx only once the message is on disk; settling comes after the answer. Belongs here: size limit,
statuses. Does not: who sent it and what it means (`services.callbacks`, the vendor's client).
"""

from __future__ import annotations

import psycopg
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    BadResponse,
    BulkLookupError,
    InputError,
    StorageError,
)
from bulk_lookup_dagster.observability import report
from bulk_lookup_dagster.services.callbacks import MAX_BYTES, receive_callback, settle_open
from bulk_lookup_dagster.web.state import WebState, state_of

router = APIRouter()
_LOG = structlog.get_logger("bulk_lookup.web")


@router.post("/callbacks/{vendor}")
async def receive(request: Request, vendor: str) -> JSONResponse:
    """Take one call-back: 202 stored, 403 not the vendor's, 400 not understood, 404 nobody's."""
    state = state_of(request)
    body = await _body(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        new = await run_in_threadpool(_store, state, vendor, headers, body, str(request.url))
    except AuthFailed:
        return JSONResponse({"error": "not signed by the vendor"}, status_code=403)
    except BadResponse:
        return JSONResponse({"error": "not a call-back of this vendor"}, status_code=400)
    except psycopg.Error as error:
        raise StorageError("The call-back could not be stored.", fix="Send it again.") from error
    task = BackgroundTask(_settle, state)
    return JSONResponse({"stored": new}, status_code=202, background=task)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > MAX_BYTES:
            raise InputError(
                "The call-back is larger than 1 MiB.", fix="Send less.", code="too_large"
            )
    return bytes(body)


def _store(state: WebState, vendor: str, headers: dict[str, str], body: bytes, url: str) -> bool:
    with state.database.writing() as conn:
        return receive_callback(conn, vendor, headers, body, url, state.clients)


async def _settle(state: WebState) -> None:
    """A failure here loses nothing: the message is stored, runs and maintenance settle it too."""
    try:
        settled = await settle_open(state.platform, state.clients)
    except (BulkLookupError, psycopg.Error) as error:
        report(error)
        _LOG.error("call-back not settled yet", kind=type(error).__name__)
    else:
        _LOG.info("call-backs settled", claims=settled)
