with spent as (
    select
        plan_id,
        sum(cost_micros)::bigint as cost_micros,
        sum(claim_count)::bigint as claim_count,
        coalesce(sum(claim_count) filter (where claim_state = 'answered'), 0)::bigint as answered_count
    from {{ ref('int_run_lookups') }}
    group by plan_id
)

select
    p.plan_id,
    p.upload_id,
    p.plan_kind::text as plan_kind,
    p.plan_state::text as plan_state,
    p.created_at,
    p.approved_at,
    p.low_micros,
    p.estimated_micros,
    p.high_micros,
    p.maximum_micros,
    p.cap_micros,
    coalesce(s.cost_micros, 0)::bigint as cost_micros,
    coalesce(s.claim_count, 0)::bigint as claim_count,
    coalesce(s.answered_count, 0)::bigint as answered_count,
    (coalesce(s.cost_micros, 0) - p.estimated_micros)::bigint as difference_micros,
    round(coalesce(s.cost_micros, 0)::numeric / nullif(p.estimated_micros, 0), 6)::numeric(18, 6) as cost_to_estimate,
    coalesce(s.cost_micros, 0) between p.low_micros and p.high_micros as is_within_range,
    now() as as_of
from {{ ref('stg_plans') }} p
left join spent s on s.plan_id = p.plan_id
where p.plan_kind <> 'bench' and p.plan_state in ('approved', 'done', 'expired')
