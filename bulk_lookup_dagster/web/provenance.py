"""Where a contact's value came from: a page per contact and field.

Belongs here: the route and what it hands to its template. Does not: reading origins
(`services.provenance`), setting pins (`bulk-lookup pin`).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from bulk_lookup_dagster.core.money import format_usd
from bulk_lookup_dagster.services.provenance import field_names, why
from bulk_lookup_dagster.web.state import state_of

router = APIRouter(prefix="/contacts")

Id = Annotated[int, Path(ge=1, le=2**62)]
Field = Annotated[str, Query(max_length=120)]


@router.get("/{contact_id}/why")
def provenance(request: Request, contact_id: Id, field: Field = "line_type") -> Response:
    """Every origin of one field, the winner first; values are shown to operators only."""
    state = state_of(request)
    whole = state.guard.is_operator(request)
    with state.database.reading() as conn:
        found = why(conn, contact_id, field)
    return state.templates.TemplateResponse(
        request,
        "why.html",
        {"found": found, "fields": sorted(field_names()), "whole": whole, "usd": format_usd},
    )
