-- What was answered ends here: from this view on only whether two providers said the same.
{% for step, agrees in agreements().items() -%}
select
    a.subject_id,
    '{{ step }}'::text as step,
    a.provider,
    '{{ step }}'::text as other_step,
    b.provider as other_provider,
    {{ agrees }} as agrees,
    least(a.expires_at, b.expires_at) as expires_at
from {{ source('enrichment', step) }} a
join {{ source('enrichment', step) }} b on b.subject_id = a.subject_id and b.provider > a.provider
where a.outcome = 'data' and b.outcome = 'data'

union all

{% endfor -%}
select
    a.subject_id,
    'phone_validations'::text,
    a.provider,
    'phone_lookups'::text,
    b.provider,
    a.valid = b.valid,
    least(a.expires_at, b.expires_at)
from {{ source('enrichment', 'phone_validations') }} a
join {{ source('enrichment', 'phone_lookups') }} b on b.subject_id = a.subject_id and b.valid is not null
where a.valid is not null
