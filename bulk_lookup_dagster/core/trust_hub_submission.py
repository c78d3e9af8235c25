"""What an operator hands in to have a business registered: the shape of the file and its checks.

Belongs here: the document. Does not: what is done with it (`services.trust_hub_submissions`).
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from bulk_lookup_dagster.core.document import Document
from bulk_lookup_dagster.core.errors import InputError
from bulk_lookup_dagster.core.trust_hub import POLICIES

_Sid = Annotated[str, Field(pattern=r"^[A-Z]{2}[0-9a-fA-F]{32}$")]
_Word = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,100}$")]


class Entry(Document):
    """An end user or a supporting document by Twilio's own type and attributes."""

    type: _Word
    attributes: dict[str, Any]


class Submission(Document):
    """One customer profile. `policy` is one of our words or a sid; `assign` are further sids, such
    as our own primary profile. Each type of entry is there once.
    """

    friendly_name: Annotated[str, Field(min_length=1, max_length=200)]
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]
    policy: str = "secondary_business"
    end_users: tuple[Entry, ...] = ()
    documents: tuple[Entry, ...] = ()
    assign: tuple[_Sid, ...] = ()

    @model_validator(mode="after")
    def _each_type_once(self) -> Self:
        for entries in (self.end_users, self.documents):
            if len({one.type for one in entries}) < len(entries):
                raise ValueError("a type is there twice")
        return self

    @property
    def policy_sid(self) -> str:
        """Twilio's identifier of the policy."""
        return POLICIES.get(self.policy, self.policy)


def read_submission(text: bytes) -> Submission:
    """The document of a file; raises `InputError` that names fields and never repeats values."""
    try:
        return Submission.model_validate_json(text)
    except ValidationError as error:
        wrong = (
            f"{'.'.join(map(str, one['loc'])) or 'document'}: {one['msg']}"
            for one in error.errors(include_input=False, include_url=False)
        )
        raise InputError(
            "The file is no submission: " + "; ".join(wrong) + ".",
            fix="See docs/trust-hub.md.",
        ) from None
