"""Documents of the sandbox's Trust Hub in Twilio's shape, and its pages.

Belongs here: shapes. Does not: what is true (`twilio_trust_hub_account`), paths
(`twilio_trust_hub`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from bulk_lookup_dagster.sandbox.server import Request
from bulk_lookup_dagster.sandbox.simulator import Reply, json_reply, parameter
from bulk_lookup_dagster.sandbox.twilio_account import twilio_error
from bulk_lookup_dagster.sandbox.twilio_trust_hub_account import (
    ACCOUNT,
    ADDRESS,
    BUSINESS,
    NEEDED,
    REPRESENTATIVE,
    Item,
    Profile,
    iso,
)

_HOST = "https://trusthub.twilio.com/v1"
_PAGE, _LARGEST = 50, 1000
_OWNERS = {"CustomerProfiles": "customer_profile_sid", "TrustProducts": "trust_product_sid"}


def profile_document(profile: Profile) -> dict[str, Any]:
    """A customer profile or trust product."""
    url = f"{_HOST}/{profile.path}/{profile.sid}"
    return {
        "sid": profile.sid,
        "account_sid": ACCOUNT,
        "policy_sid": profile.policy_sid,
        "friendly_name": profile.friendly_name,
        "status": profile.now(),
        "valid_until": iso(profile.valid_until),
        "email": profile.email,
        "status_callback": profile.status_callback,
        "date_created": iso(profile.created),
        "date_updated": iso(profile.updated),
        "url": url,
        "links": {"evaluations": f"{url}/Evaluations", "assignments": f"{url}/EntityAssignments"},
        "errors": None,
    }


def evaluation_document(evaluation: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    """An evaluation of a profile."""
    url = f"{_HOST}/{profile.path}/{profile.sid}/Evaluations/{evaluation['sid']}"
    return {**evaluation, _OWNERS[profile.path]: profile.sid, "url": url}


def assignment_document(profile: Profile, object_sid: str) -> dict[str, Any]:
    """One thing assigned to a profile."""
    sid = profile.assigned[object_sid]
    return {
        "sid": sid,
        _OWNERS[profile.path]: profile.sid,
        "account_sid": ACCOUNT,
        "object_sid": object_sid,
        "date_created": iso(profile.created),
        "url": f"{_HOST}/{profile.path}/{profile.sid}/EntityAssignments/{sid}",
    }


def item_document(item: Item) -> dict[str, Any]:
    """An end user or a supporting document."""
    shared = {
        "sid": item.sid,
        "account_sid": ACCOUNT,
        "friendly_name": item.friendly_name,
        "type": item.type,
        "attributes": item.attributes,
        "date_created": iso(item.created),
        "date_updated": iso(item.created),
    }
    if item.sid.startswith("IT"):
        return {**shared, "url": f"{_HOST}/EndUsers/{item.sid}"}
    url = f"{_HOST}/SupportingDocuments/{item.sid}"
    return {**shared, "mime_type": None, "status": "DRAFT", "url": url}


def policy_document(sid: str, word: str) -> dict[str, Any]:
    """A policy with what it demands."""
    ends = [{"type": kind, "requirement_name": kind, "fields": list(NEEDED[kind])}
            for kind in (BUSINESS, REPRESENTATIVE)]  # fmt: skip
    documents = [[{"requirement_name": ADDRESS, "accepted_documents": [{"type": ADDRESS}]}]]
    return {
        "sid": sid,
        "friendly_name": word.replace("_", " ").title(),
        "requirements": {"end_user": ends, "supporting_document": documents},
        "url": f"{_HOST}/Policies/{sid}",
    }


def page_document(request: Request, path: str, rows: Sequence[Mapping[str, Any]]) -> Reply:
    """A page of a list; `PageToken` names the last row of the page before."""
    size = parameter(request, "PageSize") or str(_PAGE)
    number = parameter(request, "Page") or "0"
    if not (size.isdigit() and number.isdigit() and 1 <= int(size) <= _LARGEST):
        return twilio_error(400, 20001, "Invalid parameter PageSize")
    start, end = int(size) * int(number), int(size) * (int(number) + 1)
    shown = rows[start:end]

    def address(page: int, token: str = "") -> str:
        query = {"PageSize": size, "Page": page, **({"PageToken": token} if token else {})}
        return f"{_HOST}/{path}?{urlencode(query)}"

    more = address(int(number) + 1, f"PA{shown[-1]['sid']}") if rows[end:] else None
    meta = {
        "page": int(number),
        "page_size": int(size),
        "first_page_url": address(0),
        "previous_page_url": address(int(number) - 1) if int(number) else None,
        "next_page_url": more,
        "url": address(int(number)),
        "key": "results",
    }
    return json_reply({"results": shown, "meta": meta})
