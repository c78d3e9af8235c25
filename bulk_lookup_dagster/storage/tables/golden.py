"""Schema `matching`, its result: golden ids, memberships, the merge log, golden contacts, scores.

Belongs here: what is derived from clusters, and how they came to be. Does not: what is compared
(`matching`).
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from bulk_lookup_dagster.storage.tables.columns import METADATA, at, fk, identity, json, now, text
from bulk_lookup_dagster.storage.tables.matching import model

FIELDS = {
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
"""Text of a golden contact, with the length it has in a contact."""
PARTS = (
    *("validity", "verified_email", "company", "name", "reachability", "risk", "freshness"),
    "agreement",
)
"""What a quality score is made of."""
KINDS = "create merge split move override unmerge refuse".split()
RULES = "pin verified valid source_rank recency completeness lowest_id".split()


def _one_of(column: str, values: list[str]) -> sa.CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=column)


golden_ids = sa.Table(
    "golden_ids",
    METADATA,
    identity("golden_id"),
    fk("redirect_to", "matching.golden_ids.golden_id", ondelete="RESTRICT"),
    now("created_at"),
    at("retired_at"),
    sa.CheckConstraint("redirect_to <> golden_id", name="redirect"),
    sa.CheckConstraint("redirect_to IS NULL OR retired_at IS NOT NULL", name="retired"),
    sa.CheckConstraint("retired_at >= created_at", name="times"),
    schema="matching",
    comment="What a cluster is known by outside; the oldest part's survives a merge, the others"
    " redirect to it. Never deleted, holds nothing personal.",
)

events = sa.Table(
    "events",
    METADATA,
    identity("event_id"),
    text("kind", 12, nullable=False),
    fk("golden_id", "matching.golden_ids.golden_id", ondelete="RESTRICT"),
    fk("run_id", "matching.runs.run_id", ondelete="SET NULL"),
    model(index=True),
    json("before", nullable=False),
    json("after", nullable=False),
    json("evidence", nullable=False),
    text("reason", 200, nullable=False, server_default=""),
    text("actor", 200, nullable=False),
    now("happened_at"),
    _one_of("kind", KINDS),
    schema="matching",
    comment="The merge log. before and after: contact ids by golden id; evidence: pairs with level"
    " vector and bits. Ids alone: erasing a person leaves it without personal data.",
)

memberships = sa.Table(
    "memberships",
    METADATA,
    identity("membership_id"),
    fk("contact_id", "intake.contacts.contact_id", ondelete="CASCADE", nullable=False, index=False),
    fk("golden_id", "matching.golden_ids.golden_id", ondelete="RESTRICT", nullable=False),
    fk("event_id", "matching.events.event_id", ondelete="RESTRICT"),
    fk("ended_by", "matching.events.event_id", ondelete="RESTRICT"),
    now("started_at"),
    at("ended_at"),
    sa.Index("memberships_contact_id_idx", "contact_id"),
    sa.Index(
        "memberships_current",
        "contact_id",
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
    sa.CheckConstraint("ended_at >= started_at", name="times"),
    sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
    schema="matching",
    comment="Since when, and until when, a contact belongs to a golden id; rows are only added and"
    " ended. Every compared contact has exactly one that is current.",
)

golden_contacts = sa.Table(
    "golden_contacts",
    METADATA,
    sa.Column(
        "golden_id",
        sa.BigInteger,
        sa.ForeignKey("matching.golden_ids.golden_id", ondelete="RESTRICT"),
        primary_key=True,
        autoincrement=False,
    ),
    *(text(field, length) for field, length in FIELDS.items()),
    fk("phone_subject_id", "intake.subjects.subject_id", ondelete="RESTRICT"),
    sa.Column("phone_subject_ids", ARRAY(sa.BigInteger), nullable=False),
    sa.Column("emails", ARRAY(sa.String(320)), nullable=False),
    sa.Column("opted_out", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("last_verified_on", sa.Date),
    sa.Column("contact_count", sa.Integer, nullable=False),
    now("built_at"),
    sa.CheckConstraint("cardinality(phone_subject_ids) <= 200", name="phone_subject_ids"),
    sa.CheckConstraint("cardinality(emails) <= 200", name="emails"),
    sa.CheckConstraint("contact_count > 0", name="contact_count"),
    schema="matching",
    comment="A person or organisation as the platform knows it: the best value of each field, and"
    " every phone and e-mail of its contacts.",
)

golden_field_sources = sa.Table(
    "golden_field_sources",
    METADATA,
    fk(
        "golden_id",
        "matching.golden_contacts.golden_id",
        ondelete="CASCADE",
        nullable=False,
        index=False,
    ),
    text("field", 30, nullable=False),
    fk("contact_id", "intake.contacts.contact_id", ondelete="CASCADE"),
    text("provider", 40),
    text("rule", 20, nullable=False),
    sa.PrimaryKeyConstraint("golden_id", "field"),
    _one_of("rule", RULES),
    schema="matching",
    comment="Where a golden contact's field comes from, and by which rule of survivorship.",
)

quality_scores = sa.Table(
    "quality_scores",
    METADATA,
    sa.Column(
        "golden_id",
        sa.BigInteger,
        sa.ForeignKey("matching.golden_contacts.golden_id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("score", sa.SmallInteger, nullable=False),
    *(sa.Column(part, sa.SmallInteger, nullable=False) for part in PARTS),
    sa.Column("completeness", sa.SmallInteger, nullable=False),
    now("scored_at"),
    *(
        sa.CheckConstraint(f"{part} BETWEEN 0 AND 100", name=part)
        for part in ("score", *PARTS, "completeness")
    ),
    schema="matching",
    comment="How good a golden contact is, 0 to 100, with its parts (F20: bounded).",
)

VIEWS = {
    "matching.current_members": """
        SELECT contact_id, golden_id, event_id, started_at
          FROM matching.memberships WHERE ended_at IS NULL
    """,
    # Where an id of old leads today, however often its cluster was merged since.
    "matching.golden_redirects": """
        WITH RECURSIVE steps (golden_id, leads_to) AS (
            SELECT golden_id, golden_id FROM matching.golden_ids WHERE redirect_to IS NULL
            UNION ALL
            SELECT g.golden_id, s.leads_to
              FROM matching.golden_ids g JOIN steps s ON g.redirect_to = s.golden_id
        )
        SELECT golden_id, leads_to FROM steps
    """,
}
