select
    {{ business_day('sent_at') }} as day,
    provider::text as provider,
    endpoint::text as endpoint,
    http_status,
    coalesce(error_class, 'none')::text as error_class,
    count(*) as request_count,
    sum(claim_count)::bigint as claim_count,
    percentile_cont(0.5) within group (order by duration_ms)::numeric(12, 1) as p50_ms,
    percentile_cont(0.95) within group (order by duration_ms)::numeric(12, 1) as p95_ms,
    max(duration_ms)::bigint as slowest_ms,
    sum(cost_micros)::bigint as cost_micros,
    now() as as_of
from {{ ref('stg_requests') }}
group by 1, 2, 3, 4, 5
