with positions as (
    select
        step,
        provider,
        position,
        sum(asked_count)::bigint as asked_count,
        sum(answered_count)::bigint as answered_count,
        sum(hit_count)::bigint as hit_count,
        sum(marginal_hit_count)::bigint as marginal_hit_count,
        sum(cost_micros)::bigint as cost_micros
    from {{ ref('int_question_totals') }}
    group by 1, 2, 3
),

scores as (
    select
        step,
        provider,
        sum(asked_count)::bigint as asked_count,
        sum(answered_count)::bigint as answered_count,
        sum(hit_count)::bigint as hit_count,
        sum(marginal_hit_count)::bigint as marginal_hit_count,
        sum(cost_micros)::bigint as cost_micros,
        jsonb_agg(jsonb_build_object(
            'position', position,
            'asked', asked_count,
            'answered', answered_count,
            'marginal_hits', marginal_hit_count,
            'marginal_hit_rate', {{ ratio('marginal_hit_count', 'answered_count') }}
        ) order by position) as by_position
    from positions
    group by 1, 2
),

places as (
    select step, provider, dense_rank() over (partition by step order by min(position))::integer as position
    from {{ ref('stg_waterfall_orders') }}
    group by step, provider
),

agreements as (
    select step, provider, sum(compared_count)::bigint as compared_count, sum(agreed_count)::bigint as agreed_count
    from (
        select step, provider, compared_count, agreed_count from {{ ref('int_agreement_totals') }}
        union all
        select other_step, other_provider, compared_count, agreed_count from {{ ref('int_agreement_totals') }}
    ) both_sides
    group by 1, 2
),

durations as (
    select
        r.step,
        q.provider,
        q.duration_class_ms,
        sum(sum(q.request_count)) over (partition by r.step, q.provider order by q.duration_class_ms) as so_far,
        sum(sum(q.request_count)) over (partition by r.step, q.provider) as total
    from {{ ref('int_run_requests') }} q
    join {{ ref('stg_runs') }} r on r.run_id = q.run_id
    group by 1, 2, 3
),

latencies as (
    select
        step,
        provider,
        max(total)::bigint as request_count,
        min(duration_class_ms) filter (where so_far >= 0.5 * total) as p50_ms,
        min(duration_class_ms) filter (where so_far >= 0.95 * total) as p95_ms
    from durations
    group by 1, 2
),

errors as (
    select step, provider, jsonb_object_agg(error_class, error_count) as errors_by_class
    from (
        select r.step, q.provider, q.error_class, sum(q.request_count)::bigint as error_count
        from {{ ref('int_run_requests') }} q
        join {{ ref('stg_runs') }} r on r.run_id = q.run_id
        where q.error_class <> 'none'
        group by 1, 2, 3
    ) classes
    group by 1, 2
),

ranked as (
    select
        s.*,
        round(s.cost_micros::numeric / nullif(s.hit_count, 0))::bigint as price_per_hit_micros,
        round(s.cost_micros::numeric / nullif(s.marginal_hit_count, 0))::bigint as price_per_marginal_hit_micros,
        {{ ratio('s.marginal_hit_count', 's.answered_count') }} as marginal_hit_rate
    from scores s
)

select
    s.step,
    s.provider,
    p.position,
    s.asked_count,
    s.answered_count,
    s.hit_count,
    {{ ratio('s.hit_count', 's.answered_count') }} as hit_rate,
    s.marginal_hit_count,
    s.marginal_hit_rate,
    s.by_position,
    s.cost_micros,
    s.price_per_hit_micros,
    s.price_per_marginal_hit_micros,
    coalesce(a.compared_count, 0)::bigint as compared_count,
    round(a.agreed_count::numeric / a.compared_count, 6)::numeric(9, 6) as agreement_rate,
    coalesce(l.request_count, 0)::bigint as request_count,
    l.p50_ms::numeric(12, 1) as p50_ms,
    l.p95_ms::numeric(12, 1) as p95_ms,
    coalesce(e.errors_by_class, '{}'::jsonb) as errors_by_class,
    row_number() over (
        partition by s.step
        order by
            s.provider = 'local', s.price_per_marginal_hit_micros nulls last,
            s.marginal_hit_rate desc, s.provider
    )::integer as suggested_position,
    now() as as_of
from ranked s
left join places p on p.step = s.step and p.provider = s.provider
left join agreements a on a.step = s.step and a.provider = s.provider
left join latencies l on l.step = s.step and l.provider = s.provider
left join errors e on e.step = s.step and e.provider = s.provider
