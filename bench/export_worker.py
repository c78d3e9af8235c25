"""The measured process of `bench.export`: one export, as the command line makes it.

`python -m bench.export_worker` reads its options as one JSON line. Belongs here: what is timed.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from bench.memory import Memory


def main() -> None:
    """Export once and print seconds, rows and the greatest memory."""
    from bulk_lookup_dagster.services.exports import Wish, export_contacts
    from bulk_lookup_dagster.services.files import Folder
    from bulk_lookup_dagster.storage.database import connect

    options = json.loads(sys.stdin.readline())
    memory = Memory()
    memory.start()
    start = time.perf_counter()
    with connect(options["dsn"], autocommit=True) as conn:
        wish = Wish(options["kind"], options["upload_id"])
        path = Path(options["path"])
        done = export_contacts(conn, wish, Folder(path.parent), path.name, actor="bench")
    seconds = time.perf_counter() - start
    memory.stop()
    print(json.dumps({"seconds": seconds, "rows": done.row_count, "peak_mb": memory.peak_mb}))


if __name__ == "__main__":
    main()
