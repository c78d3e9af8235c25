"""Survivorship as SQL: how contacts of one cluster are ranked, per block of fields.

Belongs here: what verified, valid, recent and complete mean for each block, and the rule a winner
won by. Does not: building the rows (`matching.golden`).

A contact's claim on a block is an array: verified, valid, source rank, recency, completeness,
minus its id. Arrays compare element by element, so the greatest array wins, and the first element
in which it differs from the runner-up's is the rule that decided. A contact with nothing in a
block has no claim on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

import psycopg

from bulk_lookup_dagster.storage.tables.golden import BLOCKS

CRITERIA = ("verified", "valid", "source_rank", "recency", "completeness", "lowest_id")
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
    "name": "r.last IS NOT NULL AND length(r.first) > 1",
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


def suited(conn: psycopg.Connection[Any], statements: Sequence[str], rows: int) -> Sequence[str]:
    """The statements as they are fastest for so many golden contacts, in this transaction.

    For few, the joins stand in the right order: to look for a better one took longer than to run.
    """
    if rows > FEW:
        return statements
    conn.execute("SET LOCAL join_collapse_limit = 1")
    return [by_index(one) for one in statements]


def _present(block: str) -> str:
    if block == "phone":
        return "TRUE"
    return "concat(" + ", ".join(f"c.{field}" for field in BLOCKS[block]) + ") <> ''"


def claim(block: str) -> str:
    """A contact's claim on a block: contact `c`, record `r`, answers `n` and `e`, source `s`."""
    verified = _VERIFIED.get(block, _ROW_VERIFIED)
    return (
        f"CASE WHEN {_present(block)} THEN ARRAY[{verified}, ({_VALID[block]})::int,"
        " coalesce(s.rank, 0), greatest(c.last_verified_on, c.created_on) - DATE '1970-01-01',"
        f" {_COMPLETE[block]}, -c.contact_id]::bigint[] END AS {block}_claim"
    )


def rule(block: str) -> str:
    """The rule by which claim `w` won over the runner-up's claim `u`."""
    decided = " ".join(
        f"WHEN w.{block}_claim[{place}] <> u.{block}_claim[{place}] THEN '{name}'"
        for place, name in enumerate(CRITERIA, 1)
    )
    return (
        f"CASE WHEN w.{block}_claim IS NOT NULL THEN CASE WHEN u.{block}_claim IS NULL THEN 'only'"
        f" {decided} END END"
    )


def opted_out() -> str:
    """Whether the extras of contact `c` ask not to be contacted; any word but a plain no counts."""
    said = ", ".join(f"c.extra ->> '{name}'" for name in _OPT_OUTS)
    no = ", ".join(f"'{word}'" for word in _NO)
    return f"coalesce(lower(trim(concat({said}))) NOT IN ({no}), FALSE)"
