"""The guard: what a pair's levels allow, whatever its score.

Belongs here: rules and their reasons. Does not: levels (`matching.comparisons`), evidence in bits
(`matching.model`), what a person decided (`matching.clusters`).

Households share an address, a land line and a surname; colleagues a switchboard, a domain and a
city. No sum of weights keeps them apart from one person seen twice, so a pair is merged only when
the names are compatible, nothing about the persons contradicts, and something that belongs to one
person or one site agrees. What scores and fails is *related*: kept, shown, never merged.
"""

from __future__ import annotations

from bulk_lookup_dagster.matching.comparisons import TITLES
from bulk_lookup_dagster.matching.model import Thresholds

_RARE = 11.5
"""Bits of rarity (1 in 2,900) from which a name may be a misspelling of another."""
_OWN = "(d_phone = 5 OR d_email = 7 OR d_birth = 3 OR d_person_id = 3)"
_NAMED = "coalesce({side}.first, {side}.last) IS NOT NULL"
_BOTH_NAMED = f"({_NAMED.format(side='l')} AND {_NAMED.format(side='r')})"
_ORGANISATION = "(l.kind = 'organisation' OR r.kind = 'organisation')"
_OTHER_HOUSE = "coalesce(l.house <> r.house, FALSE)"
_SAME_CONTACT = "(d_phone >= 3 OR d_email >= 5)"
_FIRST_RARE = f"(l.given IS NULL OR r.given IS NULL) AND greatest(l.first_bits, r.first_bits) >= {_RARE}"
_LAST_RARE = f"greatest(l.last_bits, r.last_bits) >= {_RARE}"
_ONE_ROLE = "(d_email = 2 AND l.is_role <> r.is_role)"
_ONE_WORD = "(d_first = 0 OR d_last = 0)"
_ONE_WORD_FITS = "(d_last = 3 OR d_first >= 4 OR l.last = r.first OR l.first = r.last)"

# In order: the first that holds decides. (verdict, reason, condition)
RULES: tuple[tuple[str, str, str], ...] = (
    ("related", "another site", f"titles AND d_company >= 3 AND {_OTHER_HOUSE}"
     f" AND NOT ({_SAME_CONTACT} AND d_address >= 2)"),
    ("related", "one of its people", f"titles AND d_company >= 3 AND {_ONE_ROLE}"),
    ("auto", "same organisation", f"titles AND d_company >= 3 AND"
     f" ({_SAME_CONTACT} OR d_address >= 4 OR (l.site = r.site AND d_address >= 2))"),
    ("auto", "same organisation, name in part", "titles AND d_company = 2"
     f" AND d_phone >= 4 AND coalesce(l.house = r.house, d_address >= 2)"),
    ("review", "name in part", f"titles AND d_company = 2 AND ({_SAME_CONTACT} OR d_address >= 4)"),
    ("related", "another organisation", "titles"),
    ("related", "Jr and Sr", "d_generation = 1"),
    ("related", "other birth date", "d_birth = 1 AND d_person_id <> 3"),
    ("auto", "only one has a name, own e-mail", f"NOT {_BOTH_NAMED} AND d_email = 7"),
    ("related", "colleague", f"NOT {_BOTH_NAMED} AND {_ORGANISATION} AND d_phone < 5"),
    ("review", "only one has a name", f"NOT {_BOTH_NAMED} AND {_ORGANISATION}"),
    ("auto", "no name, own phone or id", f"NOT {_BOTH_NAMED} AND {_OWN} AND d_company <> 1"
     " AND d_email <> 1"),
    ("related", "no name, nothing private", f"NOT {_BOTH_NAMED}"),
    ("review", "one word fits", f"{_ONE_WORD} AND {_ONE_WORD_FITS} AND NOT {_OWN}"),
    ("auto", "one word fits, own phone or e-mail", f"{_ONE_WORD} AND {_ONE_WORD_FITS}"),
    ("review", "other middle name", f"d_middle = 1 AND NOT {_OWN}"),
    ("review", "nothing but the name", "d_phone < 2 AND d_email < 2 AND d_company < 2"
     " AND d_address < 2 AND d_birth < 2 AND d_person_id < 2"),
    ("review", "same address, all else differs", "d_phone = 1 AND d_email = 1 AND d_company < 2"
     " AND d_middle <> 2 AND d_birth < 2 AND d_person_id < 2"),
    ("auto", "same name", "d_last = 3 AND d_first >= 4"),
    ("auto", "initial", f"d_last = 3 AND d_first = 3 AND ({_OWN} OR d_email >= 3)"),
    ("review", "initial", "d_last = 3 AND d_first = 3"),
    ("auto", "misspelt first name", f"d_last = 3 AND d_first = 2 AND {_FIRST_RARE}"),
    ("auto", "misspelt last name", f"d_last = 2 AND d_first >= 3 AND {_LAST_RARE}"),
    ("auto", "misspelt twice", f"d_last = 2 AND d_first = 2 AND {_FIRST_RARE} AND {_LAST_RARE}"
     f" AND {_OWN}"),
    ("review", "close names", "d_last >= 2 AND d_first = 2 OR d_last = 2 AND d_first >= 4"),
    ("review", "other name, own e-mail and phone", "d_email = 7 AND d_phone = 5"),
    ("related", "household", "d_last = 3"),
    ("related", "colleague", "TRUE"),
)  # fmt: skip


def guard_sql() -> str:
    """Number of the rule that decides, from 0."""
    cases = " ".join(
        f"WHEN {condition} THEN {number}"
        for number, (_, _, condition) in enumerate(RULES)
        if condition != "TRUE"
    )
    return f"CASE {cases} ELSE {len(RULES) - 1} END".replace("titles", f"({TITLES})")


def verdict_sql(thresholds: Thresholds) -> str:
    """The verdict of `rule` at `score`: a pair may be merged, shown, kept as related, or nothing."""
    auto = ", ".join(str(n) for n, (verdict, _, _) in enumerate(RULES) if verdict == "auto")
    related = ", ".join(str(n) for n, (verdict, _, _) in enumerate(RULES) if verdict == "related")
    merged = "auto" if thresholds.automatic else "review"
    return f"""CASE WHEN rule IN ({related})
                    THEN CASE WHEN score >= {thresholds.related} THEN 'related' ELSE 'reject' END
               WHEN rule IN ({auto}) AND score >= {thresholds.auto} THEN '{merged}'
               WHEN score >= {thresholds.review} THEN 'review' ELSE 'reject' END"""
