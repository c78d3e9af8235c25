"""Survivorship as SQL: how contacts of one cluster are ranked, per block of fields.

Belongs here: what verified, valid, recent and complete mean for each block, and the rule a winner
won by. Does not: building the rows (`matching.golden`).

A contact's claim on a block is one number: verified, valid, source rank, recency, completeness and
how low its id is, each in bits of its own, the first in the highest. So the greatest number wins,
and the first part in which it differs from the runner-up's is the rule that decided. A contact with
nothing in a block has no claim on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import LiteralString

from bulk_lookup_dagster.storage.tables.golden import BLOCKS

BITS = {
    "verified": 2,
    "valid": 1,
    "source_rank": 8,
    "recency": 16,
    "completeness": 3,
    "lowest_id": 33,
}
"""Criteria in their order, and the bits of a claim each has: 63, so that it is never negative.

Recency is in days since 1970; ids are counted from the lowest of the cluster, which has room for
eight billion between two of one cluster. Settings take 100 sources at most.
"""
_LAST = 2 ** BITS["lowest_id"] - 1
_OPT_OUTS = ("opted_out", "opt_out", "optout", "do_not_contact", "do_not_call", "dnc",
             "unsubscribed")  # fmt: skip
"""Columns of an upload, kept as extras, that say somebody wants to be left alone."""
_NO = ("", "0", "f", "false", "n", "no", "off", "subscribed", "opted in", "opted_in")

# 0 refuted by a provider, 1 nobody knows, 2 the source says when it verified the row, 3 confirmed.
_ROW_VERIFIED: LiteralString = "1 + (c.last_verified_on IS NOT NULL)::int"
_VERIFIED: Mapping[str, LiteralString] = {
    "phone": f"CASE n.confirmed WHEN TRUE THEN 3 WHEN FALSE THEN 0 ELSE {_ROW_VERIFIED} END",
    "email": f"CASE e.confirmed WHEN TRUE THEN 3 WHEN FALSE THEN 0 ELSE {_ROW_VERIFIED} END",
}
_VALID: Mapping[str, LiteralString] = {
    "name": "r.last IS NOT NULL AND coalesce(length(r.first), 0) > 1",
    "company": "r.company IS NOT NULL",
    "address": "r.house IS NOT NULL AND r.street IS NOT NULL AND r.postal IS NOT NULL",
    "email": "r.email IS NOT NULL AND NOT r.is_role",
    "phone": "r.phone IS NOT NULL",
}
_COMPLETE: Mapping[str, LiteralString] = {
    "name": "num_nonnulls(r.first, r.middle, r.last, r.generation)",
    "company": "num_nonnulls(c.company, c.website)",
    "address": "num_nonnulls(c.street, r.unit, c.city, c.state_region, c.postal_code, c.country)",
    "email": "0",
    "phone": "0",
}


_VIEW = re.compile(
    r"JOIN (matching\.(?:confirmations|number_risks)) (\w) ON \2\.subject_id = ([\w.]+)"
)
FEW = 1_000
"""Golden contacts up to which answers are looked up by index instead of all at once."""


def by_index(statement: str) -> str:
    """A statement that joins the views of answers, asking them one subject at a time.

    PostgreSQL computes a grouped view whole before it joins it: right for all golden contacts,
    seconds too long for the two that a decision changes.
    """
    return _VIEW.sub(
        r"JOIN LATERAL (SELECT * FROM \1 y WHERE y.subject_id = \3 OFFSET 0) \2 ON TRUE", statement
    )


def _present(block: str) -> str:
    if block == "phone":
        return "TRUE"
    return "concat(" + ", ".join(f"c.{field}" for field in BLOCKS[block]) + ") <> ''"


def claim(block: str) -> str:
    """A contact's claim on a block: contact `c` of `d`, record `r`, answers `n` `e`, source `s`."""
    recency = "greatest(c.last_verified_on, c.created_on) - DATE '1970-01-01'"
    parts: Mapping[str, str] = {
        "verified": _VERIFIED.get(block, _ROW_VERIFIED),
        "valid": f"({_VALID[block]})::int",
        "source_rank": "coalesce(s.rank, 0)",
        "recency": f"least(greatest({recency}, 0), {2 ** BITS['recency'] - 1})",
        "completeness": _COMPLETE[block],
        "lowest_id": f"{_LAST} - (c.contact_id - d.contact_id)",
    }
    packed = " + ".join(f"(({parts[name]})::bigint << {_shift(name)})" for name in BITS)
    return f"CASE WHEN {_present(block)} THEN {packed} END AS {block}_claim"


def claimant(block: str) -> str:
    """The contact whose claim `w` is; `lowest_id` of `w` is the lowest of the cluster."""
    return f"w.lowest_id + {_LAST} - (w.{block}_claim & {_LAST})"


def rule(block: str) -> str:
    """The rule by which claim `w` won over the runner-up's claim `u`."""
    decided = " ".join(
        f"WHEN w.{block}_claim >> {_shift(name)} <> u.{block}_claim >> {_shift(name)} THEN '{name}'"
        for name in BITS
    )
    return (
        f"CASE WHEN w.{block}_claim IS NOT NULL THEN CASE WHEN u.{block}_claim IS NULL THEN 'only'"
        f" {decided} END END"
    )


def _shift(criterion: str) -> int:
    """How many bits stand behind a criterion's."""
    names = list(BITS)
    return sum(BITS[name] for name in names[names.index(criterion) + 1 :])


def opted_out() -> str:
    """Whether the extras of contact `c` ask not to be contacted; any word but a plain no counts."""
    said = ", ".join(f"c.extra ->> '{name}'" for name in _OPT_OUTS)
    no = ", ".join(f"'{word}'" for word in _NO)
    return f"coalesce(lower(trim(concat({said}))) NOT IN ({no}), FALSE)"
