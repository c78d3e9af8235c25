from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest
from pandera.errors import SchemaErrors

from bulk_lookup_dagster.core.numbering_plans import TYPE_NAMES
from bulk_lookup_dagster.intake.columns import FIELDS
from bulk_lookup_dagster.intake.rows import MAX_RAW_PHONE
from bulk_lookup_dagster.intake.sample import write_sample
from bulk_lookup_dagster.schemas.contacts import NUMBER_TYPES, REQUIRED, TEXTS, contacts_schema
from bulk_lookup_dagster.services.contact_frames import contacts_frame
from bulk_lookup_dagster.services.uploads import load_upload
from bulk_lookup_dagster.storage.tables import intake

GOOD: dict[str, Any] = {
    "contact_id": 1,
    "row_number": 2,
    "phone_subject_id": 1,
    "phone": "+14155552671",
    "region": "US",
    "number_type": "mobile",
    **dict.fromkeys(TEXTS, "x"),
    "last_verified_on": None,
}


def frame(**changes: Any) -> pd.DataFrame:
    row = pd.DataFrame([{**GOOD, **changes}], dtype="object")
    numbers = ["contact_id", "row_number", "phone_subject_id"]
    return row.astype(dict.fromkeys(numbers, "int64"))


def test_f14_the_schema_and_the_tables_agree() -> None:
    contacts = intake.contacts.c
    lengths = {name: getattr(contacts[name].type, "length", None) for name in TEXTS}
    assert lengths == TEXTS
    assert {name: contacts[name].nullable for name in TEXTS} == dict.fromkeys(TEXTS, True)
    schema = contacts_schema().columns
    assert {name: schema[name].nullable for name in TEXTS} == dict.fromkeys(TEXTS, True)
    assert not any(schema[name].nullable for name in REQUIRED)
    assert not any(contacts[name].nullable for name in ("contact_id", "phone_subject_id"))


def test_f14_intake_refuses_what_the_table_would() -> None:
    limits = {**FIELDS, "raw_phone": MAX_RAW_PHONE}
    assert limits.pop("last_verified_on") == len("2026-11-23")
    assert limits == TEXTS


def test_number_types_are_the_librarys() -> None:
    assert set(NUMBER_TYPES) == set(TYPE_NAMES.values()) - {"unknown"}


def test_what_intake_stores_passes(dsn: str, conn: psycopg.Connection[Any], tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    write_sample(path, rows=500)
    report = load_upload(dsn, b"k" * 32, path)
    found = contacts_frame(conn, report.batches[0].batch_id)
    assert len(contacts_schema().validate(found, lazy=True)) == report.contact_count


@pytest.mark.parametrize(
    "changes,message",
    [
        ({"phone": "4155552671"}, "phone is not written as E.164"),
        ({"region": "us"}, "region is not a code such as US"),
        ({"number_type": "landline"}, "number_type is not one libphonenumber has"),
        ({"name": "x" * 301}, "name is empty or longer than 300 characters"),
        ({"city": ""}, "city is empty or longer than 150 characters"),
        ({"row_number": 0}, "row_number is not a positive number"),
    ],
)
def test_f14_a_broken_rule_is_named(changes: dict[str, Any], message: str) -> None:
    contacts_schema().validate(frame(), lazy=True)
    with pytest.raises(SchemaErrors) as broken:
        contacts_schema().validate(frame(**changes), lazy=True)
    assert message in set(broken.value.failure_cases["check"])


def test_a_missing_or_unknown_column_breaks_the_structure() -> None:
    for broken in (frame().drop(columns="region"), frame(shoe_size="43")):
        with pytest.raises(SchemaErrors):
            contacts_schema().validate(broken, lazy=True)
