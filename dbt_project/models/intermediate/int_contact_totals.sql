-- depends_on: {{ ref('int_changed_slices') }}
-- Sub-totals of 64 neighbouring contacts each; the dashboard adds them up.
select
    {{ slice('contact_id') }} as slice,
    {% for name, condition in contact_counters().items() -%}
    count(*) filter (where {{ condition }}) as {{ name }}{{ ',' if not loop.last }}
    {% endfor %}
from {{ ref('dim_contacts') }} c
{% if is_incremental() %}
join {{ ref('int_changed_slices') }} s on {{ in_slice('c.contact_id', 's.slice') }}
{% endif %}
group by 1
