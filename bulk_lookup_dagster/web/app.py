"""Puts the web app together: routes, headers on every answer, errors as pages.

Belongs here: composition. Does not: pages (`web.pages`), figures (`web.dashboard`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from bulk_lookup_dagster.core.errors import BulkLookupError, InputError, SpendingError, StorageError
from bulk_lookup_dagster.observability import report
from bulk_lookup_dagster.services.analyst import analyst_login
from bulk_lookup_dagster.services.files import open_files
from bulk_lookup_dagster.services.instance import Platform
from bulk_lookup_dagster.services.marts import MANIFEST
from bulk_lookup_dagster.services.providers import ClientFactories, environment_clients
from bulk_lookup_dagster.web import callbacks, catalogue, health, pages, provenance, review
from bulk_lookup_dagster.web.database import Database
from bulk_lookup_dagster.web.guard import HEADERS, Guard, NotAllowed
from bulk_lookup_dagster.web.inbox import MAX_BYTES
from bulk_lookup_dagster.web.state import WebState, state_of
from bulk_lookup_dagster.web.templating import make_templates

_HERE = Path(__file__).parent
_LOG = structlog.get_logger("bulk_lookup.web")
_STATUS: tuple[tuple[type[BulkLookupError], int], ...] = (
    (NotAllowed, HTTPStatus.FORBIDDEN),
    (InputError, HTTPStatus.BAD_REQUEST),
    (SpendingError, HTTPStatus.CONFLICT),
    (StorageError, HTTPStatus.SERVICE_UNAVAILABLE),
    (BulkLookupError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
_CODES = {"too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "not_found": HTTPStatus.NOT_FOUND}


def create_app(
    platform: Platform,
    *,
    upload_limit: int = MAX_BYTES,
    manifest: Path = MANIFEST,
    clients: ClientFactories | None = None,
) -> FastAPI:
    """The application over an open platform; opens no connection by itself.

    `clients` makes the clients that read call-backs (None: as the environment says).
    """
    environment = platform.environment
    app = FastAPI(title="Bulk Lookup", docs_url=None, redoc_url=None)
    app.state.web = WebState(
        platform=platform,
        clients=environment_clients(environment) if clients is None else clients,
        environment=environment.name,
        files=open_files(environment),
        timezone=environment.timezone.key,
        home=environment.home,
        manifest=manifest,
        upload_limit=upload_limit,
        analyst=analyst_login(platform),
        database=Database(platform.dsn),
        guard=Guard(
            environment.name,
            environment.credential("BULK_LOOKUP_OPERATOR_TOKEN"),
            platform.secret_key,
        ),
        templates=make_templates(environment.name, environment.timezone),
    )
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    app.include_router(health.router)
    app.include_router(callbacks.router)
    app.include_router(pages.router, include_in_schema=False)
    app.include_router(catalogue.router, include_in_schema=False)
    app.include_router(review.router, include_in_schema=False)
    app.include_router(provenance.router, include_in_schema=False)
    app.middleware("http")(_headers)
    app.add_exception_handler(BulkLookupError, _named)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)
    return app


async def _headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.url.path.startswith("/static/"):
        response.headers["Cache-Control"] = "max-age=300"
    return response


def _named(request: Request, error: Exception) -> Response:
    assert isinstance(error, BulkLookupError)
    status = _CODES.get(error.code) or next(
        status for kind, status in _STATUS if isinstance(error, kind)
    )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.error("page failed", code=error.code, path=request.url.path)
        # Where the database is, is nobody's business but the log's.
        return _error(request, status, error.code, "The platform cannot do this now.", "Try again.")
    return _error(request, status, error.code, error.message, error.fix)


def _invalid(request: Request, error: Exception) -> Response:
    return _error(
        request, HTTPStatus.BAD_REQUEST, "invalid_input", "The address or form is not valid.", ""
    )


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = {404: "There is no such page.", 405: "This page does not take that."}
    words = known.get(error.status_code, HTTPStatus(error.status_code).phrase)
    return _error(request, error.status_code, "http", words, "")


def _unexpected(request: Request, error: Exception) -> Response:
    report(error)
    _LOG.error("page failed", kind=type(error).__name__, path=request.url.path, exc_info=error)
    response = _error(
        request, HTTPStatus.INTERNAL_SERVER_ERROR, "error", "Something went wrong on our side.", ""
    )
    response.headers.update(HEADERS)  # this handler runs outside the middleware
    return response


def _error(request: Request, status: int, code: str, message: str, fix: str) -> Response:
    if "text/html" not in request.headers.get("accept", ""):
        body = {"error": {"code": code, "message": message, "fix": fix}}
        return JSONResponse(body, status_code=status)
    context = {"status": status, "message": message, "fix": fix}
    return state_of(request).templates.TemplateResponse(
        request, "error.html", context, status_code=status
    )
