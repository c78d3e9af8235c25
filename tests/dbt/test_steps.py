"""What dbt's macros repeat of the registry, because dbt cannot ask it, is the same."""

from __future__ import annotations

from typing import Any, cast

import psycopg
import pytest

from bulk_lookup_dagster.core.places import STATES, state_code
from bulk_lookup_dagster.services.catalogue import Catalogue, read_catalogue
from bulk_lookup_dagster.services.marts import ensure_manifest
from bulk_lookup_dagster.services.steps import STEPS

_ALONE = ("phone_lookups", "trust_hub_profiles")
_NOWHERE = "unknown"
_STATES = {"ca": "CA", " Ca ": "CA", "California": "CA", "new york": "NY", "PR": "PR"}
_STATE_OF = """
    SELECT s.state_code FROM intake.contacts c
      JOIN staging.stg_contacts s USING (contact_id) WHERE c.contact_id = 1
"""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue(ensure_manifest())


def sources_of(catalogue: Catalogue, name: str) -> set[str]:
    model = catalogue.find(name)
    assert model is not None
    return {catalogue.sources[key].name for key in model.upstream if key in catalogue.sources}


def test_every_step_is_among_the_answers(catalogue: Catalogue) -> None:
    named = {name.rpartition(".")[2] for name in sources_of(catalogue, "stg_answers")}
    assert named == {step.name for step in STEPS}


def test_every_step_that_contacts_lead_to_is_covered(marts: psycopg.Connection[Any]) -> None:
    items = {row[0] for row in marts.execute("SELECT DISTINCT item FROM marts.mart_coverage")}
    given = {"given_name", "given_company", "given_email", "given_address"}
    assert items - given == {step.name for step in STEPS if step.partition == "batch"}


def test_waterfalls_are_those_of_the_registry() -> None:
    """What macro waterfall_slot says: which offers of a step share a slot."""
    for step in STEPS:
        for offer in step.offers:
            alone = step.name in _ALONE or (
                step.name == "zipcode_businesses" and offer.operation != "search"
            )
            sharing = [one for one in step.offers if one.slot == offer.slot]
            rest = [one for one in step.offers if one.slot == ""]
            assert sharing == ([offer] if alone else rest), (step.name, offer)


def test_steps_that_several_providers_answer_are_compared(catalogue: Catalogue) -> None:
    named = {name.rpartition(".")[2] for name in sources_of(catalogue, "stg_second_opinions")}
    several = {step.name for step in STEPS if len({o.provider for o in step.offers}) > 1}
    several.discard("zipcode_businesses")  # each vendor names places by ids of its own
    assert several | {"phone_validations", "phone_lookups"} == named


@pytest.mark.parametrize("told", [*_STATES, *sorted(STATES), "Bavaria", "", "C"])
def test_the_mart_and_the_rule_agree_on_states(marts: psycopg.Connection[Any], told: str) -> None:
    with marts.transaction(force_rollback=True):
        marts.execute("UPDATE intake.contacts SET state_region = %s WHERE contact_id = 1", (told,))
        found = marts.execute(cast("Any", _STATE_OF)).fetchall()[0][0]
    code = state_code(told)
    assert found == (code.upper() if code in STATES else _NOWHERE)
    assert found == _STATES.get(told, found)
