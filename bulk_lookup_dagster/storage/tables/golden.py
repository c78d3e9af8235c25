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
BLOCKS = {
    "name": ("name", "first_name", "last_name"),
    "company": ("company", "website"),
    "address": ("street", "city", "state_region", "postal_code", "country"),
    "email": ("email",),
    "phone": ("phone",),
}
"""Fields that come from one contact together: half an address of each would be nobody's."""
PARTS = (
    *("validity", "verified_email", "company", "name", "reachability", "risk", "freshness"),
    "agreement",
)
"""What a quality score is made of; a part that cannot be judged is empty."""
KINDS = "create merge split move override unmerge refuse fail".split()
RULES = "only pin verified valid source_rank recency completeness lowest_id".split()


def _one_of(column: str, values: list[str]) -> sa.CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=column)


def _origin(block: str) -> tuple[sa.schema.SchemaItem, ...]:
    """Whose value a block has and which rule chose it; the contact goes only with the row."""
    return (
        sa.Column(f"{block}_contact_id", sa.BigInteger),
        text(f"{block}_rule", 20),
        _one_of(f"{block}_rule", RULES),
        sa.CheckConstraint(
            f"({block}_contact_id IS NULL) = ({block}_rule IS NULL)", name=f"{block}_origin"
        ),
    )


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
    sa.Index(
        "events_refused_idx",
        *(sa.text(f"(evidence #>> '{{0,{place}}}')") for place in (0, 1)),
        postgresql_where=sa.text("kind = 'refuse'"),
    ),
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

stale_golden_ids = sa.Table(
    "stale_golden_ids",
    METADATA,
    sa.Column("golden_id", sa.BigInteger, primary_key=True, autoincrement=False),
    schema="matching",
    comment="A golden id whose contacts changed since its golden contact was built; noted by"
    " triggers, so that no writer can forget it (F16).",
)

golden_contacts = sa.Table(
    "golden_contacts",
    METADATA,
    # Golden id and subject are checked per statement: `storage.references`.
    sa.Column("golden_id", sa.BigInteger, primary_key=True, autoincrement=False),
    text("kind", 12, nullable=False),
    *(text(field, length) for field, length in FIELDS.items()),
    sa.Column("phone_subject_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("phone_subject_ids", ARRAY(sa.BigInteger), nullable=False),
    sa.Column("emails", ARRAY(sa.String(320)), nullable=False),
    sa.Column("opted_out", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("last_verified_on", sa.Date),
    sa.Column("last_seen_on", sa.Date, nullable=False),
    sa.Column("contact_count", sa.Integer, nullable=False),
    sa.Column("compared_values", sa.Integer, nullable=False),
    sa.Column("differing_values", sa.Integer, nullable=False),
    *(item for block in BLOCKS for item in _origin(block)),
    sa.Column("pinned", ARRAY(sa.String(30)), nullable=False, server_default="{}"),
    now("built_at"),
    _one_of("kind", ["person", "organisation", "unknown", "nameless"]),
    sa.CheckConstraint("cardinality(phone_subject_ids) <= 200", name="phone_subject_ids"),
    sa.CheckConstraint("cardinality(emails) <= 200", name="emails"),
    sa.CheckConstraint("cardinality(pinned) <= 20", name="pinned"),
    sa.CheckConstraint("contact_count > 0", name="contact_count"),
    sa.CheckConstraint("differing_values BETWEEN 0 AND compared_values", name="values"),
    schema="matching",
    comment="A person or organisation as the platform knows it: the best value of each field, and"
    " every phone and e-mail of its contacts. compared_values: values beyond the first of phone,"
    " e-mail, last name, company and postal code; differing_values: those unlike the others.",
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
    *(sa.Column(part, sa.SmallInteger) for part in PARTS),
    sa.Column("completeness", sa.SmallInteger, nullable=False),
    now("scored_at"),
    *(
        sa.CheckConstraint(f"{part} BETWEEN 0 AND 100", name=part)
        for part in ("score", *PARTS, "completeness")
    ),
    schema="matching",
    comment="How good a golden contact is, 0 to 100, with its parts (F20: bounded); an empty part"
    " cannot be judged, as the risk of a number nobody asked about, and does not count.",
)


def _field_sources() -> str:
    """One arm per field: a pin where there is one, else the contact its block came from."""
    arms = (
        f"SELECT g.golden_id, '{field}' AS field, g.{block}_contact_id AS contact_id,"
        f" CASE WHEN '{field}' = ANY (g.pinned) THEN 'pin' ELSE g.{block}_rule END AS rule"
        f" FROM matching.golden_contacts g"
        f" WHERE g.{block}_contact_id IS NOT NULL OR '{field}' = ANY (g.pinned)"
        for block, fields in BLOCKS.items()
        for field in fields
    )
    return "\n        UNION ALL ".join(arms)


VIEWS = {
    "matching.golden_field_sources": _field_sources(),
    # What providers say about a number or a mailbox: it is in use, or it is not. One that says no
    # is enough; a domain that accepts everything says nothing.
    "matching.confirmations": """
        SELECT subject_id, bool_and(confirmed) AS confirmed
          FROM (SELECT subject_id, valid AS confirmed FROM enrichment.phone_lookups_best
                UNION ALL
                SELECT subject_id, valid FROM enrichment.phone_validations_best
                UNION ALL
                SELECT subject_id,
                       CASE WHEN verdict = 'valid' THEN TRUE
                            WHEN verdict NOT IN ('accept_all', 'unknown') THEN FALSE END
                  FROM enrichment.email_verifications_best) said
         WHERE confirmed IS NOT NULL GROUP BY subject_id
    """,
    # Of several answers about a number the worst counts.
    "matching.number_risks": """
        SELECT subject_id, max(fetched_at)::date AS asked_on,
               (ARRAY['low', 'medium', 'high'])[max(array_position(
                   ARRAY['low', 'medium', 'high'], risk_level::text))] AS risk
          FROM enrichment.phone_lookups_best GROUP BY subject_id
    """,
    "matching.current_members": """
        SELECT contact_id, golden_id, event_id, started_at
          FROM matching.memberships WHERE ended_at IS NULL
    """,
    # Two that others made one need no decision. Scalar queries are asked by index, row by row:
    # a page of the queue must not read all memberships.
    "matching.waiting_pairs": """
        SELECT p.* FROM matching.pairs p
         WHERE p.verdict = 'review'
           AND NOT EXISTS (SELECT FROM matching.overrides o
                            WHERE o.contact_a = p.contact_a AND o.contact_b = p.contact_b
                              AND o.revoked_at IS NULL)
           AND (SELECT golden_id FROM matching.memberships
                 WHERE contact_id = p.contact_a AND ended_at IS NULL)
               IS DISTINCT FROM
               (SELECT golden_id FROM matching.memberships
                 WHERE contact_id = p.contact_b AND ended_at IS NULL)
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
