select
    step,
    provider,
    licence_class,
    expires_on,
    sum(value_count)::bigint as value_count,
    now() as as_of
from {{ ref('int_expiry_totals') }}
group by 1, 2, 3, 4
