"""How two records are compared: ten comparisons, each with levels from missing to the same.

Belongs here: the SQL of levels over a left and a right record. Does not: what a level weighs
(the model), what follows from levels (`matching.guard`).

Level 0 is always "cannot be compared": a value is missing on either side, which speaks neither
for nor against (F35). Level 1 is "differs". The first condition that holds decides. The same SQL
serves Splink, which writes `first_l` where this writes `l.first`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """One degree of likeness: its digit in the vector, its name, when it holds."""

    digit: int
    name: str
    condition: str
    frequency: str | None = None
    """Column whose bits of rarity replace the level's own chance of coincidence."""


@dataclass(frozen=True)
class Comparison:
    """What is compared; levels from the closest to "differs" (digit 1, everything else)."""

    name: str
    missing: str
    levels: tuple[Level, ...]


def _missing(column: str) -> str:
    return f"l.{column} IS NULL OR r.{column} IS NULL"


def _alike(column: str, least: float) -> str:
    return f"jaro_winkler_similarity(l.{column}, r.{column}) >= {least}"


FEW_NAMES = 4
"""Names under a phone up to which it is shared by few."""
# Two ends of companies are of one kind when neither name of a person was read from them.
TITLES = (
    "l.kind IN ('organisation', 'unknown') AND r.kind IN ('organisation', 'unknown')"
    " AND l.company IS NOT NULL AND r.company IS NOT NULL"
)
_SWAPPED = "l.first = r.last AND l.last = r.first"
NICKNAME = (
    "l.given = r.given OR l.given = r.given_other OR l.given_other = r.given"
    " OR l.first = r.given OR l.first = r.given_other"
    " OR r.first = l.given OR r.first = l.given_other"
)
_SWAPPED_ALIKE = (
    "left(l.first, 1) = left(r.last, 1) AND left(l.last, 1) = left(r.first, 1)"
    " AND jaro_winkler_similarity(l.first, r.last) >= 0.85"
    " AND jaro_winkler_similarity(l.last, r.first) >= 0.85"
)
_INITIAL = "(length(l.first) = 1 OR length(r.first) = 1) AND left(l.first, 1) = left(r.first, 1)"
_SAME_PLACE = "l.postal = r.postal OR (l.city = r.city AND coalesce(l.postal = r.postal, TRUE))"
_OTHER_PLACE = "coalesce(l.postal <> r.postal AND l.city <> r.city, FALSE)"
_BIRTH_PARTS = " + ".join(
    f"(substr(l.birth_date, {at}, {size}) = substr(r.birth_date, {at}, {size}))::INT"
    for at, size in ((1, 4), (5, 2), (7, 2))
)
_DAY_FOR_MONTH = (
    "l.birth_date = concat(left(r.birth_date, 4), substr(r.birth_date, 7, 2),"
    " substr(r.birth_date, 5, 2))"
)

COMPARISONS = (
    Comparison("first", f"{_missing('first')} OR ({TITLES})", (
        Level(5, "same", f"l.first = r.first OR ({_SWAPPED})", "first_bits"),
        Level(4, "nickname", NICKNAME),
        Level(3, "initial", _INITIAL),
        Level(2, "alike", f"{_alike('first', 0.88)} OR ({_SWAPPED_ALIKE})"),
    )),
    Comparison("last", f"{_missing('last')} OR ({TITLES})", (
        Level(3, "same", f"l.last = r.last OR ({_SWAPPED})", "last_bits"),
        Level(2, "alike", f"{_alike('last', 0.88)} OR ({_SWAPPED_ALIKE})"),
    )),
    Comparison("generation", _missing("generation"), (
        Level(2, "same", "l.generation = r.generation"),
    )),
    Comparison("middle", _missing("middle"), (
        Level(2, "same", "left(l.middle, 1) = left(r.middle, 1)"),
    )),
    Comparison("phone", _missing("phone"), (
        Level(5, "private", "l.phone = r.phone AND l.phone_names <= 1"),
        Level(4, "shared by few", f"l.phone = r.phone AND l.phone_names <= {FEW_NAMES}"),
        Level(3, "shared by many", "l.phone = r.phone"),
        Level(2, "alike", "right(l.phone, 7) = right(r.phone, 7)"
              # One slip leaves one half as it is; asking that first saves most of the work.
              " OR ((left(l.phone, 5) = left(r.phone, 5) OR right(l.phone, 5) = right(r.phone, 5))"
              " AND levenshtein(l.phone, r.phone) <= 1)"),
    )),
    Comparison("email", _missing("email"), (
        Level(7, "private", "l.email = r.email AND NOT l.is_role AND l.email_names <= 1"),
        Level(6, "shared", "l.email = r.email AND NOT l.is_role"),
        Level(5, "role", "l.email = r.email"),
        # One slip leaves mailbox or host as it is. A number in it is chosen, not misspelt; and a
        # mailbox says little that the name did not.
        Level(4, "alike", "NOT l.is_role AND NOT r.is_role AND"
              " (l.host = r.host AND l.email_number = r.email_number"
              f" AND abs(length(l.mailbox) - length(r.mailbox)) <= 2 AND {_alike('mailbox', 0.9)}"
              f" OR l.mailbox = r.mailbox AND {_alike('host', 0.9)})"),
        # Without a number it is the name once more: every firm has its jsmith.
        Level(3, "mailbox", "NOT l.is_role AND NOT r.is_role AND l.mailbox = r.mailbox"
              " AND l.email_number <> ''"),
        Level(2, "site", "l.host = r.host AND l.site IS NOT NULL"),
    )),
    Comparison("company", _missing("company"), (
        Level(4, "same", "l.company = r.company"),
        Level(3, "alike", f"{_alike('company', 0.93)}"
              " OR starts_with(l.company, r.company || ' ')"
              " OR starts_with(r.company, l.company || ' ')"),
        Level(2, "in part", "l.kind <> 'person' AND r.kind <> 'person' AND"
              " len(list_intersect(string_split(l.company, ' '),"
              " string_split(r.company, ' '))) * 2 >="
              " greatest(len(string_split(l.company, ' ')), len(string_split(r.company, ' ')))"),
    )),
    Comparison("address", "coalesce(l.street, l.postal, l.city) IS NULL"
               " OR coalesce(r.street, r.postal, r.city) IS NULL"
               " OR coalesce(l.street = r.street, l.postal = r.postal, l.city = r.city) IS NULL", (
        Level(5, "same", "l.house = r.house AND l.street = r.street"
              f" AND NOT ({_OTHER_PLACE}) AND coalesce(l.unit = r.unit, TRUE)"),
        Level(4, "alike", "l.house = r.house AND "
              f"{_alike('street', 0.85)} AND NOT ({_OTHER_PLACE})"
              " AND coalesce(l.unit = r.unit, TRUE)"),
        Level(3, "street", f"l.street = r.street AND ({_SAME_PLACE})"),
        Level(2, "place", _SAME_PLACE),
    )),
    Comparison("birth", _missing("birth_date"), (
        Level(3, "same", "l.birth_date = r.birth_date"),
        Level(2, "alike", f"{_BIRTH_PARTS} = 2 OR {_DAY_FOR_MONTH}"
              " OR levenshtein(l.birth_date, r.birth_date) <= 2"),
    )),
    Comparison("person_id", _missing("person_id"), (
        Level(3, "same", "l.person_id = r.person_id"),
        # 0.95 is reached by two neighbours that changed places, not by other digits.
        Level(2, "alike", "jaro_similarity(l.person_id, r.person_id) >= 0.95"
              " OR levenshtein(l.person_id, r.person_id) <= 1"),
    )),
)  # fmt: skip
POSITION: Mapping[str, int] = {item.name: place for place, item in enumerate(COMPARISONS, 1)}
"""Where a comparison stands in the vector of levels, from 1."""


def level_sql(comparison: Comparison) -> str:
    """The digit of a comparison."""
    cases = " ".join(f"WHEN {level.condition} THEN {level.digit}" for level in comparison.levels)
    return f"CASE WHEN {comparison.missing} THEN 0 {cases} ELSE 1 END"


def vector_sql() -> str:
    """The digits of all comparisons as text; one number written once costs a third of ten."""
    size = len(COMPARISONS)
    terms = [f"d_{item.name} * {10 ** (size - place)}::BIGINT" for item, place in _placed()]
    return f"substr(({10**size} + {' + '.join(terms)})::VARCHAR, 2)"


def _placed() -> tuple[tuple[Comparison, int], ...]:
    return tuple((item, POSITION[item.name]) for item in COMPARISONS)
