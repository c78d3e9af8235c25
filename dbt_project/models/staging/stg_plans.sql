select
    plan_id,
    upload_id,
    state as plan_state,
    kind as plan_kind,
    (estimate ->> 'p50_micros')::bigint as estimated_micros,
    (estimate ->> 'p10_micros')::bigint as low_micros,
    (estimate ->> 'p90_micros')::bigint as high_micros,
    (estimate ->> 'max_micros')::bigint as maximum_micros,
    cap_micros,
    approved_at,
    created_at
from {{ source('ledger', 'plans') }}
