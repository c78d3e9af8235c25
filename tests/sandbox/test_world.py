"""One world: the same number has the same owner, company and address everywhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from bulk_lookup_dagster.intake.sample import sample_rows
from bulk_lookup_dagster.sandbox import places, world
from bulk_lookup_dagster.sandbox.draws import knows
from tests.fakes.sandbox import SandboxProcess, running_sandbox

NUMBERS = [f"+1415{n * 7919 % 10_000_000:07d}" for n in range(2_000)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox() as process:
        yield process


def test_shares_are_those_of_a_plausible_file() -> None:
    phones = [world.phone(number) for number in NUMBERS]
    owners = Counter(type(phone.owner).__name__ for phone in phones)
    assert 0.5 < owners["Person"] / len(phones) < 0.7
    assert 0.2 < owners["Company"] / len(phones) < 0.4
    assert 0.05 < owners["NoneType"] / len(phones) < 0.15
    assert 0.45 < sum(phone.line_type == "mobile" for phone in phones) / len(phones) < 0.6
    assert 0.95 < sum(phone.valid for phone in phones) / len(phones) < 1
    assert 0.6 < sum(phone.activity >= 70 for phone in phones) / len(phones) < 0.8
    assert all(phone.line_type != "tollFree" or not is_person(phone) for phone in phones)


def is_person(phone: world.Phone) -> bool:
    return isinstance(phone.owner, world.Person)


def test_a_company_is_found_by_name_domain_and_switchboard() -> None:
    for spelling in ("Acorn Dental", "ACORN dental, Inc.", "acorn-dental"):
        firm = world.company_named(spelling)
        assert firm == world.company_named("Acorn Dental")
        assert world.company_at(f"www.{firm.domain}") == firm
        assert world.phone(firm.phone).owner == firm
    assert world.company_at("mail.example") is None
    assert world.company_named("Élan Café").key == "elan-cafe"


def test_a_person_is_found_by_e_mail_and_by_name() -> None:
    people = [
        owner for number in NUMBERS if isinstance(owner := world.phone(number).owner, world.Person)
    ]
    at_work = [one for one in people if one.company is not None]
    assert at_work
    for one in at_work[:200]:
        assert one.work_email is not None
        assert world.person_by_email(one.work_email) == one
    at_home = [one for one in people if one.company is None]
    for one in at_home[:200]:
        assert world.person_by_email(one.home_email) == one
    assert world.person_by_email("info@acorn-dental.example") is None


def test_every_address_has_a_point_and_a_block_that_follow_from_it() -> None:
    for number in NUMBERS[:300]:
        owner = world.phone(number).owner
        if owner is None:
            continue
        at = owner.address
        point = places.locate(at.street, at.city, at.state, at.postal_code)
        assert point == places.locate(at.street.upper(), at.city, at.state, at.postal_code)
        assert point is not None
        assert (point.town.city, point.exact) == (at.city, True)
        block = places.block_at(point.latitude, point.longitude)
        assert block is not None
        assert re.fullmatch(r"\d{15}", block)
        assert block.startswith(point.town.county)
        assert places.services_in(block)
    assert places.locate("1 Elm St", "Atlantis", "XX", "") is None
    assert places.block_at(51.5, -0.1) is None


def test_the_point_of_an_address_leads_back_to_it_and_every_point_of_a_town_to_one_nearby() -> None:
    for number in range(500):
        at = places.address_for(f"there and back {number}")
        point = places.locate(at.street, at.city, at.state, at.postal_code)
        assert point is not None
        back = places.address_near(point.latitude, point.longitude)
        assert back is not None
        assert (back.street, back.postal_code) == (at.street, at.postal_code)
    for number in range(500):
        shift = (number - 250) / 250 * 0.0599
        town = places.TOWNS[number % len(places.TOWNS)]
        latitude, longitude = town.latitude + shift, town.longitude - shift
        near = places.address_near(latitude, longitude)
        if near is not None:
            point = places.locate(near.street, near.city, near.state, near.postal_code)
            assert point is not None
            assert max(abs(point.latitude - latitude), abs(point.longitude - longitude)) < 1e-5
    assert places.address_near(51.5, -0.1) is None
    assert places.address_near(33.4484 + 0.1, -112.0740) is None, "outside the town"


def test_the_demos_numbers_and_companies_have_answers() -> None:
    rows = list(sample_rows(500))
    assert {world.company_named(row[2]).name for row in rows if row[2]} >= {"Acorn Dental"}
    for row in rows:
        assert world.phone(row[1]).line_type


def test_what_a_vendor_knows_has_its_share_and_differs_between_vendors() -> None:
    one = {number for number in NUMBERS if knows("one", "owner", number, 0.8)}
    two = {number for number in NUMBERS if knows("two", "owner", number, 0.8)}
    assert 0.75 < len(one) / len(NUMBERS) < 0.85
    assert one != two


def test_vendors_tell_of_the_same_owner_and_carrier(sandbox: SandboxProcess) -> None:
    names = lines = 0
    for number in NUMBERS[:150]:
        twilio = httpx.get(
            f"{sandbox.url}/twilio_lookup/v2/PhoneNumbers/{number}",
            params={"Fields": "caller_name,line_type_intelligence"},
            auth=("AC1", "fake"),
        ).json()
        trestle = httpx.get(
            f"{sandbox.url}/trestle/3.2/phone",
            params={"phone": number},
            headers={"x-api-key": "fake"},
        ).json()
        numverify = httpx.get(
            f"{sandbox.url}/numverify/validate",
            params={"access_key": "fake", "number": number[1:]},
        ).json()
        assert twilio["valid"] == trestle["is_valid"] == numverify["valid"]
        if not twilio["valid"]:
            continue
        told = twilio["caller_name"].get("caller_name")
        if told and trestle["owners"]:
            assert trestle["owners"][0]["name"] == told
            names += 1
        carrier = twilio["line_type_intelligence"].get("carrier_name")
        if carrier and numverify["carrier"]:
            assert trestle["carrier"] == numverify["carrier"] == carrier
            lines += 1
    assert names > 50
    assert lines > 80
