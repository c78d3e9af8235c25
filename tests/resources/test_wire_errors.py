"""Statuses and Retry-After as errors of the tree, whatever a vendor sends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulk_lookup_dagster.core.errors import (
    AuthFailed,
    BadResponse,
    PermanentFailure,
    ProviderError,
    RateLimited,
    TransientFailure,
    UnknownOutcome,
)
from resources.wire_errors import MAX_RETRY_AFTER, retry_after, status_error

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "value, seconds",
    [
        ("0", 0),
        (" 7 ", 7),
        ("99999999", 86_400),
        ("Tue, 24 Nov 2026 04:00:30 GMT", 30),
        ("Tue, 24 Nov 2026 04:00:30 -0000", 30),
        ("Tue, 24 Nov 2026 03:59:00 GMT", 0),
        ("Sun, 24 Nov 2030 04:00:00 GMT", 86_400),
    ],
)
def test_f25_a_retry_after_is_read_in_seconds_or_as_a_date_and_capped(
    value: str, seconds: int
) -> None:
    assert retry_after(value, NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", [None, "", "soon", "-5", "1.5", "\u00b2", "Tue, 99 Nov 2026"])
def test_f25_a_retry_after_that_cannot_be_read_is_none(value: str | None) -> None:
    assert retry_after(value, NOW) is None


@pytest.mark.parametrize(
    "status, kind, unbilled",
    [
        (200, BadResponse, False),
        (307, BadResponse, False),
        (400, PermanentFailure, False),
        (401, AuthFailed, True),
        (403, AuthFailed, True),
        (404, PermanentFailure, False),
        (429, RateLimited, True),
        (500, UnknownOutcome, False),
        (503, UnknownOutcome, False),
    ],
)
def test_f24_a_status_has_one_class(status: int, kind: type[ProviderError], unbilled: bool) -> None:
    error = status_error("host.test", status)
    assert type(error) is kind
    assert (error.status, error.unbilled) == (status, unbilled)


def test_f24_a_server_error_the_vendor_does_not_bill_may_be_asked_again() -> None:
    error = status_error("host.test", 503, unbilled={503}, wait="3")
    assert type(error) is TransientFailure
    assert error.unbilled
    assert error.retry_after == timedelta(seconds=3)


@given(st.integers(), st.none() | st.text(), st.none() | st.text())
def test_f24_any_status_and_header_is_an_error_of_the_tree(
    status: int, wait: str | None, code: str | None
) -> None:
    error = status_error("host.test", status, wait=wait, vendor_code=code)
    assert isinstance(error, ProviderError)
    assert error.retry_after is None or timedelta(0) <= error.retry_after <= MAX_RETRY_AFTER


def _kind(status: int, free: bool) -> type[ProviderError]:
    """The table of the module's docstring, written down once more."""
    if status in (401, 403):
        return AuthFailed
    if status == 429:
        return RateLimited
    if status >= 500:
        return TransientFailure if free else UnknownOutcome
    return PermanentFailure if status >= 400 else BadResponse


_DATES = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
_WAITS = (
    st.none()
    | st.integers(-(10**30), 10**30).map(str)
    | st.floats().map(str)
    | _DATES.map(lambda at: format_datetime(at, usegmt=True))
    | st.text()
)


@settings(max_examples=30, deadline=None)  # 500 statuses each
@given(st.frozensets(st.integers(400, 599)), _WAITS, st.none() | st.text(max_size=20))
def test_f24_every_status_and_header_is_exactly_one_error(
    unbilled: frozenset[int], wait: str | None, code: str | None
) -> None:
    for status in range(100, 600):
        error = status_error("host.test", status, unbilled=unbilled, wait=wait, vendor_code=code)
        free = status in unbilled
        kind = _kind(status, free)
        assert type(error) is kind
        assert error.unbilled == (free or kind.unbilled)
        assert error.retryable == kind.retryable
        assert error.stops_provider == (kind is AuthFailed)
        assert (error.status, error.vendor_code) == (status, code)
        assert error.message.startswith("host.test ")
        assert not code or len(code) < 12 or code not in str(error), "it may be private"


@given(st.integers(0, 10**30), st.sampled_from(["{}", " {}", "{} ", "00{}"]))
def test_f25_seconds_of_any_size_are_read_and_capped(seconds: int, form: str) -> None:
    wanted = min(timedelta(seconds=min(seconds, 10**6)), MAX_RETRY_AFTER)
    assert retry_after(form.format(seconds), NOW) == wanted


@given(st.integers(1, 10**30))
def test_f25_a_negative_wait_is_none(seconds: int) -> None:
    assert retry_after(f"-{seconds}", NOW) is None


@given(_DATES)
def test_f25_a_date_of_any_time_is_a_wait_between_none_and_a_day(at: datetime) -> None:
    whole = at.replace(microsecond=0)
    wanted = max(timedelta(0), min(MAX_RETRY_AFTER, whole - NOW))
    assert retry_after(format_datetime(at, usegmt=True), NOW) == wanted


@given(st.text())
def test_f25_whatever_else_stands_there_is_a_wait_of_at_most_a_day_or_none(value: str) -> None:
    pause = retry_after(value, NOW)
    assert pause is None or timedelta(0) <= pause <= MAX_RETRY_AFTER
