select
    subject_id,
    claim_id,
    source as email_source,
    expires_at
from {{ source('enrichment', 'email_candidates') }}
where email is not null
