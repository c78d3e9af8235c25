select
    claim_id,
    provider,
    operation,
    subject_id,
    epoch,
    attempt,
    state as claim_state,
    outcome,
    plan_id,
    cost_micros,
    reserved_micros,
    claimed_at,
    settled_at,
    retry_at,
    error_class,
    error_code
from {{ source('ledger', 'claims') }}
