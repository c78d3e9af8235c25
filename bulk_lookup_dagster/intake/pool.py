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
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import orjson
import psycopg

from bulk_lookup_dagster.core.errors import StorageError
from bulk_lookup_dagster.intake.loader import Stored
from bulk_lookup_dagster.intake.worker import ChunkWorker, Job, describe, receive, send

_ROOT = Path(__file__).resolve().parents[2]
_END_SECONDS = 30


class Pool:
    """Workers that wait for an upload: none where the caller's own process does the work."""

    def __init__(self, workers: Sequence[_Worker]) -> None:
        self._workers = workers

    def store_all(self, job: Job, chunks: Iterable[bytes]) -> Iterator[Stored]:
        """Store every chunk; yields one result per chunk, in any order."""
        if not self._workers:
            yield from _store_here(job, chunks)
            return
        idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for worker in self._workers:
            worker.begin(job)
            idle.put(worker)
        # At most one chunk waits while every worker has one: memory does not grow with the file.
        room = threading.Semaphore(len(self._workers) + 1)
        running: list[Future[Stored]] = []

        def store(payload: bytes) -> Stored:
            worker = idle.get()
            try:
                return worker.store(payload)
            finally:
                idle.put(worker)
                room.release()

        with ThreadPoolExecutor(len(self._workers)) as executor:
            for payload in chunks:
                room.acquire()
                running.append(executor.submit(store, payload))
                done = [future for future in running if future.done()]
                running = [future for future in running if future not in done]
                yield from (future.result() for future in done)
            yield from (future.result() for future in running)


@contextmanager
def open_pool(count: int) -> Iterator[Pool]:
    """A pool of `count` workers, which start while the caller goes on; all end when it is left."""
    if count <= 1:
        yield Pool(())
        return
    with _started(count) as workers:
        yield Pool(workers)


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
def _started(count: int) -> Iterator[list[_Worker]]:
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
