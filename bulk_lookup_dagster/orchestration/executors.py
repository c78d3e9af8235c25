"""How a batch's steps are spread: small batches in one process, big ones side by side.

Steps of a big batch that do not depend on each other overlap, each in a process forked from one
that has imported everything; a small batch is done before such processes would be.
https://docs.dagster.io/guides/operate/run-executors
"""

from typing import Any

IN_PROCESS_ROWS = 5_000
_AT_ONCE = 4
_PRELOADED = ["bulk_lookup_dagster.definitions"]


def batch_execution(rows: int) -> dict[str, Any]:
    """The run configuration of a batch with so many rows."""
    if rows < IN_PROCESS_ROWS:
        return {"execution": {"config": {"in_process": {}}}}
    start = {"forkserver": {"preload_modules": _PRELOADED}}
    config = {"multiprocess": {"max_concurrent": _AT_ONCE, "start_method": start}}
    return {"execution": {"config": config}}
