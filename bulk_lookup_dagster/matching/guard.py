"""The guard: what a pair's levels allow, whatever its score.

Belongs here: rules and their reasons. Does not: levels (`matching.comparisons`), evidence in bits
(`matching.model`), what a person decided (`matching.clusters`).

Households share an address, a land line and a surname; colleagues a switchboard, a domain and a
city. No sum of weights keeps them apart from one person seen twice, so a pair is merged only when
the names are compatible, nothing about the persons contradicts, and something that belongs to one
person or one site agrees. What scores and fails is *related*: kept, shown, never merged.
"""

from __future__ import annotations

from collections.abc import Mapping

from bulk_lookup_dagster.matching.comparisons import TITLES
from bulk_lookup_dagster.matching.model import Model, Thresholds

FACTS: Mapping[str, str] = {
    "titles": TITLES,
    "other_house": "coalesce(l.house <> r.house, FALSE)",
    "same_house": "coalesce(l.house = r.house, FALSE)",
    "same_site": "coalesce(l.site = r.site, FALSE)",
    "one_role": "l.is_role <> r.is_role",
    "named": "coalesce(l.first, l.last) IS NOT NULL AND coalesce(r.first, r.last) IS NOT NULL",
    "organisation": "l.kind = 'organisation' OR r.kind = 'organisation'",
    # Two known names that look alike (Eric, Erica) are two names, not a misspelling.
    "first_slip": "(l.given IS NULL OR r.given IS NULL) AND (l.first_rare OR r.first_rare)",
    "last_slip": "l.last_rare OR r.last_rare",
    "word_fits": "coalesce(l.last = r.last, FALSE) OR coalesce(l.last = r.first, FALSE)"
    " OR coalesce(l.first = r.last, FALSE) OR coalesce(l.first = r.first, FALSE)",
    "first_bits": "least(l.first_bits, r.first_bits)",
    "last_bits": "least(l.last_bits, r.last_bits)",
}
"""What rules and weights need to know beside levels: about two records `l` and `r`."""
_OWN = "(d_phone = 5 OR d_email = 7 OR d_birth = 3 OR d_person_id = 3)"
_SAME_CONTACT = "(d_phone >= 3 OR d_email >= 5)"
_ONE_WORD = "(d_first = 0 OR d_last = 0)"
_NAME_AND_EMAIL = "d_phone < 2 AND d_company < 2 AND d_birth < 2 AND d_person_id < 2"
_ONLY_NAME = f"{_NAME_AND_EMAIL} AND d_email < 2"

# In order: the first that holds decides. (verdict, reason, condition)
RULES: tuple[tuple[str, str, str], ...] = (
    ("related", "Jr and Sr", "d_generation = 1"),
    ("related", "another site", "titles AND d_company >= 3 AND other_house"
     f" AND NOT ({_SAME_CONTACT} AND d_address >= 2)"),
    ("related", "another site", "titles AND d_company >= 3 AND d_phone = 1 AND d_address = 1"),
    ("related", "one of its people", "titles AND d_company >= 3 AND d_email = 2 AND one_role"),
    ("auto", "same organisation", "titles AND d_company >= 3 AND"
     f" ({_SAME_CONTACT} OR d_address >= 4 OR (same_site AND d_address >= 2))"),
    ("auto", "same organisation, name in part", "titles AND d_company = 2"
     " AND d_phone >= 4 AND (same_house OR (NOT other_house AND d_address >= 2))"),
    ("review", "name in part", f"titles AND d_company = 2 AND ({_SAME_CONTACT} OR d_address >= 4)"),
    ("related", "another organisation", "titles"),
    ("auto", "same id", "d_person_id = 3 AND (d_birth >= 2 OR d_last >= 2 OR d_first >= 2"
     " OR d_address >= 4 OR word_fits)"),
    ("auto", "birth date and id alike", "d_birth >= 2 AND d_person_id >= 2"
     " AND (d_last >= 2 OR d_first >= 2)"),
    # Brothers and sisters have neighbouring ids, not one first name.
    ("auto", "id alike, same name and address", "d_person_id = 2 AND d_first >= 4"
     " AND d_address >= 4"),
    ("auto", "same birth date, names alike", "d_birth = 3 AND d_first >= 2 AND"
     " (d_last >= 2 OR d_address >= 4)"),
    ("auto", "same birth date and address", "d_birth = 3 AND d_address >= 4"
     " AND (d_first = 0 OR d_last = 0)"),
    # A surname changes by marriage; twins differ in the first name.
    ("auto", "same birth date, first name, place", "d_birth = 3 AND d_first = 5"
     " AND d_address >= 2"),
    ("related", "other birth date", "d_birth = 1 AND d_person_id <> 3"),
    ("auto", "only one has a name, own e-mail", "NOT named AND d_email = 7"),
    ("related", "colleague", "NOT named AND organisation AND d_phone < 5"),
    ("review", "only one has a name", "NOT named AND organisation"),
    ("auto", "no name, own phone or id", f"NOT named AND {_OWN} AND d_company <> 1"
     " AND d_email <> 1"),
    ("related", "no name, nothing private", "NOT named"),
    ("review", "one word fits", f"{_ONE_WORD} AND word_fits AND NOT {_OWN}"),
    ("auto", "one word fits, own phone or e-mail", f"{_ONE_WORD} AND word_fits"),
    ("review", "other middle name", f"d_middle = 1 AND NOT {_OWN}"),
    ("alone", "nothing but the name", f"d_last = 3 AND d_first >= 4 AND {_ONLY_NAME}"
     " AND d_address < 2"),
    # Hosts of mail providers that nobody listed have many people of one name.
    ("alone", "nothing but name and site", f"d_last = 3 AND d_first >= 4 AND {_NAME_AND_EMAIL}"
     " AND d_email = 2 AND d_address < 2"),
    ("auto", "same name and address", "d_last = 3 AND d_first = 5 AND d_address = 5"
     f" AND d_phone = 1 AND d_email = 1 AND {_ONLY_NAME}"),
    ("alone", "same address, all else differs", "d_last = 3 AND d_first >= 4 AND"
     f" d_phone = 1 AND d_email = 1 AND {_ONLY_NAME} AND d_middle <> 2"),
    ("auto", "same name", "d_last = 3 AND d_first >= 4"),
    ("auto", "initial", f"d_last = 3 AND d_first = 3 AND ({_OWN} OR d_email >= 3"
     " OR (d_address >= 4 AND d_company >= 3) OR (d_address = 5 AND d_email = 0))"),
    ("review", "initial", "d_last = 3 AND d_first = 3"),
    ("auto", "misspelt first name", "d_last = 3 AND d_first = 2 AND first_slip"),
    ("auto", "misspelt last name", "d_last = 2 AND d_first >= 3 AND last_slip"),
    ("auto", "misspelt twice", f"d_last = 2 AND d_first = 2 AND first_slip AND last_slip"
     f" AND ({_OWN} OR d_address >= 4)"),
    ("review", "close names", "d_last >= 2 AND d_first = 2 OR d_last = 2 AND d_first >= 4"),
    # Both are nobody else's, and other initials would have made them shared.
    ("auto", "other name, own e-mail and phone", "d_email = 7 AND d_phone = 5"),
    ("related", "household", "d_last = 3"),
    ("related", "colleague", "TRUE"),
)  # fmt: skip


def guard_sql() -> str:
    """Number of the rule that decides, from 0, over digits and facts."""
    cases = " ".join(
        f"WHEN {condition} THEN {number}" for number, (_, _, condition) in enumerate(RULES[:-1])
    )
    return f"CASE {cases} ELSE {len(RULES) - 1} END"


def verdict_sql(model: Model, band: int) -> str:
    """The verdict of `rule` at `score`: a pair may be merged, shown, kept as related, or nothing.

    A name alone says who somebody is in a small circle only: among a million, two people of one
    name are the rule. `alone` rules merge where coincidences are not to be expected.
    """
    thresholds: Thresholds = model.thresholds
    small = model.name_alone(band) >= thresholds.name_alone
    auto = _numbers("auto", "alone") if small else _numbers("auto")
    merged = "auto" if thresholds.automatic else "review"
    return f"""CASE WHEN rule IN ({_numbers("related")})
                    THEN CASE WHEN score >= {thresholds.related} THEN 'related' ELSE 'reject' END
               WHEN rule IN ({auto}) AND score >= {thresholds.auto} THEN '{merged}'
               WHEN score >= {thresholds.review} THEN 'review' ELSE 'reject' END"""


def _numbers(*verdicts: str) -> str:
    return ", ".join(
        str(number) for number, (verdict, _, _) in enumerate(RULES) if verdict in verdicts
    )
