-- Percentiles are read off duration classes: exact below 64 ms, else at most 3 % too low.
with classes as (
    select
        day, provider, endpoint, http_status, error_class, duration_class_ms,
        sum(request_count) as request_count,
        sum(claim_count) as claim_count,
        sum(cost_micros) as cost_micros,
        max(slowest_ms) as slowest_ms
    from {{ ref('int_run_requests') }}
    group by 1, 2, 3, 4, 5, 6
),

ranked as (
    select
        *,
        sum(request_count) over (
            partition by day, provider, endpoint, http_status, error_class
            order by duration_class_ms
        ) as so_far,
        sum(request_count) over (
            partition by day, provider, endpoint, http_status, error_class
        ) as total
    from classes
)

select
    day,
    provider,
    endpoint,
    http_status,
    error_class,
    sum(request_count)::bigint as request_count,
    sum(claim_count)::bigint as claim_count,
    (min(duration_class_ms) filter (where so_far >= 0.5 * total))::numeric(12, 1) as p50_ms,
    (min(duration_class_ms) filter (where so_far >= 0.95 * total))::numeric(12, 1) as p95_ms,
    max(slowest_ms)::bigint as slowest_ms,
    sum(cost_micros)::bigint as cost_micros,
    now() as as_of
from ranked
group by 1, 2, 3, 4, 5
