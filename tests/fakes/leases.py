"""What is written down of every slot that is leased, to count them afterwards.

Belongs here: the trigger. Does not: how many there must be (the tests).
"""

from __future__ import annotations

from datetime import datetime

from bulk_lookup_dagster.storage.database import connect

_NOTED = """
    CREATE TABLE ops.leases (key text, session text, until timestamptz);
    CREATE FUNCTION ops.note_lease() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            INSERT INTO ops.leases
            VALUES (NEW.key, current_setting('application_name'), NEW.next_slot_at);
            RETURN NEW;
        END $$;
    CREATE TRIGGER note_lease AFTER INSERT OR UPDATE ON ops.limiters
        FOR EACH ROW EXECUTE FUNCTION ops.note_lease()
"""
_READ = "SELECT until FROM ops.leases WHERE key = %s AND session = %s ORDER BY until"


class Leases:
    """Every lease in a database from here on; `owner_dsn` is its tables' owner's."""

    def __init__(self, owner_dsn: str) -> None:
        self._dsn = owner_dsn
        with connect(owner_dsn, autocommit=True) as conn:
            conn.execute(_NOTED)

    def ends(self, key: str, session: str) -> list[datetime]:
        """When each slot of a key ends that sessions of this name leased, in their order."""
        with connect(self._dsn, autocommit=True) as conn:
            return [row[0] for row in conn.execute(_READ, (key, session)).fetchall()]
