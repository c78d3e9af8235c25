"""Trust Hub's client: what is kept and dropped, pages, reviews, and who may call back."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.errors import AuthFailed, BadResponse
from bulk_lookup_dagster.core.vendor_settings import TwilioTrustHubSettings
from bulk_lookup_dagster.engine.provider import Answer
from resources.twilio_signature import signature
from resources.twilio_trust_hub_client import VENDOR, TwilioTrustHubClient
from resources.twilio_trust_hub_records import checks_of, parse_evaluation
from tests.contracts.client_contract import question
from tests.fakes.recorder import recording, response

BU, IT = f"BU{1:032x}", f"IT{2:032x}"
PATH = f"CustomerProfiles/{BU}"
TOKEN = "token-1"
URL = "https://hooks.example.test/callbacks/twilio_trust_hub"
FORM = {"AccountSid": f"AC{0:032x}", "BundleSid": BU, "Status": "twilio-approved"}


def client(url: str = "http://127.0.0.1:9", **options: Any) -> TwilioTrustHubClient:
    return TwilioTrustHubClient(url, ("ACfake", TOKEN), auth_token=TOKEN, **options)


def answered(operation: str, document: Any, status: int = 200) -> Answer:
    async def run() -> Answer:
        async with (
            recording(response(status, json.dumps(document).encode())) as vendor,
            client(vendor.url) as one,
        ):
            asked = question(operation, PATH)
            return (await one.ask([asked], uuid4())).answers[0]

    return asyncio.run(run())


def profile(status: str, **changes: Any) -> dict[str, Any]:
    dates = {"date_updated": "2026-05-01T00:00:00Z", "valid_until": None}
    return {"sid": BU, "status": status, "email": "a@b.example", **dates, **changes}


def sent(
    form: Mapping[str, str] = FORM, url: str = URL, once: str = ""
) -> tuple[dict[str, str], bytes, str]:
    lists = {name: [value] for name, value in form.items()}
    names = {"content-type": "application/x-www-form-urlencoded"}
    names["x-twilio-signature"] = signature(TOKEN, url, lists)
    if once:
        names["i-twilio-idempotency-token"] = once
    return names, urlencode(form).encode(), url


def test_an_email_address_and_a_representative_are_never_kept() -> None:
    kept = answered("profile", profile("draft")).body
    assert b"a@b.example" not in kept
    person = {"sid": IT, "type": "authorized_representative_1", "attributes": {"email": "a@b.c"}}
    answer = answered("business", person)
    assert (answer.outcome, answer.body) == ("no_data", b"{}")


def test_a_profile_that_is_gone_has_no_data() -> None:
    assert answered("profile", {"code": 20404}, 404).outcome == "no_data"


def test_the_newest_evaluation_counts_whatever_their_order() -> None:
    old = {"status": "noncompliant", "date_created": "2026-01-01T00:00:00Z", "results": []}
    new = {"status": "compliant", "date_created": "2026-02-01T00:00:00Z", "results": []}
    for rows in ([old, new], [new, old]):
        body = answered("evaluation", {"results": rows}).body
        assert client().parse("evaluation", body)["evaluation_status"] == "compliant"
    assert answered("evaluation", {"results": []}).outcome == "no_data"


def test_a_later_page_is_named_and_its_host_forgotten() -> None:
    meta = {"next_page_url": "https://elsewhere.invalid/x?PageSize=9&Page=1&PageToken=PA1"}
    body = answered("listing", {"results": [{"sid": BU}], "meta": meta}).body
    assert json.loads(body) == {"sids": [BU], "next": f"{PATH}?Page=1&PageToken=PA1"}


@pytest.mark.parametrize("status", ["pending-review", "in-review"])
def test_a_review_is_accepted_until_it_has_a_verdict(status: str) -> None:
    waiting = answered("review", profile(status))
    assert waiting.outcome is None
    assert waiting.accepted is not None
    assert (waiting.accepted.external_id, waiting.accepted.poll_in) == (BU, timedelta(hours=1))
    assert answered("review", profile("twilio-rejected")).outcome == "data"


@pytest.mark.parametrize(
    "status, until, due",
    [
        ("twilio-approved", None, "2026-07-30T00:00:00+00:00"),
        ("twilio-approved", "2026-06-01T00:00:00Z", "2026-06-01T00:00:00+00:00"),
        ("twilio-approved", "2029-06-01T00:00:00Z", "2026-07-30T00:00:00+00:00"),
        ("draft", "2026-06-01T00:00:00Z", None),
    ],
)
def test_an_approved_profile_is_due_after_90_days_or_when_it_runs_out(
    status: str, until: str | None, due: str | None
) -> None:
    body = json.dumps(profile(status, valid_until=until)).encode()
    assert client().parse("profile", body)["reverify_at"] == due


def test_the_settings_say_when_a_profile_is_due() -> None:
    settings = TwilioTrustHubSettings(reverify_days=1)
    made = VENDOR.build({"account_sid": "ACfake", "auth_token": TOKEN}, "", settings)
    body = json.dumps(profile("twilio-approved")).encode()
    assert made.parse("profile", body)["reverify_at"] == "2026-05-02T00:00:00+00:00"


FIELDS = st.lists(st.builds(lambda name: {"object_field": name}, st.sampled_from("abcdef")))
RESULTS = st.lists(
    st.fixed_dictionaries(
        {
            "object_type": st.sampled_from(["x", "y", None]),
            "passed": st.booleans(),
            "valid": FIELDS,
            "invalid": FIELDS,
        }
    )
)


@given(RESULTS)
def test_f20_a_score_is_a_share_and_no_check_counts_twice(results: list[Any]) -> None:
    part = {"status": "compliant", "results": results}
    passed, failed = checks_of(part)
    assert not set(passed) & set(failed)
    score = parse_evaluation(part)["score"]
    assert (score is None) == (not passed and not failed)
    assert score is None or (0 <= score <= 100 and (score == 100) == (not failed))


def test_a_signed_call_back_tells_whose_status_changed() -> None:
    told = client().read_callback(*sent(once="once"))
    assert (told.external_id, told.event) == (BU, "twilio-approved:once")
    again = client().read_callback(*sent(once="twice"))
    assert again.event != told.event, "a profile may be approved twice"
    headers, body, url = sent()
    assert client().read_callback(headers, body, url) == client().read_callback(headers, body, url)


@pytest.mark.parametrize("url", [URL, URL.replace("test/", "test:443/"), f"{URL}?a=b"])
def test_the_address_is_signed_as_it_was_sent_with_or_without_its_port(url: str) -> None:
    headers, body, _ = sent(url=url)
    assert client().read_callback(headers, body, url).external_id == BU
    bare = url.replace(":443", "")
    assert client().read_callback(headers, body, bare).external_id == BU


def test_behind_a_proxy_the_address_that_twilio_was_given_counts() -> None:
    headers, body, url = sent()
    inside = "http://10.0.0.7:3200/callbacks/twilio_trust_hub"
    with pytest.raises(AuthFailed):
        client().read_callback(headers, body, inside)
    behind = client(callback_url=url)
    assert behind.read_callback(headers, body, inside).external_id == BU


def test_f41_what_twilio_did_not_sign_is_refused() -> None:
    headers, body, url = sent()
    other = {**headers, "x-twilio-signature": signature("wrong", url, {})}
    for wrong in (
        ({**headers, "x-twilio-signature": ""}, body, url),
        (other, body, url),
        (headers, body.replace(b"approved", b"rejected"), url),
        (headers, body + b"&extra=1", url),
        (headers, body, url.replace("hooks", "evil")),
        ({**headers, "content-type": "text/plain"}, body, url),
    ):
        with pytest.raises(AuthFailed):
            client().read_callback(*wrong)
    unknown = TwilioTrustHubClient("http://127.0.0.1:9", ("SKfake", "secret"))
    empty = {name: [value] for name, value in FORM.items()}
    with pytest.raises(AuthFailed):
        unknown.read_callback(
            {**headers, "x-twilio-signature": signature("", url, empty)}, body, url
        )


def test_a_json_body_is_proved_by_its_digest_in_the_address() -> None:
    body = json.dumps({"sid": BU, "status": "TWILIO_REJECTED"}).encode()
    url = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = {"content-type": "application/json", "x-twilio-signature": signature(TOKEN, url, {})}
    told = client().read_callback(headers, body, url)
    assert (told.external_id, told.event.partition(":")[0]) == (BU, "twilio-rejected")
    with pytest.raises(AuthFailed):
        client().read_callback(headers, body + b" ", url)


def test_a_signed_call_back_that_names_no_profile_is_a_bad_response() -> None:
    with pytest.raises(BadResponse):
        client().read_callback(*sent({"Status": "twilio-approved"}))


def test_a_final_status_settles_a_review_and_no_other_does() -> None:
    review = question("review", PATH)
    answer = client().callback_answer(review, "twilio-approved:1", b"")
    assert answer is not None
    assert answer.outcome == "data"
    assert client().parse("review", answer.body)["status"] == "twilio-approved"
    for event in ("in-review:1", ":1"):
        assert client().callback_answer(review, event, b"") is None
    assert client().callback_answer(question("profile", PATH), "twilio-approved:1", b"") is None


def test_call_backs_are_checked_with_the_token_though_a_key_asks() -> None:
    names = ("api_key", "api_secret", "account_sid", "auth_token")
    values = ("SKfake", "secret", "ACfake", TOKEN)
    made: Any = VENDOR.make(
        dict(zip(names, values, strict=True)), "http://x", TwilioTrustHubSettings()
    )
    assert made.read_callback(*sent()).external_id == BU
