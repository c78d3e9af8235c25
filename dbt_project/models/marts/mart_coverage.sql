{% set items = ['given_name', 'given_company', 'given_email', 'given_address'] + steps_of_contacts() %}
with places as (
    select
        country_code,
        state_code,
        sum(contact_count)::bigint as contact_count
        {%- for item in items %},
        sum({{ item }})::bigint as {{ item }}
        {%- endfor %}
    from {{ ref('int_coverage_totals') }}
    group by 1, 2
)

select
    p.country_code,
    p.state_code,
    i.item,
    p.contact_count,
    i.known_count,
    {{ ratio('i.known_count', 'p.contact_count') }} as coverage,
    now() as as_of
from places p
cross join lateral (
    values
    {% for item in items -%}
    ('{{ item }}', p.{{ item }}){{ ',' if not loop.last }}
    {% endfor %}
) i (item, known_count)
