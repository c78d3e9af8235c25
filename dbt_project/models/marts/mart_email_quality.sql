with addresses as (
    select
        origin,
        coalesce(verdict, 'not_verified') as verdict,
        contact_count,
        is_free,
        is_role,
        is_disposable
    from {{ ref('int_email_addresses') }}
),

counted as (
    select
        origin,
        verdict,
        count(*) as address_count,
        sum(contact_count)::bigint as contact_count,
        count(*) filter (where is_free) as free_count,
        count(*) filter (where is_role) as role_count,
        count(*) filter (where is_disposable) as disposable_count
    from addresses
    group by origin, verdict
)

select
    origin,
    verdict,
    address_count,
    {{ ratio('address_count', 'sum(address_count) over (partition by origin)') }} as share_of_origin,
    contact_count,
    free_count,
    role_count,
    disposable_count,
    now() as as_of
from counted
