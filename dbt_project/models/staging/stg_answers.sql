-- What was answered ends here: from this view on only whose an answer is, and until when it shows.
{% for step in steps() -%}
select
    subject_id,
    '{{ step }}'::text as step,
    provider,
    operation,
    outcome,
    licence_class,
    fetched_at,
    expires_at
from {{ source('enrichment', step) }}
{{ 'union all' if not loop.last }}
{% endfor %}
