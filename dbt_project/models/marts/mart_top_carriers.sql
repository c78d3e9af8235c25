with carriers as (
    select
        carrier_name,
        sum(number_count)::bigint as number_count,
        sum(mobile_count)::bigint as mobile_count,
        sum(landline_count)::bigint as landline_count,
        sum(voip_count)::bigint as voip_count,
        sum(high_risk_count)::bigint as high_risk_count
    from {{ ref('int_carrier_totals') }}
    group by carrier_name
)

select
    (row_number() over (order by number_count desc, carrier_name))::bigint as position,
    carrier_name,
    number_count,
    {{ ratio('number_count', 'sum(number_count) over ()') }} as share,
    mobile_count,
    landline_count,
    voip_count,
    high_risk_count,
    now() as as_of
from carriers
order by position
limit 100
