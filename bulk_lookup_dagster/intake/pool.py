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
from contextlib import ExitStack, contextmanager, suppress
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
        idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for worker in stack.enter_context(_started(job, workers)):
            idle.put(worker)
        # At most one chunk waits while every worker has one: memory does not grow with the file.
        room = threading.Semaphore(workers + 1)
        running: list[Future[Stored]] = []

        def store(payload: bytes) -> Stored:
            worker = idle.get()
            try:
                return worker.store(payload)
            finally:
                idle.put(worker)
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


@contextmanager
def _started(job: Job, count: int) -> Iterator[list[_Worker]]:
    """So many workers, of which the first starts the others; all end when this is left."""
    pipes = [(os.pipe(), os.pipe()) for _ in range(count)]
    theirs = [(requests[0], answers[1]) for requests, answers in pipes]
    process = subprocess.Popen(
        [sys.executable, "-m", "bulk_lookup_dagster.intake.worker"]
        + [f"{requests}:{answers}" for requests, answers in theirs],
        stdin=subprocess.DEVNULL,
        pass_fds=[end for pair in theirs for end in pair],
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )
    for end in (end for pair in theirs for end in pair):
        os.close(end)
    workers = [_Worker(requests[1], answers[0]) for requests, answers in pipes]
    try:
        for worker in workers:
            worker.begin(job)
        yield workers
    finally:
        for worker in workers:
            worker.end()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class _Worker:
    """The pipes to one worker."""

    def __init__(self, requests: int, answers: int) -> None:
        self._to, self._from = os.fdopen(requests, "wb"), os.fdopen(answers, "rb")

    def begin(self, job: Job) -> None:
        """Tell it what to work on."""
        with suppress(BrokenPipeError):  # the first chunk says so
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
        """Close the pipes, which ends the worker."""
        with suppress(BrokenPipeError):  # it is gone already
            self._to.close()
        self._from.close()


def _failed(what: str) -> StorageError:
    return StorageError(
        f"Loading the file stopped: {what}.",
        fix="Load the same file again: it continues where it stopped.",
        code="load_interrupted",
    )
