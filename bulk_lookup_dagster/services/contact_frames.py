"""The contacts of a batch as a frame, for checks.

Belongs here: reading what a schema of `schemas` describes. Does not: rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    import pandas as pd

_QUERY = """
SELECT u.contact_id, u.row_number, c.phone_subject_id, s.value AS phone, s.region, s.number_type,
       c.raw_phone, c.name, c.first_name, c.last_name, c.company, c.email, c.website, c.street,
       c.city, c.state_region, c.postal_code, c.country, c.last_verified_on
  FROM intake.upload_contacts u
  JOIN intake.contacts c ON c.contact_id = u.contact_id
  JOIN intake.subjects s ON s.subject_id = c.phone_subject_id
 WHERE u.batch_id = %s
 ORDER BY u.row_number
"""


def contacts_frame(conn: psycopg.Connection[Any], batch_id: int) -> pd.DataFrame:
    """Every accepted row of a batch (at most 25,000), as `schemas.contacts` describes it."""
    import pandas as pd

    cursor = conn.execute(_QUERY, [batch_id])
    names = [column.name for column in cursor.description or ()]
    frame = pd.DataFrame(cursor.fetchall(), columns=names, dtype="object")
    numbers = ["contact_id", "row_number", "phone_subject_id"]
    return frame.astype(dict.fromkeys(numbers, "int64"))
