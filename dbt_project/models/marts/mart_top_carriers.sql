-- Numbers, not contacts: ten rows with one number say one thing about a carrier.
with numbers as (
    select distinct on (subject_id) subject_id, carrier_name, country_code, line_type_group, risk_level
    from {{ ref('dim_contacts') }}
    where carrier_name is not null
    order by subject_id, contact_id
)

select
    (row_number() over (order by count(*) desc, carrier_name))::bigint as position,
    carrier_name,
    count(*) as number_count,
    {{ ratio('count(*)', 'sum(count(*)) over ()') }} as share,
    count(*) filter (where line_type_group = 'mobile') as mobile_count,
    count(*) filter (where line_type_group = 'landline') as landline_count,
    count(*) filter (where line_type_group = 'voip') as voip_count,
    count(*) filter (where risk_level = 'high') as high_risk_count,
    now() as as_of
from numbers
group by carrier_name
order by position
limit 100
