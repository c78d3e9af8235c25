"""Triggers generated from `core.state_machines`: the database refuses what the code refuses.

Belongs here: the SQL of state and delete triggers. Does not: the arrows themselves, notes for the
marts (`change_triggers`).
The whole rule stands in each trigger's WHEN clause, so that a legal write costs no function call.
"""

from __future__ import annotations

from bulk_lookup_dagster.core.state_machines import MACHINES, StateMachine
from bulk_lookup_dagster.storage.change_triggers import (
    create_change_triggers,
    drop_change_function,
)
from bulk_lookup_dagster.storage.matching_triggers import (
    create_matching_triggers,
    drop_matching_functions,
)
from bulk_lookup_dagster.storage.references import create_references, drop_reference_functions

_LEDGER = "price_lists prices plans runs budgets claims requests request_claims".split()
PROTECTED = tuple(
    dict.fromkeys(
        [machine.table for machine in MACHINES]
        + [f"ledger.{name}" for name in _LEDGER]
        + ["matching.golden_ids", "matching.events"]
        + ["intake.subjects", "ops.audit", "ops.settings", "ops.instance"]
    )
)
"""Tables whose rows nobody deletes. `ledger.bodies` is not one: retention empties it."""

_FUNCTIONS = """\
CREATE FUNCTION ops.refuse_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    RAISE EXCEPTION '%.%: a row cannot start as %', TG_TABLE_SCHEMA, TG_TABLE_NAME, NEW.state
      USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
            CONSTRAINT = TG_NAME;
  END IF;
  RAISE EXCEPTION '%.%: state cannot go from % to %',
      TG_TABLE_SCHEMA, TG_TABLE_NAME, OLD.state, NEW.state
    USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
          CONSTRAINT = TG_NAME;
END $$;

CREATE FUNCTION ops.refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%.%: rows are never deleted', TG_TABLE_SCHEMA, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
END $$;
"""


def create_triggers() -> list[str]:
    """Statements that create every function and trigger."""
    statements = [part.strip() for part in _FUNCTIONS.split("\n\n")]
    for machine in MACHINES:
        statements += state_triggers(machine)
    statements += [_delete_trigger(table) for table in PROTECTED]
    return [
        *statements,
        *create_references(),
        *create_matching_triggers(),
        *create_change_triggers(),
    ]


def drop_functions() -> list[str]:
    """Statements that remove the functions once their tables are gone."""
    return [
        drop_change_function(),
        *drop_matching_functions(),
        *drop_reference_functions(),
        "DROP FUNCTION ops.refuse_delete();",
        "DROP FUNCTION ops.refuse_state();",
    ]


def state_triggers(machine: StateMachine) -> list[str]:
    """Two triggers: born only in an initial state, moved only along an arrow."""
    name = machine.table.split(".")[1]
    allowed = "\n    OR ".join(
        f"(OLD.state = '{old}' AND NEW.state IN ({_quoted(after)}))"
        for old, after in machine.arrows.items()
        if after
    )
    return [
        f"CREATE TRIGGER {name}_initial_state BEFORE INSERT ON {machine.table} FOR EACH ROW\n"
        f"  WHEN (NEW.state NOT IN ({_quoted(machine.initial)}))\n"
        "  EXECUTE FUNCTION ops.refuse_state();",
        f"CREATE TRIGGER {name}_next_state BEFORE UPDATE ON {machine.table} FOR EACH ROW\n"
        f"  WHEN (OLD.state <> NEW.state AND NOT (\n       {allowed}))\n"
        "  EXECUTE FUNCTION ops.refuse_state();",
    ]


def _delete_trigger(table: str) -> str:
    name = table.split(".")[1]
    return (
        f"CREATE TRIGGER {name}_no_delete BEFORE DELETE OR TRUNCATE ON {table}\n"
        "  FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_delete();"
    )


def _quoted(states: frozenset[str]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(states))
