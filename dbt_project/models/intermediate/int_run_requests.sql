-- depends_on: {{ ref('int_changed_runs') }}
-- Exchanges of one engine run, by duration class.
select
    q.run_id,
    {{ business_day('sent_at') }} as day,
    date_trunc('hour', q.sent_at) as sent_hour,
    q.provider::text as provider,
    q.endpoint::text as endpoint,
    q.http_status,
    coalesce(q.error_class, 'none')::text as error_class,
    {{ duration_class('duration_ms') }} as duration_class_ms,
    count(*) as request_count,
    sum(q.claim_count)::bigint as claim_count,
    sum(q.cost_micros)::bigint as cost_micros,
    max(q.duration_ms) as slowest_ms,
    max(q.sent_at) as last_sent_at
from {{ ref('stg_requests') }} q
{% if is_incremental() %}
join {{ ref('int_changed_runs') }} r on r.run_id = q.run_id
{% endif %}
group by 1, 2, 3, 4, 5, 6, 7, 8
