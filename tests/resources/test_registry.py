"""Every list of vendors is the registry's: settings, variables, resources, simulators, prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bulk_lookup_dagster.core.environment import read_environment
from bulk_lookup_dagster.core.errors import ConfigError
from bulk_lookup_dagster.core.settings import Settings
from bulk_lookup_dagster.core.variables import VARIABLES
from bulk_lookup_dagster.core.vendor_settings import ProviderSettings
from bulk_lookup_dagster.engine.provider import Disabled
from bulk_lookup_dagster.environments import resources_for
from bulk_lookup_dagster.sandbox.app import simulators
from bulk_lookup_dagster.services.prices import current_prices
from bulk_lookup_dagster.services.providers import environment_clients, parsers, provider_limits
from bulk_lookup_dagster.services.simulation import sandbox_addresses
from resources.dagster_resources import RESOURCES
from resources.registry import BY_NAME, REMOTE, VENDORS, vendor
from resources.vendor import Vendor

NAMES = [entry.name for entry in VENDORS]
REMOTE_NAMES = [entry.name for entry in REMOTE]
LOCAL = [entry for entry in VENDORS if entry.is_local]
BLOCKS: Mapping[str, Any] = {name: getattr(Settings().providers, name) for name in NAMES}
VARIABLE = {variable.name: variable for variable in VARIABLES}


def test_every_list_of_vendors_is_the_registrys() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert list(ProviderSettings.model_fields) == NAMES
    assert list(RESOURCES) == NAMES
    assert [one.name for one in simulators()] == REMOTE_NAMES
    assert list(provider_limits(Settings())) == NAMES
    for environment in ("demo", "local", "staging", "production"):
        assert list(resources_for(environment)) == ["platform", *NAMES]


@pytest.mark.parametrize("entry", VENDORS, ids=NAMES)
def test_what_a_vendor_bills_is_the_same_everywhere(entry: Vendor) -> None:
    operations = set(entry.operations)
    assert {name for name, one in entry.operations.items() if one.name == name} == operations
    assert set(BLOCKS[entry.name].priced) == operations
    assert {price.operation for price in entry.prices} <= operations
    assert {price.provider for price in entry.prices} <= {entry.name}


@pytest.mark.parametrize("entry", REMOTE, ids=REMOTE_NAMES)
def test_what_a_vendor_bills_is_what_its_simulator_bills(entry: Vendor) -> None:
    played = next(one for one in simulators() if one.name == entry.name)
    assert set(played.prices) == set(entry.operations)


@pytest.mark.parametrize("entry", REMOTE, ids=REMOTE_NAMES)
def test_a_vendors_variables_are_registered_in_its_section(entry: Vendor) -> None:
    address = VARIABLE[entry.base_url_variable]
    assert (address.section, address.default) == (entry.section, entry.default_base_url)
    for name in entry.variables.values():
        assert VARIABLE[name].section == entry.section
        assert VARIABLE[name].secret
        assert VARIABLE[name].credential
    named = {name for names in entry.credential_sets for name in names}
    assert named == set(entry.variables)
    assert entry.credential_sets, "an empty set says that none is needed"


def test_every_credential_belongs_to_a_vendor() -> None:
    used = {name for entry in VENDORS for name in entry.variables.values()}
    assert {variable.name for variable in VARIABLES if variable.credential} == used


@pytest.mark.parametrize("entry", VENDORS, ids=NAMES)
def test_a_resource_has_exactly_its_vendors_fields(entry: Vendor) -> None:
    fields = set(RESOURCES[entry.name].model_fields)
    assert fields == {*entry.variables, "base_url", "simulated"}
    for name in entry.variables:
        extra = RESOURCES[entry.name].model_fields[name].json_schema_extra
        assert extra == {"dagster__is_secret": True}


@pytest.mark.parametrize(
    "entry", [one for one in VENDORS if one.is_local], ids=lambda one: one.name
)
def test_a_local_vendor_needs_nothing_and_costs_nothing(entry: Vendor) -> None:
    block = BLOCKS[entry.name]
    assert (dict(entry.variables), entry.default_base_url) == ({}, "")
    assert {price.max_micros for price in entry.prices} == {0}
    for simulated in (False, True):
        assert not isinstance(entry.make({}, "", block, simulated=simulated), Disabled)
    off = block.model_copy(update={"enabled": False})
    assert "switched off" in reason(entry.make({}, "", off))


@pytest.mark.parametrize("entry", REMOTE, ids=REMOTE_NAMES)
def test_f28_a_vendor_is_made_whole_or_says_why_not(entry: Vendor) -> None:
    block = BLOCKS[entry.name]
    full = dict.fromkeys(entry.credential_sets[0], "fake")
    address = "https://adapter.example" if entry.contract else ""
    assert not isinstance(entry.make(full, address, block), Disabled)
    off = block.model_copy(update={"enabled": False})
    assert "switched off" in reason(entry.make(full, address, off))
    if entry.variables:
        assert entry.variables[entry.credential_sets[0][0]] in reason(entry.make({}, "", block))
    if not entry.contract:
        assert "sandbox" in reason(entry.make(full, "", block, simulated=True))
    with pytest.raises(ConfigError, match="sandbox"):
        entry.make(full, entry.default_base_url or address, block, simulated=True)
    for name in full if len(full) > 1 else ():
        with pytest.raises(ConfigError, match=entry.variables[name]):
            entry.make({**full, name: ""}, "", block)


def test_every_vendor_reads_stored_parts_without_credentials() -> None:
    for name, reader in parsers(Settings()).items():
        assert (reader.name, reader.operations) == (name, BY_NAME[name].operations)
        for operation in reader.operations:
            assert isinstance(reader.parse(operation, b'{"valid": true, "is_valid": true}'), dict)


def reason(made: object) -> str:
    assert isinstance(made, Disabled)
    return made.reason


@pytest.mark.parametrize("missing", ["", "api_key", "address"])
def test_f28_a_vendor_under_contract_is_off_without_address_and_key_and_says_why(
    missing: str,
) -> None:
    private = [entry for entry in VENDORS if entry.contract]
    assert [entry.name for entry in private] == ["truecaller"]
    for entry in private:
        key = {} if missing == "api_key" else {"api_key": "fake"}
        address = "" if missing == "address" else "https://adapter.example"
        made = entry.make(key, address, BLOCKS[entry.name])
        assert isinstance(made, Disabled) is bool(missing)
        if missing:
            told = reason(made)
            for word in ("lawfully", "trestle", "pdl", *entry.variables.values()):
                assert word in told
            assert entry.base_url_variable in told


def test_the_demo_has_a_credential_of_its_own_for_every_vendor_but_those_under_contract() -> None:
    demo = read_environment({"BULK_LOOKUP_ENV": "demo", "TRUECALLER_API_KEY": "hidden-word"})
    for name, make in environment_clients(demo).items():
        if BY_NAME[name].is_local:
            continue
        told = "private contract" if BY_NAME[name].contract else "sandbox does not run"
        assert told in reason(make(BLOCKS[name])), name


def test_the_demo_never_asks_a_vendor_under_contract_even_where_it_is_played() -> None:
    values = {"BULK_LOOKUP_ENV": "demo", "TRUECALLER_API_KEY": "hidden-word"}
    demo = read_environment(values | sandbox_addresses("http://127.0.0.1:9"))
    clients = environment_clients(demo)
    off = {name for name, make in clients.items() if isinstance(make(BLOCKS[name]), Disabled)}
    assert off == {"truecaller"}


def test_prices_come_from_the_registry_with_overrides_on_top() -> None:
    listed = {(price.provider, price.operation) for entry in VENDORS for price in entry.prices}
    assert {(one.provider, one.operation) for one in current_prices(Settings())} == listed
    document = {"providers": {"numverify": {"price_overrides_usd": {"validate": "0.002"}}}}
    prices = {
        (one.provider, one.operation): one
        for one in current_prices(Settings.model_validate(document))
    }
    assert prices["numverify", "validate"].max_micros == 2_000
    assert prices["numverify", "validate"].source == "settings"


def test_a_vendor_that_is_none_is_told_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="trestle"):
        vendor("trestel")
    assert BY_NAME.keys() == set(NAMES)
