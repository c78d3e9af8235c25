-- A view: what a vendor told counts from the moment it told it.
select
    provider::text as provider,
    unit::text as unit,
    allowance,
    (allowance - remaining)::bigint as used,
    remaining,
    {{ ratio('allowance - remaining', 'allowance') }} as used_rate,
    remaining <= 0 or allowance - remaining >= 0.8 * allowance as is_warning,
    resets_at,
    told_at,
    now() as as_of
from {{ ref('stg_provider_quotas') }}
