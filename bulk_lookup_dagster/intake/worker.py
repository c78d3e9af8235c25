"""Processes that read and store chunks for another one: `python -m …intake.worker 5:6 7:8`.

Belongs here: the worker's loop and what is said over its pipes. Does not: who starts it
(`intake.pool`), the work itself (`intake.rows`, `intake.loader`).

Each argument is a worker's pipes, to read requests from and to answer to. The first worker forks
the others once everything is imported, which takes as long as storing 10,000 rows.
Frames are eight bytes of length and their content. The first is the job as JSON, secrets included,
so that none of it shows in a process list; then each chunk is answered by a frame of JSON. End of
input ends the worker: it cannot outlive its parent.
"""

from __future__ import annotations

import gc
import os
import struct
import sys
from dataclasses import asdict, dataclass
from typing import IO, Any

import orjson
import psycopg

from bulk_lookup_dagster.intake.chunks import unpack
from bulk_lookup_dagster.intake.columns import ColumnMap
from bulk_lookup_dagster.intake.loader import BatchPlace, Stored, store_chunk
from bulk_lookup_dagster.intake.rows import RowReader, RowRules
from bulk_lookup_dagster.storage.database import connect

_LENGTH = struct.Struct(">Q")


@dataclass(frozen=True)
class Job:
    """Everything a worker must know about its upload."""

    dsn: str
    secret_key: str
    upload_id: int
    source_id: int
    region: str
    delimiter: str
    key_prefix: str
    headers: tuple[str, ...] | None
    phone: int
    fields: dict[str, int]
    width: int

    def reader(self) -> RowReader:
        """What reads this upload's rows."""
        mapping = ColumnMap(
            tuple(self.headers) if self.headers else None, self.phone, self.fields, self.width
        )
        key = bytes.fromhex(self.secret_key)
        return RowReader(RowRules(mapping, self.region, self.source_id, key))

    def place(self, batch_number: int) -> BatchPlace:
        """Where a chunk of this upload goes."""
        key = f"{self.key_prefix}-{batch_number:03d}"
        return BatchPlace(self.upload_id, self.source_id, batch_number, key)


class ChunkWorker:
    """Reads and stores chunks of one upload over one connection."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._reader = job.reader()
        self._conn = connect(job.dsn, autocommit=True, name="bulk-lookup intake")
        # Every statement here finds rows by key, in tables whose statistics are often behind.
        self._conn.execute("SET enable_seqscan = off")

    def store(self, payload: bytes) -> Stored:
        """Store one chunk, given as `TextChunk.pack` writes it."""
        found = unpack(payload, self._job.delimiter)
        chunk = self._reader.read(found.first_row, found.records, clean=found.clean)
        return store_chunk(self._conn, self._job.place(found.number), chunk)

    def close(self) -> None:
        """Give the connection back."""
        self._conn.close()


def send(stream: IO[bytes], payload: bytes) -> None:
    """Write one frame."""
    stream.write(_LENGTH.pack(len(payload)))
    stream.write(payload)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """Read one frame; None at the end, whether the other side closed or died."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    size = _LENGTH.unpack(head)[0]
    payload = stream.read(size)
    return payload if len(payload) == size else None


def main() -> None:
    """Become as many workers as there are arguments, and wait until all have ended."""
    pipes = [_pair(argument) for argument in sys.argv[1:]]
    mine = pipes[0]
    forked: list[int] = []
    for pair in pipes[1:]:
        pid = os.fork()
        if pid == 0:
            mine, forked = pair, []
            break
        forked.append(pid)
    for pair in pipes:
        if pair != mine:
            # Whoever holds an end as well keeps the other side from hearing that it closed.
            os.close(pair[0])
            os.close(pair[1])
    with os.fdopen(mine[0], "rb") as requests, os.fdopen(mine[1], "wb") as answers:
        _serve(requests, answers)
    for pid in forked:
        os.waitpid(pid, 0)


def _pair(argument: str) -> tuple[int, int]:
    requests, answers = argument.split(":")
    return int(requests), int(answers)


def _serve(frames: IO[bytes], answers: IO[bytes]) -> None:
    """Answer chunks until the input ends."""
    first = receive(frames)
    if first is None:
        return
    worker = ChunkWorker(Job(**orjson.loads(first)))
    # Rows hold no cycles, and looking for some costs a fifth of the load; cursors hold a few.
    gc.disable()
    gc.freeze()
    while (payload := receive(frames)) is not None:
        send(answers, orjson.dumps(_answer(worker, payload)))
        del payload
        gc.collect()
        # What is left are caches, which stay.
        gc.freeze()
    worker.close()


def _answer(worker: ChunkWorker, payload: bytes) -> dict[str, Any]:
    try:
        return asdict(worker.store(payload))
    except psycopg.Error as error:
        return {"error": describe(error)}


def describe(error: psycopg.Error) -> str:
    """What the database refused, without the row's values."""
    rule = error.diag.constraint_name or error.diag.table_name or ""
    return f"{type(error).__name__} {error.sqlstate or ''} {rule}".strip()


if __name__ == "__main__":
    main()
