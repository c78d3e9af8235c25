"""What goes with a matching record, in sets, and what makes a golden contact stale.

Belongs here: the trigger that stands in for a foreign key of `matching.keys` (ten rows a contact,
ADR 0007); the triggers that note golden ids to build anew. Does not: every other reference, which
is an ordinary foreign key in `tables`.

Records that shared a key with one that goes are compared again by the next run: a number that was
shared may be private now, and a cluster may have lost what held it together. Blocks too large to
compare are only counted again: they may have become small enough.
"""

from __future__ import annotations

_FUNCTION = """\
CREATE FUNCTION matching.forget_records() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO matching.stale (contact_id)
  SELECT DISTINCT other.contact_id
    FROM gone
    JOIN matching.keys k ON k.contact_id = gone.contact_id
    JOIN matching.key_stats s ON s.key = k.key AND NOT s.is_generic
    JOIN matching.keys other ON other.key = k.key
   WHERE other.contact_id NOT IN (SELECT contact_id FROM gone)
      ON CONFLICT DO NOTHING;
  INSERT INTO matching.stale_keys (key)
  SELECT DISTINCT s.key
    FROM gone
    JOIN matching.keys k ON k.contact_id = gone.contact_id
    JOIN matching.key_stats s ON s.key = k.key
   WHERE s.is_generic
      OR NOT EXISTS (SELECT FROM matching.keys other WHERE other.key = s.key
                        AND other.contact_id NOT IN (SELECT contact_id FROM gone))
      ON CONFLICT DO NOTHING;
  DELETE FROM matching.keys k USING gone WHERE k.contact_id = gone.contact_id;
  DELETE FROM matching.stale s USING gone WHERE s.contact_id = gone.contact_id;
  RETURN NULL;
END $$;"""

_TRIGGER = """\
CREATE TRIGGER records_forget AFTER DELETE ON matching.records
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
  EXECUTE FUNCTION matching.forget_records();"""

# A golden contact holds values of its contacts: with one that is deleted they go at once. Noting
# locks the note, so that a build under way takes either all of a change or none of it.
_STALE = """\
CREATE FUNCTION matching.note_stale_golden_ids() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    DELETE FROM matching.golden_contacts g USING members m WHERE g.golden_id = m.golden_id;
  END IF;
  INSERT INTO matching.stale_golden_ids (golden_id)
  SELECT DISTINCT golden_id FROM members ORDER BY golden_id
      ON CONFLICT (golden_id) DO UPDATE SET golden_id = EXCLUDED.golden_id;
  RETURN NULL;
END $$;"""
_PINNED = """\
CREATE FUNCTION matching.note_pinned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO matching.stale_golden_ids (golden_id)
  SELECT DISTINCT m.golden_id FROM pinned p
    JOIN matching.memberships m ON m.contact_id = p.contact_id AND m.ended_at IS NULL
   ORDER BY m.golden_id
      ON CONFLICT (golden_id) DO UPDATE SET golden_id = EXCLUDED.golden_id;
  RETURN NULL;
END $$;"""


def _watch(table: str, operation: str, rows: str, function: str) -> str:
    side = "OLD" if operation == "DELETE" else "NEW"
    name = f"{table.split('.')[1]}_stale_{operation.lower()}"
    return (
        f"CREATE TRIGGER {name} AFTER {operation} ON {table}\n"
        f"  REFERENCING {side} TABLE AS {rows} FOR EACH STATEMENT\n"
        f"  EXECUTE FUNCTION matching.{function}();"
    )


def create_matching_triggers() -> list[str]:
    """The functions and their triggers."""
    return [
        *(_FUNCTION, _TRIGGER, _STALE, _PINNED),
        *(
            _watch(table, operation, rows, function)
            for table, rows, function in (
                ("matching.memberships", "members", "note_stale_golden_ids"),
                ("enrichment.pins", "pinned", "note_pinned"),
            )
            for operation in ("INSERT", "UPDATE", "DELETE")
        ),
    ]


def drop_matching_functions() -> list[str]:
    """What removes the functions once their tables are gone."""
    names = ("forget_records", "note_stale_golden_ids", "note_pinned")
    return [f"DROP FUNCTION matching.{name}();" for name in names]
