-- Where a plan asks a provider's operation: its place in its waterfall, counted from 1.
select
    plan_id,
    step,
    provider,
    operation,
    row_number() over (
        partition by plan_id, step, {{ waterfall_slot('step', 'provider', 'operation') }} order by place
    ) as position
from {{ ref('stg_plan_offers') }}
