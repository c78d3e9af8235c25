-- depends_on: {{ ref('int_changed_slices') }}
-- Numbers, not contacts: ten rows with one number say one thing about a carrier.
select
    {{ slice('subject_id') }} as slice,
    carrier_name,
    count(*) as number_count,
    count(*) filter (where line_type_group = 'mobile') as mobile_count,
    count(*) filter (where line_type_group = 'landline') as landline_count,
    count(*) filter (where line_type_group = 'voip') as voip_count,
    count(*) filter (where risk_level = 'high') as high_risk_count
from {{ ref('dim_contacts') }} c
{% if is_incremental() %}
join {{ ref('int_changed_slices') }} s on {{ in_slice('c.subject_id', 's.slice') }}
{% endif %}
where is_first_of_number and carrier_name is not null
group by 1, 2
