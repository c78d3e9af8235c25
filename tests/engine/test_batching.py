"""How many requests a vendor with a batch endpoint gets: full ones, and at most one that is not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.vendor_settings import ZerobounceSettings
from bulk_lookup_dagster.engine.claims import Claimed, together
from bulk_lookup_dagster.engine.provider import Question
from resources.zerobounce_client import VENDOR


def claims(subjects: int, operations: int = 1) -> list[Claimed]:
    made = []
    for subject in range(subjects):
        questions = tuple(
            Question(subject * operations + n, subject, f"s{subject}", f"o{n}", {}, 1)
            for n in range(operations)
        )
        made.append(Claimed(questions, (1,) * operations))
    return made


@given(st.integers(0, 700), st.integers(1, 120), st.integers(1, 3))
def test_every_request_but_the_last_is_full_and_nothing_is_lost(
    subjects: int, size: int, operations: int
) -> None:
    requests = list(together(claims(subjects, operations), size))
    filled = [len({one.subject_id for one in request.questions}) for request in requests]
    assert all(count == size for count in filled[:-1])
    assert len(requests) == -(-subjects // size)
    asked = [one.claim_id for request in requests for one in request.questions]
    assert asked == list(range(subjects * operations))
    assert all(len(one.questions) == len(one.attempts) for one in requests)


def test_10000_addresses_are_at_most_100_requests_by_the_defaults() -> None:
    client = VENDOR.make({"api_key": "fake"}, "", ZerobounceSettings())
    size = client.subjects_per_request  # type: ignore[union-attr]
    assert len(list(together(claims(10_000), size))) <= 100
