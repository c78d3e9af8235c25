"""What happened to one claim in one exchange, and its one-line form.

The line is a row of PostgreSQL's text COPY. The same bytes go to the spool on receipt and to the
database when the group settles, so that what a crash leaves behind needs no translation.

Belongs here: the record, encoding and decoding. Does not: files (see `engine.spool`), SQL (see
`engine.settle`).
"""

from __future__ import annotations

import binascii
import hashlib
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

COLUMNS = (
    "claim_id bigint, attempt int, state text, outcome text, cost_micros bigint,"
    " error_class text, error_code text, retry_s float8, body bytea, body_hash bytea,"
    " keep_s float8, external_id text, poll_s float8, request_id uuid, endpoint text,"
    " try smallint, status smallint,"
    " sent_at float8, duration_ms int, response_bytes int, vendor_request_id text,"
    " provider text, run_id bigint"
)
_BODY = 8
_UNSAFE = re.compile(r"[^ -~]|\\")
_NULL = r"\N"


class ExchangeFacts(NamedTuple):
    """One HTTP exchange: who was asked, when (epoch seconds), how long, and what came back."""

    request_id: str
    provider: str
    run_id: int
    endpoint: str
    attempt: int
    sent_at: float
    duration_ms: int
    status: int | None = None
    response_bytes: int = 0
    vendor_request_id: str | None = None

    def columns(self) -> str:
        """The columns of the line that all claims of the exchange share."""
        return (
            f"{self.request_id}\t{clean(self.endpoint, 60)}\t{self.attempt}\t"
            f"{_NULL if self.status is None else self.status}\t{self.sent_at:.6f}\t"
            f"{self.duration_ms}\t{self.response_bytes}\t{clean(self.vendor_request_id, 100)}\t"
            f"{self.provider}\t{self.run_id}\n"
        )


@dataclass(frozen=True, slots=True)
class Settlement:
    """One claim's line, with its answer kept at hand for parsing."""

    claim_id: int
    line: bytes
    body: bytes | None = None


def clean(value: str | None, length: int) -> str:
    """A vendor's identifier as printable ASCII of bounded length, or NULL."""
    return _UNSAFE.sub("?", value)[:length] if value else _NULL


def pack(body: bytes) -> bytes:
    """Raw deflate with a small window: bodies are a few hundred bytes."""
    deflate = zlib.compressobj(1, zlib.DEFLATED, -12, 4)
    return deflate.compress(body) + deflate.flush()


def unpack(packed: bytes) -> bytes:
    """The JSON text of a stored body."""
    return zlib.decompress(packed, -15)


def answered(
    claim_id: int,
    attempt: int,
    outcome: str,
    cost_micros: int,
    body: bytes,
    keep_s: float | None,
    exchange: str,
) -> Settlement:
    """The line of an answer; `exchange` is `ExchangeFacts.columns()`."""
    kept = _NULL if keep_s is None else keep_s
    line = (
        f"{claim_id}\t{attempt}\tanswered\t{outcome}\t{cost_micros}\t\\N\t\\N\t\\N\t"
        f"\\\\x{binascii.hexlify(pack(body)).decode()}\t"
        f"\\\\x{hashlib.blake2b(body, digest_size=16).hexdigest()}\t{kept}\t\\N\t\\N\t{exchange}"
    )
    return Settlement(claim_id, line.encode(), body)


def unanswered(
    claim_id: int,
    attempt: int,
    state: str,
    cost_micros: int,
    error: tuple[str, str | None],
    retry_s: float | None,
    exchange: str,
) -> Settlement:
    """The line of a failure or unknown outcome; `error` is class and vendor code."""
    retry = _NULL if retry_s is None else f"{retry_s:.3f}"
    line = (
        f"{claim_id}\t{attempt}\t{state}\t\\N\t{cost_micros}\t{clean(error[0], 40)}\t"
        f"{clean(error[1], 60)}\t{retry}\t\\N\t\\N\t\\N\t\\N\t\\N\t{exchange}"
    )
    return Settlement(claim_id, line.encode())


def accepted(
    claim_id: int,
    attempt: int,
    external_id: str,
    poll_s: float,
    error: tuple[str, str | None] | None,
    exchange: str,
) -> Settlement:
    """The line of a question the vendor will answer later; `error` is why a poll said nothing."""
    why = f"{_NULL}\t{_NULL}" if error is None else f"{clean(error[0], 40)}\t{clean(error[1], 60)}"
    line = (
        f"{claim_id}\t{attempt}\taccepted\t\\N\t0\t{why}\t\\N\t\\N\t\\N\t\\N\t"
        f"{clean(external_id, 200)}\t{poll_s:.3f}\t{exchange}"
    )
    return Settlement(claim_id, line.encode())


UNSENT = "\\N\t" * 8 + "\\N\t\\N\n"


def decode(line: bytes) -> Settlement:
    """A settlement read back from a spool; raises `ValueError` where the line is damaged."""
    fields = line.split(b"\t")
    if len(fields) != COLUMNS.count(",") + 1:
        raise ValueError("a spool line has the wrong number of columns")
    packed = fields[_BODY]
    body = None if packed == rb"\N" else unpack(binascii.unhexlify(packed[3:]))
    return Settlement(int(fields[0]), line, body)


def distinct_claims(lines: Sequence[Settlement], size: int) -> Iterator[list[Settlement]]:
    """Groups of up to `size` lines in order, none with two lines of the same claim."""
    group: dict[int, Settlement] = {}
    for line in lines:
        if line.claim_id in group or len(group) == size:
            yield list(group.values())
            group = {}
        group[line.claim_id] = line
    if group:
        yield list(group.values())
