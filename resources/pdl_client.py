"""People Data Labs over HTTP: one client, no Dagster.

`GET /person/enrich` by e-mail, or by name and company; `GET /company/enrich` by site, or by name
and place. A company's facts stand at the top of the answer, a person's under `data`. Errors are
`{status, error: {type, message}}`; 404 `not_found` is a miss. Only fields that have a column are
asked for.

Billing: per match; a miss and a refusal are free.

Belongs here: URLs, request shapes, this vendor's errors. Does not: parsing (see `pdl_records`),
retries and limits (see the engine).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import orjson

from bulk_lookup_dagster.core.errors import AuthFailed, BadResponse, ProviderError, QuotaExceeded
from bulk_lookup_dagster.core.subjects import CompanyKey, PersonKey
from bulk_lookup_dagster.core.vendor_settings import PdlSettings
from bulk_lookup_dagster.engine.provider import Answer, Exchange, OutcomeKind, Question
from resources.http import Reply, Timeouts
from resources.key_client import KeyClient
from resources.pdl_records import (
    OPERATIONS,
    PRICES,
    PROVIDER,
    parse_company,
    parse_person,
    parse_person_email,
)
from resources.vendor import Vendor
from resources.vendor_client import json_body, timeouts_of
from resources.wire_errors import status_error

DEFAULT_BASE_URL = "https://api.peopledatalabs.com/v5"
UNBILLED_STATUSES = frozenset({400, 401, 402, 403, 404, 405, 415, 429})
_PERSON = (
    "first_name,last_name,job_title,job_title_role,job_title_levels,job_company_name,"
    "job_company_website,linkedin_url,twitter_username,facebook_username,work_email"
)
_COMPANY = (
    "name,display_name,legal_name,type,industry,summary,size,employee_count,inferred_revenue,"
    "founded,location,website,linkedin_url,twitter_url,facebook_url,tags"
)


class PdlClient(KeyClient):
    """One person or company per request; matches less likely than `min_likelihood` are misses."""

    name = PROVIDER
    operations = OPERATIONS
    default_base_url = DEFAULT_BASE_URL
    key_header = "X-Api-Key"
    parsers = {  # noqa: RUF012 - declared a ClassVar by the base
        "person": parse_person,
        "person_email": parse_person_email,
        "company": parse_company,
    }

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        min_likelihood: int = 6,
        concurrency: int = 20,
        timeouts: Timeouts | None = None,
    ) -> None:
        super().__init__(base_url, api_key, concurrency=concurrency, timeouts=timeouts)
        self._min_likelihood = min_likelihood

    async def ask(self, questions: Sequence[Question], request_id: UUID) -> Exchange:
        """Match one person or company."""
        (question,) = questions
        company = question.operation == "company"
        query = _company(question) if company else _person(question)
        query |= {"min_likelihood": str(self._min_likelihood), "titlecase": "true"}
        path = "/company/enrich" if company else "/person/enrich"
        target = f"{path}?{urlencode(query, quote_via=quote, safe=',')}"
        reply = await self._transport.get(target, request_id)
        answer = _answer(question, reply, self._transport.host)
        return Exchange(reply.status, len(reply.body), [answer])


def _person(question: Question) -> dict[str, str]:
    person = PersonKey.parse(question.subject)
    query = {"data_include": _PERSON}
    if person.email:
        query["email"] = person.email
    else:
        query |= {"first_name": person.first, "last_name": person.last}
        query["company"] = person.domain or person.company
    if question.operation == "person_email":
        query["required"] = "work_email"
    return query


def _company(question: Question) -> dict[str, str]:
    company = CompanyKey.parse(question.subject)
    if company.domain:
        return {"data_include": _COMPANY, "website": company.domain}
    place = {"postal_code": company.postal_code, "country": company.country}
    given = {name: value for name, value in place.items() if value}
    return {"data_include": _COMPANY, "name": company.name, **given}


def _answer(question: Question, reply: Reply, host: str) -> Answer:
    document = json_body(reply)
    named = document if isinstance(document, dict) else {}
    if reply.status == 404 and "error" in named:
        return Answer(question.claim_id, "no_data", 0, b"{}")
    if reply.status != 200:
        raise _error(reply, named, host)
    part: Any = named if question.operation == "company" else named.get("data")
    if not isinstance(part, dict) or "likelihood" not in named:
        raise BadResponse(f"{host} answered without a match.", status=reply.status)
    kept = orjson.dumps({**named, "data": part} if part is not named else named)
    outcome: OutcomeKind = "data"
    if question.operation == "person_email" and not isinstance(part.get("work_email"), str):
        outcome = "no_data"
    return Answer(question.claim_id, outcome, question.max_micros, kept)


def _error(reply: Reply, named: Mapping[str, Any], host: str) -> ProviderError:
    part = named.get("error")
    kinds = part.get("type") if isinstance(part, dict) else None
    kind = kinds[0] if isinstance(kinds, list) and kinds else kinds
    code = str(kind)[:20] if kind else None
    if reply.status == 402:
        return QuotaExceeded(
            f"{host} says that the account's credits are used up.", status=402, vendor_code=code
        )
    if reply.status == 404:
        return AuthFailed(f"{host} knows no such path; is the base URL right?", status=404)
    wait = reply.headers.get("Retry-After")
    return status_error(host, reply.status, vendor_code=code, wait=wait, unbilled=UNBILLED_STATUSES)


def build(credentials: Mapping[str, str], base_url: str, settings: PdlSettings) -> PdlClient:
    """The client as the settings and the key make it."""
    return PdlClient(
        base_url or DEFAULT_BASE_URL,
        credentials["api_key"],
        min_likelihood=settings.min_likelihood,
        concurrency=settings.concurrency,
        timeouts=timeouts_of(settings),
    )


VENDOR = Vendor(
    name=PROVIDER,
    title="People Data Labs",
    version="v5",
    variables={"api_key": "PDL_API_KEY"},
    credential_sets=(("api_key",),),
    default_base_url=DEFAULT_BASE_URL,
    base_url_variable="PDL_BASE_URL",
    operations=OPERATIONS,
    prices=PRICES,
    build=build,
    sign_up="Sign up; the key stands in the dashboard. The free plan hides e-mail addresses.",
    docs="https://docs.peopledatalabs.com",
)
