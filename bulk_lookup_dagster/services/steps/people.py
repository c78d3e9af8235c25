"""What the steps about people share: who is worth asking about.

Belongs here: conditions over a person's subject `s` and the contact `c` that leads to it (F38).
Does not: the steps (one module each).
"""

from __future__ import annotations

# A contact may lead to one person twice: by the company's name as it was handed in, and by the
# domain its profile told later. The one with the domain is asked about, and paid for, alone.
MOST_EXACT = """(
    s.value LIKE '||||%%' OR split_part(s.value, '|', 3) <> '' OR NOT EXISTS (
        SELECT FROM intake.contact_subjects other
          JOIN intake.subjects known ON known.subject_id = other.subject_id
         WHERE other.contact_id = c.contact_id AND other.kind = 'person'
           AND split_part(known.value, '|', 3) <> ''
    )
)"""
# Who objected at one vendor is asked about nowhere, in no step, and never again.
NOT_OBJECTED = """NOT EXISTS (
    SELECT FROM ledger.claims past WHERE past.subject_id = s.subject_id
       AND past.outcome = 'objected'
)"""
NAMED_AT_COMPANY = "s.value NOT LIKE '||||%%'"

# Of the addresses handed in for somebody, the first: a later one would be another question.
GIVEN_EMAIL = r"""
    SELECT DISTINCT ON (l.subject_id) l.subject_id,
           jsonb_build_object('email', lower(c.email)) AS params
      FROM intake.contact_subjects l
      JOIN intake.contacts c USING (contact_id)
     WHERE l.kind = 'person' AND l.subject_id IN (SELECT subject_id FROM subject)
       AND c.email ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$'
     ORDER BY l.subject_id, c.contact_id
"""
