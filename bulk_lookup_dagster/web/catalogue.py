"""The catalogue of models: an index with search, and a page per model.

Belongs here: its routes and what each hands to its template. Does not: the manifest
(`services.catalogue`), the picture's geometry (`web.lineage`).
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from bulk_lookup_dagster.core.errors import InputError, StorageError
from bulk_lookup_dagster.services import catalogue as models
from bulk_lookup_dagster.services.build_results import Result, read_results
from bulk_lookup_dagster.services.marts import is_older_than_models
from bulk_lookup_dagster.web import lineage
from bulk_lookup_dagster.web.builds import read_finished, read_tested
from bulk_lookup_dagster.web.connect import read_types
from bulk_lookup_dagster.web.state import state_of

router = APIRouter(prefix="/catalogue")

_SEARCH_LIMIT = 100
Name = Annotated[str, Path(pattern=r"^\w{1,80}$")]
Search = Annotated[str, Query(max_length=_SEARCH_LIMIT)]


@router.get("")
def index(request: Request, q: Search = "") -> Response:
    """Every model by layer, or those a search finds."""
    found = _read(request)
    if isinstance(found, Response):
        return found
    catalogue, common = found
    hits = catalogue.search(q)
    layers = {name: [one for one in hits if one.layer == name] for name in models.LAYERS}
    common |= {"q": q.strip(), "hits": len(hits), "layers": layers, "catalogue": catalogue}
    return _page(request, "catalogue.html", **common)


@router.get("/{name}")
def model(request: Request, name: Name) -> Response:
    """One model: what its rows and columns are, where they come from, whether it is sound."""
    found = _read(request)
    if isinstance(found, Response):
        return found
    catalogue, common = found
    one = catalogue.find(name)
    if one is None:
        raise InputError("There is no such model.", code="not_found")
    with state_of(request).database.reading() as conn:
        types = read_types(conn, one.layer, one.name)
    context: dict[str, Any] = {
        "model": one,
        "types": types,
        "upstream": _linked(catalogue, one.upstream),
        "readers": _linked(catalogue, one.downstream),
        "exposures": [each for key, each in catalogue.exposures.items() if key in one.downstream],
        "picture": lineage.draw(catalogue, one),
    }
    return _page(request, "model.html", **context, **common)


def _read(request: Request) -> tuple[models.Catalogue, dict[str, Any]] | Response:
    """The catalogue with what its pages share; a page saying what to run when there is none."""
    state = state_of(request)
    try:
        catalogue = models.read_catalogue(state.manifest)
    except StorageError as error:
        context = {"message": error.message, "command": models.PARSE}
        return _page(request, "no_catalogue.html", HTTPStatus.SERVICE_UNAVAILABLE, **context)
    results = read_results(state.home)
    with state.database.reading() as conn:
        tested, built_at = read_tested(conn), read_finished(conn)
    common = {
        "is_stale": is_older_than_models(state.manifest),
        "command": models.PARSE,
        "results": results,
        "health": {key: _health(one, results) for key, one in catalogue.models.items()},
        "tested": tested,
        "built_at": built_at,
    }
    return catalogue, common


def _health(model: models.Model, results: Mapping[str, Result]) -> tuple[str, str]:
    """A state for its colour, and its words: how the tests of a model ended."""
    checks = [*model.checks, *(check for column in model.columns for check in column.checks)]
    known = [results[check.unique_id] for check in checks if check.unique_id in results]
    bad = sum(not one.good for one in known)
    own = results.get(model.unique_id)
    if own is not None and not own.good:
        return "failed", f"build: {own.status}"
    if bad:
        return "failed", f"{bad} of {len(known)} tests did not pass"
    if known:
        return "done", f"{len(known)} {'test' if len(known) == 1 else 'tests'} passed"
    return ("done", "built") if own else ("unknown", "not known here")


def _linked(catalogue: models.Catalogue, keys: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Name, address and description of models and sources."""
    linked = []
    for key in keys:
        if key in catalogue.models:
            one = catalogue.models[key]
            linked.append((one.name, f"/catalogue/{one.name}", one.description))
        elif key in catalogue.sources:
            source = catalogue.sources[key]
            linked.append((source.name, "/catalogue#sources", source.description))
    return linked


def _page(
    request: Request, template: str, status: HTTPStatus = HTTPStatus.OK, **context: Any
) -> Response:
    return state_of(request).templates.TemplateResponse(
        request, template, context, status_code=status
    )
