"""What every block of the settings document is: frozen, complete, without unknown fields.

Belongs here: the base class. Does not: any field (see `core.settings`).
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """A block of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
