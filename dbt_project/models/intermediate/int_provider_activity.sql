-- Exchanges of one provider, of the last day and at all.
{% set last_day = "sent_hour > now() - interval '24 hours'" %}
{% set failed = "error_class <> 'none'" %}
select
    provider,
    max(last_sent_at) filter (where not {{ failed }}) as last_success_at,
    coalesce(sum(request_count) filter (where {{ last_day }}), 0)::bigint as request_count_24h,
    coalesce(sum(request_count) filter (where {{ last_day }} and {{ failed }}), 0)::bigint as failed_count_24h,
    now() as as_of
from {{ ref('int_run_requests') }}
group by provider
