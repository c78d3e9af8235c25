"""What goes with a matching record, in sets, and what its going makes stale.

Belongs here: the trigger that stands in for a foreign key of `matching.keys` (ten rows a contact,
ADR 0007). Does not: every other reference, which is an ordinary foreign key in `tables`.

Records that shared a key with one that goes are compared again by the next run: a number that was
shared may be private now, and a cluster may have lost what held it together.
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
  DELETE FROM matching.keys k USING gone WHERE k.contact_id = gone.contact_id;
  DELETE FROM matching.stale s USING gone WHERE s.contact_id = gone.contact_id;
  RETURN NULL;
END $$;"""

_TRIGGER = """\
CREATE TRIGGER records_forget AFTER DELETE ON matching.records
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
  EXECUTE FUNCTION matching.forget_records();"""


def create_matching_triggers() -> list[str]:
    """The function and its trigger."""
    return [_FUNCTION, _TRIGGER]


def drop_matching_functions() -> list[str]:
    """What removes the function once its table is gone."""
    return ["DROP FUNCTION matching.forget_records();"]
