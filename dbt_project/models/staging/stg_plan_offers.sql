-- Whom a plan asks for a step, in its order.
select
    p.plan_id,
    s.key as step,
    o.value ->> 0 as provider,
    o.value ->> 1 as operation,
    o.ordinality as place
from {{ source('ledger', 'plans') }} p
cross join jsonb_each(p.scope -> 'steps') s (key, value)
cross join jsonb_array_elements(s.value -> 'offers') with ordinality o (value, ordinality)
where jsonb_typeof(p.scope -> 'steps') = 'object'
