"""F20: scores stay within 0 and 100, whatever is known, and better evidence never lowers one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulk_lookup_dagster.core.quality import (
    FIELDS,
    WEIGHTS,
    Evidence,
    completeness,
    rate,
    score,
)

MAILBOXES = ("refuted", "none", "role", "given", "confirmed")
EVIDENCE = st.builds(
    Evidence,
    kind=st.sampled_from(sorted(FIELDS)),
    phone_confirmed=st.sampled_from([None, True, False]),
    mailbox=st.sampled_from(MAILBOXES),
    name_parts=st.integers(0, 2),
    has_company=st.booleans(),
    has_website=st.booleans(),
    has_address=st.booleans(),
    opted_out=st.booleans(),
    risk=st.sampled_from(["low", "medium", "high", "unknown"]),
    age_days=st.integers(-10, 100_000),
    compared=st.just(0),
    differing=st.just(0),
    filled=st.integers(0, 7),
).flatmap(
    lambda one: st.integers(0, 200).flatmap(
        lambda compared: st.integers(0, compared).map(
            lambda differing: replace(one, compared=compared, differing=differing)
        )
    )
)
STEPS = [
    ("phone_confirmed", (False, None, True)),
    ("mailbox", MAILBOXES),
    ("name_parts", (0, 1, 2)),
    ("has_company", (False, True)),
    ("has_website", (False, True)),
    ("has_address", (False, True)),
    ("opted_out", (True, False)),
    ("risk", ("high", "medium", "low")),
    ("age_days", (5_000, 700, 100, 0)),
]


@given(EVIDENCE)
def test_f20_scores_and_parts_are_bounded(evidence: Evidence) -> None:
    parts = rate(evidence)
    assert list(parts) == list(WEIGHTS)
    assert all(value is None or 0 <= value <= 100 for value in parts.values())
    assert 0 <= score(parts) <= 100
    assert 0 <= completeness(evidence.kind, min(evidence.filled, len(FIELDS[evidence.kind]))) <= 100


@pytest.mark.parametrize("field, worse_to_better", STEPS, ids=lambda value: str(value)[:20])
@given(evidence=EVIDENCE)
def test_f20_better_evidence_never_lowers_a_score(
    field: str, worse_to_better: tuple[object, ...], evidence: Evidence
) -> None:
    scores = [score(rate(replace(evidence, **{field: value}))) for value in worse_to_better]  # type: ignore[arg-type]  # one of its values
    assert scores == sorted(scores)


@given(EVIDENCE)
def test_f20_more_agreement_never_lowers_a_score(evidence: Evidence) -> None:
    if evidence.differing:
        better = replace(evidence, differing=evidence.differing - 1)
        assert score(rate(better)) >= score(rate(evidence))


def test_unknown_risk_is_not_low_risk() -> None:
    base = Evidence("person", True, "confirmed", 2, False, False, True, False, "low", 0, 0, 0, 8)
    assert score(rate(base)) == 100
    unknown = rate(replace(base, risk="unknown"))
    assert unknown["risk"] is None


def test_f20_completeness_counts_what_applies_only() -> None:
    assert completeness("person", len(FIELDS["person"])) == 100
    assert completeness("organisation", len(FIELDS["organisation"])) == 100
    assert "company" not in FIELDS["person"]
    assert completeness("person", 0) == 12


def test_the_weights_are_per_cent() -> None:
    assert sum(WEIGHTS.values()) == 100


def test_nothing_to_judge_is_nought() -> None:
    assert score({}) == 0
