select
    subject_id,
    provider,
    claim_id,
    outcome,
    verdict,
    is_free,
    is_role,
    is_disposable,
    fetched_at,
    expires_at
from {{ source('enrichment', 'email_verifications') }}
