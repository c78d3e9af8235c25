"""What confuses matching, one pitfall a test: who is merged, who is only related, and why."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulk_lookup_dagster.matching import engine
from bulk_lookup_dagster.matching.model import band_of, load_model
from bulk_lookup_dagster.matching.normalise import RAW

Row = Mapping[str, str | None]
# Among so many others a name alone proves nothing; the model knows them by their number only.
_OTHERS = 1_200
ANN = {"name": "Ann Fairholm", "phone": "4155550111", "email": "ann.fairholm@gmail.com"}
HOME = {"street": "12 Oak Street", "city": "Springfield", "postal_code": "12345"}
FIRM = {"company": "Alpine Foods Inc", "phone": "8005550100", "website": "alpinefoods.com"}


def match(*rows: Row, crowd: bool = True) -> tuple[set[frozenset[int]], dict[tuple[int, int], str]]:
    """Clusters of the rows (by position) and the verdict of each pair that was kept."""
    import pyarrow as pa

    others = [{"name": f"Person{n} Numbered{n}"} for n in range(_OTHERS if crowd else 0)]
    every: list[Row] = [*rows, *others]
    columns = {name: pa.array([row.get(name) for row in every], pa.string()) for name in RAW}
    table = pa.table({"contact_id": range(len(every)), **columns})
    with engine.session() as db:
        db.register("given", table)
        said = ", ".join(RAW)
        db.execute(
            f"CREATE TABLE raw AS SELECT contact_id, md5(concat_ws('|', {said})) AS row_hash,"
            f" {said} FROM given"
        )
        engine.prepare(db)
        done = engine.match(db, load_model())
        kept = db.execute("SELECT a, b, verdict || ': ' || reason FROM pairs").fetchall()
    groups: dict[int, set[int]] = {}
    for item in range(len(rows)):
        groups.setdefault(done.of.get(item, item), set()).add(item)
    return {frozenset(group) for group in groups.values()}, {(a, b): why for a, b, why in kept}


def together(*rows: Row) -> bool:
    return len(match(*rows)[0]) == 1


def apart(*rows: Row) -> bool:
    return len(match(*rows)[0]) == len(rows)


def test_the_same_person_in_other_words() -> None:
    assert together(ANN, {**ANN, "name": "FAIRHOLM, Ann B."}, {**ANN, "name": "Dr. Ann Fairholm"})


@pytest.mark.parametrize(
    "one,two",
    [
        ("Bob Fairholm", "Robert Fairholm"),
        ("Peggy Fairholm", "Margaret Fairholm"),
        ("José Núñez", "Jose Nunez"),
        ("Иван Петров", "Ivan Petrov"),
        ("Ann O\u2019Brien", "Ann OBrien"),
        ("Fairholm Ann", "Ann Fairholm"),
        ("Roebrt Fairholm", "Robert Fairholm"),
        ("Ann Fairholm", "Ann Fairhlom"),
    ],
)
def test_nicknames_accents_order_and_slips(one: str, two: str) -> None:
    assert together({"name": one, "phone": "4155550111"}, {"name": two, "phone": "4155550111"})


def test_switchboard_colleagues_are_related() -> None:
    people = [{**FIRM, "name": name} for name in ("Ann Fairholm", "Ben Torrance", "Cy Larkwell")]
    clusters, why = match(*people)
    assert len(clusters) == 3
    assert set(why.values()) == {"related: colleague"}


def test_a_household_on_one_land_line_is_related() -> None:
    line = {"phone": "4155550111", **HOME}
    clusters, why = match({**line, "name": "Ann Fairholm"}, {**line, "name": "Ben Fairholm"})
    assert len(clusters) == 2
    assert why == {(0, 1): "related: household"}


@pytest.mark.parametrize("first", ["John", "Dario", "Zyxwin"])
def test_a_junior_is_never_his_father(first: str) -> None:
    """Whether we know the first name or not: a name we cannot read may be an organisation's."""
    line = {"phone": "4155550111", **HOME}
    father, son = ({**line, "name": f"{first} Fairholm {end}"} for end in ("Sr", "Jr"))
    clusters, why = match(father, son)
    assert (len(clusters), why) == (2, {(0, 1): "related: Jr and Sr"})


def test_a_name_without_generation_does_not_unite_junior_and_senior() -> None:
    line = {"phone": "4155550111", **HOME}
    rows = [{**line, "name": f"John Fairholm{end}"} for end in (" Sr", "", " Jr")]
    clusters, _ = match(*rows)
    assert not any({0, 2} <= cluster for cluster in clusters)


def test_family_and_role_mailboxes() -> None:
    family = {"email": "thefairholms@gmail.com"}
    assert apart({**family, "name": "Ann Fairholm"}, {**family, "name": "Ben Fairholm"})
    role = {"email": "info@alpinefoods.com"}
    assert apart({**role, "name": "Ann Fairholm"}, {**role, "name": "Ben Torrance"})


def test_sites_of_a_chain_are_not_one_organisation() -> None:
    chain = {"company": "Alpine Foods Inc", "website": "alpinefoods.com"}
    one = {**chain, "phone": "8005550101", "street": "1 Elm St", "city": "Lakeview"}
    two = {**chain, "phone": "8005550102", "street": "9 Oak Rd", "city": "Lakeview"}
    clusters, why = match(one, two)
    assert (len(clusters), why) == (2, {(0, 1): "related: another site"})


def test_one_organisation_under_two_spellings() -> None:
    assert together({**FIRM, **HOME}, {**FIRM, **HOME, "company": "The Alpine Foods, L.L.C."})


def test_a_recycled_number_does_not_unite() -> None:
    assert apart({"name": "Ann Fairholm", "phone": "4155550111"},
                 {"name": "Ben Torrance", "phone": "4155550111"})  # fmt: skip


@pytest.mark.parametrize("phone", ["5555555555", "0000000000", "123-456-7890", "n/a", "12"])
def test_placeholder_phones_are_nobodys(phone: str) -> None:
    clusters, why = match({"phone": phone}, {"phone": phone}, {"phone": phone, "name": "A Bee"})
    assert (len(clusters), why) == (3, {})


def test_close_names_are_not_one() -> None:
    line = {"phone": "4155550111", **HOME}
    clusters, why = match({**line, "name": "Eric Fairholm"}, {**line, "name": "Erica Fairholm"})
    assert (len(clusters), why) == (2, {(0, 1): "review: close names"})


def test_a_nameless_row_joins_by_a_number_of_ones_own() -> None:
    assert together(ANN, {"email": "ann.fairholm@gmail.com"})
    assert together({"name": "Ann Fairholm", "phone": "4155550111"}, {"phone": "4155550111"})


def test_a_nameless_row_does_not_bridge_two_people() -> None:
    line = {"phone": "4155550111"}
    rows = [{**line, "name": "Ann Fairholm"}, line, {**line, "name": "Ben Torrance"}]
    clusters, _ = match(*rows)
    assert not any({0, 2} <= cluster for cluster in clusters)
    assert frozenset({1}) in clusters


BORN = {"name": "Vanessa Torrance", "birth_date": "1962-04-05", "person_id": "734520851"}


@pytest.mark.parametrize(
    "changed",
    [
        {"person_id": "734250851", "birth_date": None, **HOME},
        {"person_id": None, "birth_date": "1962-05-04", **HOME},
        {"person_id": None, "name": "Vanessa Fairholm", **HOME},
        {"birth_date": None, "name": "Torrance V.", **HOME},
    ],
    ids=["two digits exchanged", "day for month", "married", "an id of one's own"],
)
def test_slips_in_dates_and_ids(changed: Row) -> None:
    assert together({**BORN, **HOME}, {**BORN, **changed})


def test_twins_and_siblings_with_neighbouring_ids_are_two() -> None:
    assert apart({**BORN, **HOME}, {**BORN, **HOME, "name": "Claudia Torrance", "person_id": None})
    neighbour = {"name": "Claudia Torrance", "birth_date": None, "person_id": "734520852"}
    assert apart({**BORN, **HOME}, {**HOME, **neighbour})


def test_proof_of_identity_beats_a_mistaken_date_but_no_generation() -> None:
    """One id, two dates; the second date again under another id: all one person's."""
    wrong_date = {**BORN, "birth_date": "1988-11-23"}
    wrong_id = {**BORN, "person_id": "734520871"}
    assert together(BORN, wrong_date, wrong_id)
    senior, junior = {**BORN, "name": "Van Torrance Sr"}, {**BORN, "name": "Van Torrance Jr"}
    clusters, _ = match(senior, {**BORN, "name": "Van Torrance"}, junior)
    assert not any({0, 2} <= cluster for cluster in clusters)


def test_a_name_alone_says_who_somebody_is_in_a_small_circle_only() -> None:
    rows = ({"name": "James Smith", "phone": "4155550111"},
            {"name": "James Smith", "phone": "4155550122"})  # fmt: skip
    assert len(match(*rows)[0]) == 2
    assert len(match(*rows, crowd=False)[0]) == 1


@pytest.mark.parametrize("other", ["Bob Fairholm", "Robert Fairholm"])
def test_a_mail_provider_that_nobody_listed_unites_no_namesakes(other: str) -> None:
    one = {"name": "Bob Fairholm", "phone": "4155550111", "email": "eins@post.town.example"}
    two = {"name": other, "phone": "4155550122", "email": "zwei@post.town.example"}
    clusters, why = match(one, two)
    assert (len(clusters), why) == (2, {(0, 1): "review: nothing but name and site"})
    assert together({**one, "company": "Alpine Foods"}, {**two, "company": "Alpine Foods"})
    assert together({**one, **HOME}, {**two, **HOME})


def test_the_prior_scales_with_the_band_only() -> None:
    model = load_model()
    assert model.prior(band_of(1_024)) - model.prior(band_of(2_048)) == pytest.approx(1.0)
    assert band_of(1_025) == band_of(2_048) == 11
    assert [band_of(records) for records in (0, 1, 2, 3)] == [0, 0, 1, 2]


def test_f35_nothing_at_all_can_be_compared() -> None:
    clusters, why = match({}, {}, {"name": ""}, {"company": " "}, {"email": "@"}, crowd=False)
    assert (len(clusters), why) == (5, {})


@pytest.mark.parametrize("field", ["name", "phone", "email", "company", "street", "postal_code"])
def test_f35_missing_speaks_neither_for_nor_against(field: str) -> None:
    row = {**ANN, **HOME, "company": "Alpine Foods"}
    assert together(row, {**row, field: None})


def test_f34_one_word_names() -> None:
    assert together({"name": "Madonna", "email": "m@madonna.example.org"},
                    {"name": "Madonna", "email": "m@madonna.example.org"})  # fmt: skip
    assert apart({"name": "Madonna", "city": "Paris"}, {"name": "Madonna", "city": "Rome"})


_ROWS: list[Row] = [
    ANN,
    {**ANN, "phone": None},
    {**ANN, "email": None, **HOME},
    {"name": "Ben Fairholm", **HOME, "phone": "4155550111"},
    {"phone": "4155550111"},
    {"name": "John Torrance Jr", **HOME, "email": "jt@torrance.example.com"},
    {"name": "John Torrance", **HOME, "email": "jt@torrance.example.com"},
    {"name": "John Torrance Sr", **HOME, "email": "jt@torrance.example.com"},
    {**FIRM, **HOME},
    {**FIRM, "name": "Ann Fairholm"},
]


@settings(max_examples=8, deadline=None)
@given(st.permutations(range(len(_ROWS))))
def test_any_order_of_the_rows_gives_the_same_clusters(order: list[int]) -> None:
    def named(rows: list[int]) -> set[frozenset[int]]:
        clusters, _ = match(*(_ROWS[row] for row in rows), crowd=False)
        return {frozenset(rows[place] for place in cluster) for cluster in clusters}

    assert named(order) == named(list(range(len(_ROWS))))
