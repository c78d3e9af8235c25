select
    subject_id,
    provider,
    operation,
    claim_id,
    outcome,
    valid,
    line_type,
    carrier_name,
    caller_type,
    risk_level,
    sms_pumping_risk_score,
    reassigned,
    fetched_at,
    expires_at
from {{ source('enrichment', 'phone_lookups') }}
