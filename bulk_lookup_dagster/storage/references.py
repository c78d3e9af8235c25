"""References checked once per statement instead of once per row.

Belongs here: the triggers that stand in for a foreign key on hot paths (intake's contacts, golden
contacts), where checking row by row took 60 % of what PostgreSQL spent on a contact (ADR 0006).
Does not: every other reference, which is an ordinary foreign key in `tables`.

A statement trigger sees only its own snapshot, so it cannot notice a parent that goes away at the
same moment. Hence the two rules for parents: their rows are never deleted (they stand in
`triggers.PROTECTED`) and their keys never change.
"""

from __future__ import annotations

from typing import NamedTuple


class Reference(NamedTuple):
    """`columns` of `table`, never null, name a row of `parent` by `key`."""

    table: str
    columns: tuple[str, ...]
    parent: str
    key: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the triggers, and the rule in an error, are called."""
        return f"{self.table.split('.')[1]}_{self.columns[0]}_exists"


REFERENCES = (
    Reference(
        "intake.contacts",
        ("first_batch_id", "source_id"),
        "intake.batches",
        ("batch_id", "source_id"),
    ),
    Reference("intake.contacts", ("phone_subject_id",), "intake.subjects", ("subject_id",)),
    # Two checks a row were half of what a golden contact costs.
    Reference("matching.golden_contacts", ("golden_id",), "matching.golden_ids", ("golden_id",)),
    Reference(
        "matching.golden_contacts", ("phone_subject_id",), "intake.subjects", ("subject_id",)
    ),
)

_REFUSE_KEY = """\
CREATE FUNCTION ops.refuse_key_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%.%: a key never changes', TG_TABLE_SCHEMA, TG_TABLE_NAME
    USING ERRCODE = 'foreign_key_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
          CONSTRAINT = TG_NAME;
END $$;"""


def create_references() -> list[str]:
    """The functions, the checks of the children and the guards of the parents."""
    statements = [_REFUSE_KEY]
    for reference in REFERENCES:
        statements += [_function(reference), *_checks(reference)]
    return [*statements, *dict.fromkeys(map(_key_guard, REFERENCES))]


def drop_reference_functions() -> list[str]:
    """What removes the functions once their tables are gone."""
    names = [*(reference.name for reference in REFERENCES), "refuse_key_change"]
    return [f"DROP FUNCTION ops.{name}();" for name in names]


def _function(reference: Reference) -> str:
    columns = ", ".join(reference.columns)
    proven = ""
    if len(reference.columns) == 1:
        proven = f"  IF {_all_there(reference)} THEN\n    RETURN NULL;\n  END IF;\n"
    return (
        f"CREATE FUNCTION ops.{reference.name}() RETURNS trigger LANGUAGE plpgsql AS $$\n"
        "BEGIN\n"
        f"{proven}"
        f"  IF {_orphans(reference)} THEN\n"
        f"    RAISE EXCEPTION '{reference.table}: ({columns}) must name a row of"
        f" {reference.parent}'\n"
        "      USING ERRCODE = 'foreign_key_violation', SCHEMA = TG_TABLE_SCHEMA,\n"
        f"            TABLE = TG_TABLE_NAME, CONSTRAINT = '{reference.name}';\n"
        "  END IF;\n"
        "  RETURN NULL;\n"
        "END $$;"
    )


def _all_there(reference: Reference) -> str:
    """Whether a cheap count already proves that every parent exists.

    Most rows name parents that were made just before, whose keys have no gaps: as many parents
    between the least and the greatest as there are numbers. The others are looked for as an
    array, in one pass over the parent's index. Twice as fast as `_orphans`, which decides where
    this proves nothing.
    """
    (column,), (key,) = reference.columns, reference.key
    return (
        f"(WITH recent AS (SELECT max({column}) - count(*) AS after FROM added),\n"
        f"      block AS (SELECT min({column}) AS low, max({column}) AS high FROM added, recent\n"
        f"                 WHERE {column} > after)\n"
        f"      SELECT (SELECT count(*) FROM {reference.parent} WHERE {key} BETWEEN low AND high)\n"
        "               = high - low + 1\n"
        f"         AND (SELECT count(*) FROM {reference.parent}\n"
        f"               WHERE {key} = ANY (ARRAY(SELECT {column} FROM added\n"
        f"                                         WHERE {column} <= after)))\n"
        f"               = (SELECT count(DISTINCT {column}) FROM added WHERE {column} <= after)\n"
        "        FROM recent, block)"
    )


def _orphans(reference: Reference) -> str:
    """Whether a row of `added` has no parent."""
    columns = ", ".join(reference.columns)
    same = " AND ".join(
        f"p.{key} = a.{column}"
        for key, column in zip(reference.key, reference.columns, strict=True)
    )
    return (
        f"EXISTS (SELECT FROM (SELECT DISTINCT {columns} FROM added) a\n"
        f"              WHERE NOT EXISTS (SELECT FROM {reference.parent} p WHERE {same}))"
    )


def _checks(reference: Reference) -> list[str]:
    return [
        f"CREATE TRIGGER {reference.name}_{operation.lower()} AFTER {operation}"
        f" ON {reference.table}\n"
        "  REFERENCING NEW TABLE AS added FOR EACH STATEMENT\n"
        f"  EXECUTE FUNCTION ops.{reference.name}();"
        for operation in ("INSERT", "UPDATE")
    ]


def _key_guard(reference: Reference) -> str:
    changed = " OR ".join(f"OLD.{column} <> NEW.{column}" for column in reference.key)
    name = reference.parent.split(".")[1]
    return (
        f"CREATE TRIGGER {name}_key_stays BEFORE UPDATE OF {', '.join(reference.key)}"
        f" ON {reference.parent}\n"
        f"  FOR EACH ROW WHEN ({changed})\n"
        "  EXECUTE FUNCTION ops.refuse_key_change();"
    )
