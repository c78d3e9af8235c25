select
    subject_id,
    claim_id,
    operation,
    outcome,
    kind,
    sid,
    status,
    policy,
    valid_until,
    changed_at,
    reverify_at,
    evaluation_status,
    evaluated_at,
    score,
    checks_passed,
    checks_failed,
    assigned,
    '•••' || right(registration_number, 4) as masked_registration,
    registration_authority,
    fetched_at,
    expires_at
from {{ source('enrichment', 'trust_hub_profiles') }}
where outcome = 'data' and expires_at > now()
