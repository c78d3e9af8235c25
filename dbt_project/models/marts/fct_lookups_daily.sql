select
    settled_on as day,
    provider,
    operation,
    {% for name, condition in {
        'answered_count': "claim_state = 'answered'",
        'data_count': "outcome = 'data'",
        'no_data_count': "outcome in ('no_data', 'objected')",
        'invalid_count': "outcome = 'invalid_subject'",
        'failed_count': "claim_state = 'failed'",
        'unknown_count': "claim_state in ('unknown_outcome', 'written_off')",
    }.items() -%}
    coalesce(sum(claim_count) filter (where {{ condition }}), 0)::bigint as {{ name }},
    {% endfor -%}
    {{ ratio("sum(claim_count) filter (where outcome = 'data')", "sum(claim_count) filter (where claim_state = 'answered')") }}
        as hit_rate,
    sum(cost_micros)::bigint as cost_micros,
    now() as as_of
from {{ ref('int_run_lookups') }}
where settled_on is not null
group by 1, 2, 3
