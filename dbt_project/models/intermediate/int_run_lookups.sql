-- depends_on: {{ ref('int_changed_runs') }}
-- Claims of one engine run, by what became of them and the business day they were settled on.
select
    c.run_id,
    c.plan_id,
    c.provider::text as provider,
    c.operation::text as operation,
    {{ business_day('settled_at') }} as settled_on,
    c.claim_state::text as claim_state,
    c.outcome::text as outcome,
    count(*) as claim_count,
    coalesce(sum(c.cost_micros), 0)::bigint as cost_micros,
    coalesce(sum(extract(epoch from settled_at - claimed_at)) filter (where claim_state = 'answered'), 0)::numeric as answer_s,
    min({{ business_day('claimed_at') }}) as first_day,
    max({{ business_day('claimed_at') }}) as last_day
from {{ ref('stg_claims') }} c
{% if is_incremental() %}
join {{ ref('int_changed_runs') }} r on r.run_id = c.run_id
{% endif %}
group by 1, 2, 3, 4, 5, 6, 7
