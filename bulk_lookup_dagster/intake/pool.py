"""Chunks spread over worker processes, or done here when the file is small.

Belongs here: starting, feeding and ending workers. Does not: what a worker does
(`intake.worker`).
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path

import orjson
import psycopg

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.intake.loader import Stored
from bulk_lookup_dagster.intake.worker import ChunkWorker, Job, describe, receive, send

_ROOT = Path(__file__).resolve().parents[2]
_END_SECONDS = 30


def store_all(job: Job, chunks: Iterable[bytes], *, workers: int) -> Iterator[Stored]:
    """Store every chunk; yields one result per chunk, in any order."""
    if workers <= 1:
        yield from _store_here(job, chunks)
        return
    with ExitStack() as stack:
        executor = stack.enter_context(ThreadPoolExecutor(workers))
        idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        for _ in range(workers):
            process = _Process(job)
            stack.callback(process.end)
            idle.put(process)
        # At most one chunk waits while every worker has one: memory does not grow with the file.
        room = threading.Semaphore(workers + 1)
        running: list[Future[Stored]] = []

        def store(payload: bytes) -> Stored:
            process = idle.get()
            try:
                return process.store(payload)
            finally:
                idle.put(process)
                room.release()

        for payload in chunks:
            room.acquire()
            running.append(executor.submit(store, payload))
            done = [future for future in running if future.done()]
            running = [future for future in running if future not in done]
            yield from (future.result() for future in done)
        yield from (future.result() for future in running)


def _store_here(job: Job, chunks: Iterable[bytes]) -> Iterator[Stored]:
    worker = ChunkWorker(job)
    try:
        for payload in chunks:
            yield worker.store(payload)
    except psycopg.Error as error:
        raise _failed(describe(error)) from error
    finally:
        worker.close()


class _Process:
    """One worker process and the pipes to it."""

    def __init__(self, job: Job) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bulk_lookup_dagster.intake.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        send(self._to, orjson.dumps(asdict(job)))

    def store(self, payload: bytes) -> Stored:
        """Have one chunk stored."""
        try:
            send(self._to, payload)
            answer = receive(self._from)
        except BrokenPipeError:
            answer = None
        if answer is None:
            raise _failed("a worker process ended")
        result = orjson.loads(answer)
        if "error" in result:
            raise _failed(result["error"])
        return Stored(**result)

    def end(self) -> None:
        """Close the pipes, which ends the worker, and wait for it."""
        with suppress(BrokenPipeError):  # it is gone already
            self._to.close()
        self._from.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _failed(what: str) -> StorageError:
    return StorageError(
        f"Loading the file stopped: {what}.",
        fix="Load the same file again: it continues where it stopped.",
        code="load_interrupted",
    )
