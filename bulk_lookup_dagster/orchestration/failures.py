"""Our error tree as Dagster failures: what a person must fix is never retried.

Put here: the one translation. Do not put here: handling of single errors.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from bulk_lookup_dagster.core.errors import BulkLookupError


@contextmanager
def explained() -> Iterator[None]:
    """Turn an error of ours into a failure that says what happened and what to do."""
    try:
        yield
    except BulkLookupError as error:
        raise dg.Failure(
            description=str(error),
            metadata={"code": error.code, "what to do": error.fix or "see the description"},
            allow_retries=False,
        ) from error
