-- depends_on: {{ ref('int_changed_slices') }}
-- Sub-totals of the contacts of 16 neighbouring numbers each; the dashboard adds them up.
select
    {{ slice('subject_id') }} as slice,
    {% for name, condition in contact_counters().items() -%}
    count(*) filter (where {{ condition }}) as {{ name }}{{ ',' if not loop.last }}
    {% endfor %}
from {{ ref('dim_contacts') }} c
{% if is_incremental() %}
join {{ ref('int_changed_slices') }} s on {{ in_slice('c.subject_id', 's.slice') }}
{% endif %}
group by 1
