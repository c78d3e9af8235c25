"""A matching run that tells when it is about to write the log, and then waits to be killed."""

from __future__ import annotations

import sys
import time
from typing import Any
from unittest import mock

from bulk_lookup_dagster.matching import full
from bulk_lookup_dagster.storage.database import connect


def _stop(*_: Any, **__: Any) -> dict[str, int]:
    print("written", flush=True)  # noqa: T201
    time.sleep(600)
    return {}


if __name__ == "__main__":
    # Records, keys, statistics and pairs are in the database by then, memberships are not.
    waiting = mock.patch.object(full, "record_clusters", _stop)
    with waiting, connect(sys.argv[1], autocommit=True) as connection:
        full.run_full(connection)
