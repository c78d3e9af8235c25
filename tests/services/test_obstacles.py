"""What cannot be asked, and how a run tells of it; nobody is asked here."""

from __future__ import annotations

import pytest

from assets._step import report_metadata
from bulk_lookup_dagster.core.environment import read_environment
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.engine.options import LeftOut, RunReport
from bulk_lookup_dagster.services.obstacles import obstacles
from bulk_lookup_dagster.services.prices import current_prices, unpriced
from bulk_lookup_dagster.services.steps import step_named
from bulk_lookup_dagster.services.steps.reverse_phones import REVERSE_PHONES
from bulk_lookup_dagster.services.steps.selection import usable_offers, why_skipped
from resources.registry import VENDORS

WHITEPAGES, PRICED = ("whitepages", "person"), {"person": "0.10"}
KEYS = {"TRESTLE_API_KEY": "fake", "WHITEPAGES_API_KEY": "fake"}


def settings(**prices: object) -> Settings:
    block = {"whitepages": {"price_overrides_usd": prices}}
    steps = {"reverse_phones": {"enabled": True}}
    return Settings.model_validate({"providers": block, "steps": steps})


def test_every_operation_has_a_price_or_says_which_to_set() -> None:
    priced = {(one.provider, one.operation) for one in current_prices(Settings())}
    reasons = unpriced(Settings())
    every = {(entry.name, name) for entry in VENDORS for name in entry.operations}
    assert priced | reasons.keys() == every
    assert not priced & reasons.keys()
    assert reasons[WHITEPAGES].endswith("providers.whitepages.price_overrides_usd.person")
    assert WHITEPAGES not in unpriced(settings(**PRICED))


@pytest.mark.parametrize(
    "keys, prices, asked",
    [
        (KEYS, PRICED, ["trestle", "whitepages"]),
        (KEYS, {}, ["trestle"]),
        ({"TRESTLE_API_KEY": "fake"}, PRICED, ["trestle"]),
        ({"WHITEPAGES_API_KEY": "fake"}, PRICED, ["whitepages"]),
        ({"WHITEPAGES_API_KEY": "fake"}, {}, []),
    ],
)
def test_an_offer_needs_credentials_and_a_price(
    keys: dict[str, str], prices: dict[str, str], asked: list[str]
) -> None:
    chosen = settings(**prices)
    hindered = obstacles(read_environment(keys), chosen)
    offers = usable_offers(REVERSE_PHONES, REVERSE_PHONES.offers, hindered)
    assert [one.provider for one in offers] == asked
    why = why_skipped(REVERSE_PHONES, chosen, hindered)
    assert bool(why) is not bool(asked)
    if not asked:
        assert "trestle: no credentials" in why
        assert "whitepages: no price: set providers.whitepages" in why
        assert "private contract" in why


def test_the_work_of_an_essential_step_stays_whatever_hinders_it() -> None:
    look_ups = step_named("phone_lookups")
    hindered = obstacles(read_environment({}), Settings())
    assert usable_offers(look_ups, look_ups.offers, hindered) == look_ups.offers


def test_a_run_tells_whom_it_left_out_about_how_many_and_why() -> None:
    report = RunReport(left_out=[LeftOut(*WHITEPAGES, 7, "no price: set it")])
    told = "7 of whitepages person: no price: set it"
    assert report_metadata(report)["left out"] == [told]
    assert report.complete
    assert report.as_json()["left_out"][0]["questions"] == 7
