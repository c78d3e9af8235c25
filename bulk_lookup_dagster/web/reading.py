"""Several small queries of a page in one exchange with the database.

Belongs here: that. Does not: the queries (each page's module).
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row


def read_together(conn: psycopg.Connection[Any], *queries: str) -> list[list[dict[str, Any]]]:
    """The rows of each query, which take no parameters; asked and answered in one round trip."""
    with conn.cursor(row_factory=dict_row) as cursor:
        cursor.execute(";".join(queries).encode())
        found = [cursor.fetchall()]
        while cursor.nextset():
            found.append(cursor.fetchall())
    return found
