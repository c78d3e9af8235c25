select
    provider::text as provider,
    operation::text as operation,
    count(*) as claim_count,
    count(*) filter (where claim_state = 'answered') as answered_count,
    count(*) filter (where claim_state = 'unknown_outcome') as held_count,
    coalesce(sum(cost_micros), 0)::bigint as cost_micros,
    {{ usd('coalesce(sum(cost_micros), 0)') }} as cost_usd,
    coalesce(round(sum(cost_micros)::numeric / nullif(count(*) filter (where claim_state = 'answered'), 0)), 0)::bigint
        as cost_per_answer_micros,
    min({{ business_day('claimed_at') }}) as first_day,
    max({{ business_day('claimed_at') }}) as last_day,
    now() as as_of
from {{ ref('stg_claims') }}
group by 1, 2
