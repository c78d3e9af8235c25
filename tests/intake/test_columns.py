from __future__ import annotations

import pytest

from bulk_lookup_dagster.core.errors import UploadRefused
from bulk_lookup_dagster.intake.columns import ColumnMap, header_digest, map_columns


def mapped(first: list[str], *rows: list[str], wanted: dict[str, str] | None = None) -> ColumnMap:
    return map_columns(first, [first, *rows], wanted)


@pytest.mark.parametrize(
    "header",
    [
        "phone",
        "raw_phone_number",
        "Mobile",
        "tel",
        "Phone Number",
        " TELEPHONE ",
        "phone-no.",
        "Cell",
    ],
)
def test_a_phone_column_is_known_by_many_names(header: str) -> None:
    found = mapped(["Name", header, "Notes"])
    assert (found.phone, dict(found.fields), found.extras) == (1, {"name": 0}, (("Notes", 2),))


def test_the_first_name_for_a_field_wins_and_the_rest_is_kept_beside() -> None:
    found = mapped(["Mobile", "Phone", "E-Mail Address", "ZIP", "Last verified"])
    assert found.document() == {
        "phone": "Phone",
        "email": "E-Mail Address",
        "postal_code": "ZIP",
        "last_verified_on": "Last verified",
    }
    assert found.extras == (("Mobile", 0),)


def test_a_file_without_a_header_has_its_phones_where_they_look_like_phones() -> None:
    found = mapped(["Ada", "+14155552671", "2026-11-01"], ["Ben", "(415) 555-2672", "2026-11-02"])
    assert (found.headers, found.phone, found.extras) == (
        None,
        1,
        (("column 1", 0), ("column 3", 2)),
    )


def test_a_damaged_first_number_does_not_make_a_header() -> None:
    assert mapped(["4.15555E+09"], ["4155552671"]).headers is None


@pytest.mark.parametrize(
    "first,rows,code",
    [
        (["Name", "City"], [["Ada", "Pune"]], "no_phone_column"),
        (["4155552671", "4155552672"], [["4155552673", "4155552674"]], "no_phone_column"),
        (["c"] * 501, [], "too_many_columns"),
    ],
)
def test_a_file_without_one_phone_column_is_refused(
    first: list[str], rows: list[list[str]], code: str
) -> None:
    with pytest.raises(UploadRefused) as refused:
        mapped(first, *rows)
    assert refused.value.code == code
    assert refused.value.fix


def test_a_mapping_names_headers_or_positions() -> None:
    by_name = mapped(["Who", "Reach at"], wanted={"phone": "reach AT", "name": "Who"})
    assert (by_name.phone, dict(by_name.fields)) == (1, {"name": 0})
    by_position = mapped(["4155552671", "Ada"], wanted={"phone": "column 1", "name": "column 2"})
    assert (by_position.headers, by_position.phone) == (None, 0)


@pytest.mark.parametrize(
    "wanted", [{"name": "Who"}, {"phone": "Nowhere"}, {"phone": "Who", "shoe": "Who"}]
)
def test_a_mapping_that_does_not_fit_is_refused(wanted: dict[str, str]) -> None:
    with pytest.raises(UploadRefused) as refused:
        mapped(["Who", "Reach at"], wanted=wanted)
    assert refused.value.code == "bad_mapping"


def test_a_shape_of_headers_is_known_again_whatever_its_spelling() -> None:
    assert header_digest(["E-Mail", "Phone No."]) == header_digest(["e mail", "phone_no"])
    assert header_digest(["a", "b"]) != header_digest(["b", "a"])


def test_the_mapping_is_part_of_an_uploads_identity() -> None:
    first = ["Phone", "Mobile", "Name"]
    assert mapped(first).digest() == mapped(first).digest()
    assert mapped(first).digest() != mapped(first, wanted={"phone": "Mobile"}).digest()
