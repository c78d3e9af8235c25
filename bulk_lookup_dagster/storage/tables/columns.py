"""Column helpers shared by the declared tables: bounded text, UTC times, money, states."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

from bulk_lookup_dagster.core.state_machines import StateMachine

SCHEMAS = ("intake", "enrichment", "matching", "ledger", "engagement", "crm", "ops")
METADATA = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


def identity(name: str) -> sa.Column[int]:
    """A generated bigint primary key."""
    return sa.Column(name, sa.BigInteger, sa.Identity(always=False), primary_key=True)


def text(name: str, length: int, **options: Any) -> sa.Column[str]:
    """Text of at most `length` characters; longer input is refused, never cut (F57)."""
    return sa.Column(name, sa.String(length), **options)


def at(name: str, **options: Any) -> sa.Column[Any]:
    """A moment in UTC."""
    return sa.Column(name, sa.DateTime(timezone=True), **options)


def now(name: str) -> sa.Column[Any]:
    """A moment, set by the database when the row is written."""
    return at(name, nullable=False, server_default=sa.func.now())


def micros(name: str, **options: Any) -> sa.Column[int]:
    """Micro-dollars, never negative."""
    return sa.Column(name, sa.BigInteger, sa.CheckConstraint(f"{name} >= 0", name=name), **options)


def state(machine: StateMachine) -> sa.Column[str]:
    """The state column of a machine; arrows are enforced by a generated trigger."""
    allowed = ", ".join(f"'{value}'" for value in machine.states)
    return sa.Column(
        "state",
        sa.String(30),
        sa.CheckConstraint(f"state IN ({allowed})", name="state"),
        nullable=False,
    )


def fk(
    name: str, target: str, *, ondelete: str, index: bool = True, **options: Any
) -> sa.Column[int]:
    """A bigint reference that states what a delete does (F15) and carries an index (F56)."""
    return sa.Column(
        name, sa.BigInteger, sa.ForeignKey(target, ondelete=ondelete), index=index, **options
    )


def hash_bytes(name: str, **options: Any) -> sa.Column[bytes]:
    """A digest of at most 32 bytes."""
    return sa.Column(
        name, BYTEA, sa.CheckConstraint(f"octet_length({name}) <= 32", name=name), **options
    )


def json(name: str, max_bytes: int = 65_536, **options: Any) -> sa.Column[Any]:
    """JSON, validated at the edge by a typed model and bounded here (F22, F57)."""
    check = sa.CheckConstraint(f"pg_column_size({name}) <= {max_bytes}", name=name)
    return sa.Column(name, JSONB, check, **options)
