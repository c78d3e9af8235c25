with counted as (
    select country_code, state_code, item, sum(contact_count)::bigint as contact_count
    from {{ ref('int_coverage_totals') }}
    group by 1, 2, 3
),

places as (
    select country_code, state_code, contact_count from counted where item = 'contact'
),

items as (
    select unnest(array[
        'given_name', 'given_company', 'given_email', 'given_address'
        {%- for step in steps() if step not in steps_without_contacts() %}, '{{ step }}'{% endfor %}
    ]) as item
)

select
    p.country_code,
    p.state_code,
    i.item,
    p.contact_count,
    coalesce(c.contact_count, 0)::bigint as known_count,
    {{ ratio('coalesce(c.contact_count, 0)', 'p.contact_count') }} as coverage,
    now() as as_of
from places p
cross join items i
left join counted c
    on c.country_code = p.country_code and c.state_code = p.state_code and c.item = i.item
