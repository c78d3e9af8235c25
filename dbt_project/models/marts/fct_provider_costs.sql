with summed as (
    select
        provider,
        operation,
        sum(claim_count)::bigint as claim_count,
        coalesce(sum(claim_count) filter (where claim_state = 'answered'), 0)::bigint as answered_count,
        coalesce(sum(claim_count) filter (where claim_state = 'unknown_outcome'), 0)::bigint as held_count,
        sum(cost_micros)::bigint as cost_micros,
        min(first_day) as first_day,
        max(last_day) as last_day
    from {{ ref('int_run_lookups') }}
    group by 1, 2
)

select
    provider,
    operation,
    claim_count,
    answered_count,
    held_count,
    cost_micros,
    {{ usd('cost_micros') }} as cost_usd,
    coalesce(round(cost_micros::numeric / nullif(answered_count, 0)), 0)::bigint as cost_per_answer_micros,
    first_day,
    last_day,
    now() as as_of
from summed
