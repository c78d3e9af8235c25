"""The process environment: defaults, checks, and that every read is registered."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from bulk_lookup_dagster.core.environment import CHECKOUT, VARIABLES, read_environment
from bulk_lookup_dagster.core.errors import ConfigError
from bulk_lookup_dagster.core.variables import example_file

_READS = re.compile(
    r"""(?:environ\[|environ\.get\(|getenv\(|EnvVar\(|optional_env\(|env_var\(|credential\()"""
    r"""\s*["']([A-Za-z_]+)["']"""
)
_NAMED = re.compile(r"\bBULK_LOOKUP_[A-Z_]*[A-Z]\b")
_FOLDERS = ("bulk_lookup_dagster", "assets", "resources", "sensors", "dbt_project", "bench")
_OF_THE_SYSTEM = {"PATH", "HOME", "CI", "VIRTUAL_ENV", "DAGSTER_HOME"}


def _sources() -> list[Path]:
    files = [path for folder in _FOLDERS for path in (CHECKOUT / folder).rglob("*.*")]
    skipped = {"target", "logs", "__pycache__", "dbt_packages"}
    return [
        path
        for path in files
        if path.suffix in {".py", ".yml", ".yaml", ".sql"} and not skipped & set(path.parts)
    ]


def test_defaults_need_no_variable_at_all() -> None:
    environment = read_environment({})
    assert environment.name == "local"
    assert environment.home == CHECKOUT / ".bulk_lookup" / "local"
    assert environment.files_url == (environment.home / "files").as_uri()
    assert environment.database_url is None
    assert environment.secret_key is None
    assert str(environment.timezone) == "UTC"


def test_empty_values_count_as_unset() -> None:
    names = {variable.name: " " for variable in VARIABLES}
    assert read_environment(names) == read_environment({})


@pytest.mark.parametrize(
    "name,micros", [("demo", None), ("local", 5_000_000), ("staging", 0), ("production", 0)]
)
def test_auto_approval_defaults_follow_the_environment(name: str, micros: int | None) -> None:
    assert read_environment({"BULK_LOOKUP_ENV": name}).auto_approve_micros == micros


@pytest.mark.parametrize("text,micros", [("2.50", 2_500_000), ("0", 0), ("Unlimited", None)])
def test_auto_approval_is_read(text: str, micros: int | None) -> None:
    assert read_environment({"AUTO_APPROVE_USD": text}).auto_approve_micros == micros


@pytest.mark.parametrize(
    "name,value",
    [
        ("BULK_LOOKUP_ENV", "prod"),
        ("BULK_LOOKUP_TIMEZONE", "Mars/Base"),
        ("BULK_LOOKUP_SECRET_KEY", "abc"),
        ("BULK_LOOKUP_SECRET_KEY", "00" * 31),
        ("BULK_LOOKUP_LOG_LEVEL", "loud"),
        ("AUTO_APPROVE_USD", "-1"),
        ("AUTO_APPROVE_USD", "five"),
        ("AUTO_APPROVE_USD", "nan"),
    ],
)
def test_a_wrong_value_names_the_variable_and_the_fix(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name) as caught:
        read_environment({name: value})
    assert caught.value.fix


def test_a_wrong_key_is_not_repeated_in_the_error() -> None:
    with pytest.raises(ConfigError) as caught:
        read_environment({"BULK_LOOKUP_SECRET_KEY": "nearly-a-secret"})
    assert "nearly-a-secret" not in str(caught.value)


def test_keys_are_read_as_hex_and_base64() -> None:
    key = bytes(range(224, 256))
    for text in (key.hex(), base64.b64encode(key), base64.urlsafe_b64encode(key)):
        value = text if isinstance(text, str) else text.decode()
        assert read_environment({"BULK_LOOKUP_SECRET_KEY": value}).secret_key == key


def test_the_demo_has_credentials_of_its_own_whatever_is_set() -> None:
    real = {"TWILIO_API_KEY": "fake-key", "TWILIO_API_SECRET": "fake", "TWILIO_ACCOUNT_SID": "AC9"}
    demo = read_environment({"BULK_LOOKUP_ENV": "demo", **real})
    assert demo.simulated
    assert demo.credential("TWILIO_API_KEY") == ""
    assert demo.credential("TWILIO_ACCOUNT_SID") == "AC" + "0" * 32
    assert read_environment(real).credential("TWILIO_API_KEY") == "fake-key"
    assert not read_environment(real).simulated


def test_base_urls_and_credentials_come_from_registered_names() -> None:
    environment = read_environment({"TWILIO_LOOKUP_BASE_URL": "http://127.0.0.1:9/"})
    assert environment.credential("TWILIO_LOOKUP_BASE_URL") == "http://127.0.0.1:9/"
    assert environment.credential("TWILIO_AUTH_TOKEN") == ""
    with pytest.raises(ConfigError, match="not a registered"):
        environment.credential("NO_SUCH_NAME")


def test_secrets_never_show_in_a_repr() -> None:
    secret = "sk-very-secret"
    environment = read_environment({"TWILIO_API_SECRET": secret, "SENTRY_DSN": secret})
    assert secret not in repr(environment)


def test_example_file_is_what_the_registry_generates() -> None:
    path = CHECKOUT / ".env.example"
    assert path.read_text() == example_file(), "run make env-example"


def test_example_file_holds_every_public_variable_and_no_value_of_a_secret() -> None:
    lines = set(example_file().splitlines())
    for variable in VARIABLES:
        line = f"#{variable.name}={variable.default}"
        assert (line in lines) is not variable.internal
        assert not (variable.secret and variable.default)


def test_every_environment_read_of_the_source_is_registered() -> None:
    known = {variable.name for variable in VARIABLES} | _OF_THE_SYSTEM
    read = {
        (name, path.relative_to(CHECKOUT).as_posix())
        for path in _sources()
        for pattern in (_READS, _NAMED)
        for name in pattern.findall(path.read_text())
    }
    assert {name for name, _ in read} & known, "the search finds nothing any more"
    assert {each for each in read if each[0] not in known} == set()
