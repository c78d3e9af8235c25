"""The accepted contacts of a batch: what intake promises to every later stage.

Belongs here: the rules of `intake.contacts` and `intake.subjects` in words (a test compares them
with the tables, F14). Does not: why a row was refused (`intake.rows`), reading the frame
(`services.contact_frames`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandera.pandas as pa

TEXTS = {
    "raw_phone": 200,
    "name": 300,
    "first_name": 150,
    "last_name": 150,
    "company": 300,
    "email": 320,
    "website": 500,
    "street": 300,
    "city": 150,
    "state_region": 100,
    "postal_code": 20,
    "country": 60,
}
"""Optional text columns and their greatest length."""
REQUIRED = ("contact_id", "row_number", "phone_subject_id", "region", "number_type")
NUMBER_TYPES = (
    "fixed_line",
    "mobile",
    "fixed_line_or_mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)


@cache
def contacts_schema() -> pa.DataFrameSchema:
    """The schema; validate with `lazy=True` to hear of every broken rule at once."""
    import pandera.pandas as pa

    columns = {
        "contact_id": pa.Column("int64", unique=False, checks=_positive(pa, "contact_id")),
        "row_number": pa.Column("int64", unique=True, checks=_positive(pa, "row_number")),
        "phone_subject_id": pa.Column("int64", checks=_positive(pa, "phone_subject_id")),
        "phone": pa.Column(
            "object",
            nullable=True,  # an erased person has no number any more
            checks=_rule(pa, r"\+[1-9][0-9]{3,16}", "phone is not written as E.164"),
        ),
        "region": pa.Column(
            "object", checks=_rule(pa, r"[A-Z]{2}|001", "region is not a code such as US")
        ),
        "number_type": pa.Column(
            "object",
            checks=pa.Check.isin(NUMBER_TYPES, error="number_type is not one libphonenumber has"),
        ),
        **{name: _text(pa, name, limit) for name, limit in TEXTS.items()},
        "last_verified_on": pa.Column("object", nullable=True),
    }
    return pa.DataFrameSchema(columns, strict=True, name="contacts")


def _positive(pa: Any, name: str) -> Any:
    return pa.Check.gt(0, error=f"{name} is not a positive number")


def _rule(pa: Any, pattern: str, message: str) -> Any:
    return pa.Check.str_matches(rf"^(?:{pattern})$", error=message)


def _text(pa: Any, name: str, limit: int) -> Any:
    fits: Callable[[Any], Any] = lambda values: values.str.len().between(1, limit)  # noqa: E731
    message = f"{name} is empty or longer than {limit} characters"
    return pa.Column("object", nullable=True, checks=pa.Check(fits, error=message))
