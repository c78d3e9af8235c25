-- depends_on: {{ ref('int_changed_slices') }}
-- What the questions about the subjects of one slice say of whom they were put to. A hit adds
-- something where nobody before the provider in its waterfall had data about the subject.
with questions as (
    select
        c.subject_id,
        r.step::text as step,
        {{ waterfall_slot('r.step', 'c.provider', 'c.operation') }} as slot,
        c.provider::text as provider,
        coalesce(p.position, 1)::integer as position,
        c.claim_state = 'answered' as is_answered,
        c.outcome is not distinct from 'data' as is_hit,
        c.cost_micros
    from {{ ref('stg_claims') }} c
    {% if is_incremental() %}
    join ({{ numbers_of_slices() }}) s on s.subject_id = c.subject_id
    {% endif %}
    join {{ ref('stg_runs') }} r on r.run_id = c.run_id
    left join {{ ref('int_plan_positions') }} p
        on p.plan_id = c.plan_id
        and p.step = r.step
        and p.provider = c.provider
        and p.operation = c.operation
),

weighed as (
    select
        *,
        is_hit and not coalesce(bool_or(is_hit) over before_it, false) as is_marginal_hit
    from questions
    window before_it as (
        partition by subject_id, step, slot order by position
        range between unbounded preceding and 1 preceding
    )
)

select
    {{ slice('subject_id') }} as slice,
    step,
    provider,
    position,
    count(*) as asked_count,
    count(*) filter (where is_answered) as answered_count,
    count(*) filter (where is_hit) as hit_count,
    count(*) filter (where is_marginal_hit) as marginal_hit_count,
    coalesce(sum(cost_micros), 0)::bigint as cost_micros
from weighed
group by 1, 2, 3, 4
