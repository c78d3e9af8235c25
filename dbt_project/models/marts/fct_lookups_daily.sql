select
    {{ business_day('settled_at') }} as day,
    provider::text as provider,
    operation::text as operation,
    count(*) filter (where claim_state = 'answered') as answered_count,
    count(*) filter (where outcome = 'data') as data_count,
    count(*) filter (where outcome = 'no_data') as no_data_count,
    count(*) filter (where outcome = 'invalid_subject') as invalid_count,
    count(*) filter (where claim_state = 'failed') as failed_count,
    count(*) filter (where claim_state in ('unknown_outcome', 'written_off')) as unknown_count,
    {{ ratio("count(*) filter (where outcome = 'data')", "count(*) filter (where claim_state = 'answered')") }}
        as hit_rate,
    coalesce(sum(cost_micros), 0)::bigint as cost_micros,
    now() as as_of
from {{ ref('stg_claims') }}
where settled_at is not null
group by 1, 2, 3
