select
    subject_id,
    zipcode,
    business_type,
    requested_at,
    provider,
    state as request_state,
    found as found_count,
    new as new_count,
    matched as matched_count,
    skipped as skipped_count,
    requests as request_count,
    cost_micros,
    duration_ms,
    error as error_class,
    retry_at,
    first_asked_at,
    last_answered_at
from {{ source('enrichment', 'zipcode_discovery') }}
