select
    request_id,
    run_id,
    provider,
    endpoint,
    status::integer as http_status,
    error_class,
    error_code,
    cost_micros,
    claim_count,
    sent_at,
    duration_ms
from {{ source('ledger', 'requests') }}
