"""Values that are halved before they are read say what they would say whole."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from bulk_lookup_dagster.core.addresses import parse_street
from bulk_lookup_dagster.core.companies import company_words
from bulk_lookup_dagster.matching import engine, normalise
from bulk_lookup_dagster.matching.normalise import RAW
from bulk_lookup_dagster.matching.reading import NAME_COLUMNS, read_name
from bulk_lookup_dagster.sandbox.people import FREE_DOMAINS

_NAME_WORDS = st.sampled_from(
    "Ann Bob O'Brien Smith Garden Dr Jr III de la van St. MD Al B. Zzyx,Ann Smith, & 3 Иван".split()
)
_FIRM_WORDS = st.sampled_from(
    "The Alpine Foods Inc Inc. LLC, Co & A.B. GmbH limited - é Service".split()
)
_LINE_WORDS = st.sampled_from("12 12a 5th Oak Street, Apt #4 Suite 7 N. é 1-3 Corner".split())


def records(**columns: list[str]) -> list[dict[str, str | bool | None]]:
    """What becomes of rows with these values."""
    size = len(next(iter(columns.values())))
    given_rows = pa.table({
        "contact_id": range(size), "row_hash": [str(n) for n in range(size)],
        **{name: pa.array(columns.get(name, [None] * size), pa.string()) for name in RAW},
    })  # fmt: skip
    with engine.session() as db:
        db.register("given", given_rows)
        db.execute("CREATE TABLE raw AS SELECT * FROM given")
        normalise.normalise(db)
        table = db.sql("SELECT * FROM records ORDER BY contact_id").to_arrow_table()
    return list(table.to_pylist())


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(_NAME_WORDS, min_size=1, max_size=5).map(" ".join), min_size=20))
def test_names(names: list[str]) -> None:
    parts = [column for column in NAME_COLUMNS if column not in {"kind", "titled"}]
    for name, found in zip(names, records(name=names), strict=True):
        whole = dict(zip(NAME_COLUMNS, read_name(name, None, None, False), strict=True))
        assert (name, [found[part] for part in parts]) == (name, [whole[part] for part in parts])
        assert (name, found["kind"]) == (name, whole["kind"] or "nameless")
        assert (name, found["company"]) == (name, whole["titled"] or None)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(_FIRM_WORDS, min_size=1, max_size=5).map(" ".join), min_size=20))
def test_companies(names: list[str]) -> None:
    for name, found in zip(names, records(company=names), strict=True):
        assert (name, found["company"]) == (name, " ".join(company_words(name)) or None)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(_LINE_WORDS, min_size=1, max_size=5).map(" ".join), min_size=20))
def test_street_lines(lines: list[str]) -> None:
    for line, found in zip(lines, records(street=lines), strict=True):
        whole = parse_street(line)
        read = (found["house"], found["street"], found["unit"])
        assert (line, read) == (
            line,
            (whole.house or None, whole.street or None, whole.unit or None),
        )


def test_a_host_where_everybody_may_have_a_mailbox_is_no_site() -> None:
    hosts = ("gmail.com", "yahoo.co.uk", "orange.fr", "example.test", *sorted(FREE_DOMAINS))
    found = records(email=[f"a.b@{host}" for host in (*hosts, "larkwell.example.com")])
    assert [row["site"] for row in found] == [None] * len(hosts) + ["larkwell.example.com"]
