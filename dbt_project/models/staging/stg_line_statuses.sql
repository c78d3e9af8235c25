select
    subject_id,
    provider,
    operation,
    claim_id,
    outcome,
    line_status,
    fetched_at,
    expires_at
from {{ source('enrichment', 'line_statuses') }}
