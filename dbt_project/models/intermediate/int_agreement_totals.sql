-- depends_on: {{ ref('int_changed_slices') }}
-- How often two providers that both knew a subject of one slice said the same of it.
select
    {{ slice('o.subject_id') }} as slice,
    o.step,
    o.provider::text as provider,
    o.other_step,
    o.other_provider::text as other_provider,
    count(*) as compared_count,
    count(*) filter (where o.agrees) as agreed_count
from {{ ref('stg_second_opinions') }} o
{% if is_incremental() %}
join ({{ numbers_of_slices() }}) s on s.subject_id = o.subject_id
{% endif %}
where o.agrees is not null and (o.expires_at is null or o.expires_at > now())
group by 1, 2, 3, 4, 5
