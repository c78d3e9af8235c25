"""Every statement of docs/analysts.md, run as the analyst on marts built from a known history."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from psycopg.rows import dict_row

from bulk_lookup_dagster.services.marts import MartsBuild
from bulk_lookup_dagster.storage import roles
from bulk_lookup_dagster.storage.database import connect
from bulk_lookup_dagster.storage.embedded import EmbeddedServer

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "analysts.md"
QUESTIONS = dict(
    re.findall(
        r"^### (\d+)\. .*?^```sql\n(.*?)^```$", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE
    )
)

_REJECTED = """
    SELECT reason, count(*) FROM intake.rejects WHERE upload_id IN (1, 3) GROUP BY 1 ORDER BY 1
"""


@pytest.fixture(scope="module")
def analyst(
    postgres: EmbeddedServer, marts_database: str, build: MartsBuild
) -> Iterator[psycopg.Connection[Any]]:
    with connect(postgres.dsn(marts_database, roles.ANALYST), autocommit=True) as conn:
        yield conn


def ask(conn: psycopg.Connection[Any], query: str) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(cast("Any", query)).fetchall()


def plain(conn: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return conn.execute(cast("Any", query)).fetchall()


def test_no_statement_of_the_document_is_left_out() -> None:
    assert len(QUESTIONS) == DOCUMENT.read_text().count("```sql") >= 12


@pytest.mark.parametrize("number", QUESTIONS)
def test_the_analyst_gets_an_answer(analyst: psycopg.Connection[Any], number: str) -> None:
    rows = ask(analyst, QUESTIONS[number])
    assert rows
    promised = re.findall(r"\bAS (\w+)", QUESTIONS[number])
    assert set(promised) <= set(rows[0])
    assert None not in [rows[0][name] for name in list(rows[0])[:2]]


def test_rejects_equal_the_rows_refused(
    analyst: psycopg.Connection[Any], marts: psycopg.Connection[Any]
) -> None:
    # Upload 1 is published, upload 3 had nothing to publish, upload 2 is still asked.
    base = plain(marts, _REJECTED)
    found = [(row["reason"], row["rejected_rows"]) for row in ask(analyst, QUESTIONS["6"])]
    assert sorted(found) == base
    assert ("too_long", 3) in base


def test_money_equals_the_ledger(
    analyst: psycopg.Connection[Any], marts: psycopg.Connection[Any]
) -> None:
    ((cost,),) = plain(marts, "SELECT sum(cost_micros) FROM ledger.claims")
    (month,) = ask(analyst, QUESTIONS["8"])
    (plan,) = ask(analyst, QUESTIONS["10"])
    spent = sum(row["cost_usd"] for row in ask(analyst, QUESTIONS["9"]))
    assert month["cost_micros"] == plan["cost_micros"] == spent * 1_000_000 == cost
    assert month["cost_per_contact_micros"] == round(cost / 10)
    assert plan["difference_micros"] == cost - plan["estimated_micros"]


def test_contacts_equal_the_answers_held(
    analyst: psycopg.Connection[Any], marts: psycopg.Connection[Any]
) -> None:
    ((high,),) = plain(
        marts,
        """SELECT count(*) FROM intake.contacts c
             JOIN enrichment.phone_lookups l ON l.subject_id = c.phone_subject_id
            WHERE c.first_batch_id = 1 AND l.risk_level = 'high' AND l.expires_at > now()""",
    )
    assert sum(row["high_risk"] for row in ask(analyst, QUESTIONS["3"])) == high == 1
    voip = {row["carrier_name"]: row["voip_percent"] for row in ask(analyst, QUESTIONS["4"])}
    assert voip["Beta Voice"] == Decimal(100)
    assert voip["Alpha Wireless"] == 0
    (repeats,) = ask(analyst, QUESTIONS["5"])
    assert (repeats["contacts"], repeats["numbers"], repeats["repeats"]) == (10, 8, 2)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM intake.contacts",
        "SELECT * FROM intermediate.int_contacts",
        "SELECT * FROM staging.stg_subjects",
        "DELETE FROM marts.mart_failures",
        "CREATE TABLE marts.mine (n int)",
    ],
)
def test_the_analyst_gets_nothing_else(analyst: psycopg.Connection[Any], statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        plain(analyst, statement)
