-- depends_on: {{ ref('int_changed_slices') }}
-- Values about the subjects of one slice that are kept, by the business day they are kept until.
select
    {{ slice('a.subject_id') }} as slice,
    a.step,
    a.provider::text as provider,
    a.licence_class::text as licence_class,
    {{ business_day('a.expires_at') }} as expires_on,
    count(*) as value_count
from {{ ref('stg_answers') }} a
{% if is_incremental() %}
join ({{ numbers_of_slices() }}) s on s.subject_id = a.subject_id
{% endif %}
where a.outcome = 'data' and (a.expires_at is null or a.expires_at > now())
group by 1, 2, 3, 4, 5
