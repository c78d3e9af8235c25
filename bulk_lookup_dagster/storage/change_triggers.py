"""Triggers that note what the marts must look at again, so that no writer can forget it.

Belongs here: which writes concern which entity of `ops.mart_changes`. Does not: reading the notes
(`services.marts`, dbt's `int_changed_*` models).

One note per entity and statement, however many rows it touched. Writes that only matter once
their batch is published (loading a file) or that a noted claim comes with (a first answer) leave
none, because both are hot paths.
"""

from __future__ import annotations

from typing import NamedTuple

from bulk_lookup_dagster.storage.tables import enrichment

ENTITIES = ("contact", "subject", "batch", "upload", "run")


class Watch(NamedTuple):
    """After `operations` on `table`, the values of `column` are noted as `entity`."""

    table: str
    entity: str
    column: str
    operations: tuple[str, ...]


WATCHES = (
    Watch("intake.contacts", "contact", "contact_id", ("UPDATE", "DELETE")),
    # Who shares the number of a contact that goes has to be counted anew.
    Watch("intake.contacts", "subject", "phone_subject_id", ("UPDATE", "DELETE")),
    Watch("intake.repeated_rows", "contact", "contact_id", ("DELETE",)),
    Watch("intake.subjects", "subject", "subject_id", ("UPDATE",)),
    Watch("intake.batches", "batch", "batch_id", ("UPDATE", "DELETE")),
    Watch("intake.uploads", "upload", "upload_id", ("UPDATE", "DELETE")),
    *(
        Watch(f"enrichment.{step}", "subject", "subject_id", ("UPDATE", "DELETE"))
        for step in enrichment.TABLES
    ),
    Watch("ledger.claims", "run", "run_id", ("INSERT", "UPDATE")),
    Watch("ledger.requests", "run", "run_id", ("INSERT",)),
    Watch("ledger.plans", "upload", "upload_id", ("INSERT", "UPDATE")),
    Watch("ops.quarantine", "claim", "claim_id", ("INSERT", "UPDATE", "DELETE")),
    # What a published contact leads to anew may have been answered long ago, without a claim.
    Watch("intake.contact_subjects", "link", "contact_id", ("INSERT",)),
)

_FUNCTION = """\
CREATE FUNCTION ops.note_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  source TEXT := CASE TG_OP
    WHEN 'INSERT' THEN format('SELECT %1$I AS id FROM new_rows', TG_ARGV[1])
    WHEN 'DELETE' THEN format('SELECT %1$I AS id FROM old_rows', TG_ARGV[1])
    ELSE format('SELECT %1$I AS id FROM old_rows UNION SELECT %1$I FROM new_rows', TG_ARGV[1])
  END;
  entity TEXT := TG_ARGV[0];
BEGIN
  IF entity = 'claim' THEN
    source := format('SELECT c.subject_id AS id FROM (%s) x'
                     ' JOIN ledger.claims c ON c.claim_id = x.id', source);
    entity := 'subject';
  ELSIF entity = 'link' THEN
    source := format('SELECT c.contact_id AS id FROM (%s) x'
                     ' JOIN intake.contacts c ON c.contact_id = x.id'
                     ' JOIN intake.batches b ON b.batch_id = c.first_batch_id'
                     ' WHERE b.published_at IS NOT NULL', source);
    entity := 'contact';
  END IF;
  EXECUTE format('INSERT INTO ops.mart_changes (entity, entity_id, cause)'
                 ' SELECT DISTINCT %L, id, %L FROM (%s) ids WHERE id IS NOT NULL',
                 entity, TG_TABLE_NAME, source);
  RETURN NULL;
END $$;"""


def create_change_triggers() -> list[str]:
    """The function, and a trigger per watch and operation."""
    return [_FUNCTION, *(_trigger(watch, name) for watch in WATCHES for name in watch.operations)]


def drop_change_function() -> str:
    """What removes the function once its tables are gone."""
    return "DROP FUNCTION ops.note_change();"


def _trigger(watch: Watch, operation: str) -> str:
    tables = {
        "INSERT": "NEW TABLE AS new_rows",
        "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
        "DELETE": "OLD TABLE AS old_rows",
    }[operation]
    name = f"{watch.table.split('.')[1]}_note_{watch.entity}_{operation.lower()}"
    return (
        f"CREATE TRIGGER {name} AFTER {operation} ON {watch.table}\n"
        f"  REFERENCING {tables} FOR EACH STATEMENT\n"
        f"  EXECUTE FUNCTION ops.note_change('{watch.entity}', '{watch.column}');"
    )
