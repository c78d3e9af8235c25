"""What pages with forms share: the CSRF pair, who may send, how much, where to go next.

Belongs here: that. Does not: routes (`web.pages`, `web.review`), the rules (`web.guard`).
"""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.types import Message

from bulk_lookup_dagster.web import inbox
from bulk_lookup_dagster.web.guard import CSRF_COOKIE, CSRF_FIELD, TOKEN_FIELD
from bulk_lookup_dagster.web.state import state_of

_FORM_EXTRA = 64 * 1024  # what a form carries beside its file


def form_page(request: Request, template: str, **context: Any) -> Response:
    """A page with a form that changes something."""
    guard = state_of(request).guard
    cookie, field = guard.new_csrf(request)
    operator = guard.is_operator(request)
    context |= {
        "csrf_name": CSRF_FIELD,
        "csrf": field,
        "token_name": TOKEN_FIELD,
        "operator": operator,
        "ask_token": not operator and guard.takes_token,
        "may_write": operator or guard.takes_token,
    }
    response = state_of(request).templates.TemplateResponse(request, template, context)
    secure = request.url.scheme == "https"
    response.set_cookie(CSRF_COOKIE, cookie, httponly=True, samesite="strict", secure=secure)
    return response


def require_sender(request: Request, form: FormData) -> None:
    """Raise `NotAllowed` unless an operator sent a form of ours."""
    guard = state_of(request).guard
    guard.require_csrf(request, str(form.get(CSRF_FIELD) or ""))
    guard.require_operator(request, str(form.get(TOKEN_FIELD) or ""))


def limited(request: Request, limit: int) -> Request:
    """The request, refused as soon as more than `limit` bytes and a form's rest have come."""
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > limit + _FORM_EXTRA:
            raise inbox.too_large(limit)
        return message

    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit + _FORM_EXTRA:
        raise inbox.too_large(limit)
    return Request(request.scope, receive)


def sender(request: Request) -> str:
    """Who sent a form, for the audit."""
    return f"web {request.client.host if request.client else 'unknown'}"


def go_to(address: str) -> RedirectResponse:
    """To a page of ours after a form: path and query alone, correct behind any proxy."""
    return RedirectResponse("/" + address.split("://", 1)[-1].partition("/")[2], status_code=303)
