-- depends_on: {{ ref('int_changed_slices') }}
-- Contacts of the numbers of one slice, by place, and what is known of them.
with contacts as (
    select
        c.contact_id,
        c.subject_id,
        c.country_code::text as country_code,
        c.state_code,
        c.has_name,
        c.has_company,
        c.has_email,
        c.has_address
    from {{ ref('int_contacts') }} c
    {% if is_incremental() %}
    join ({{ numbers_of_slices() }}) s on s.subject_id = c.subject_id
    {% endif %}
),

-- Of numbers by stretches, of what else contacts lead to one by one.
answers as (
    select a.subject_id, a.step
    from {{ ref('stg_answers') }} a
    {% if is_incremental() %}
    join ({{ numbers_of_slices() }}) s on s.subject_id = a.subject_id
    {% endif %}
    where a.outcome = 'data' and (a.expires_at is null or a.expires_at > now())
    group by 1, 2
),

of_numbers as (
    select c.contact_id, a.step
    from contacts c
    join answers a on a.subject_id = c.subject_id
),

links as {% if is_incremental() %}materialized {% endif %}(
    select c.contact_id, l.subject_id
    from contacts c
    join {{ ref('stg_contact_subjects') }} l on l.contact_id = c.contact_id
),

-- Of a few links the answers are looked up one by one, of all they are joined.
of_others as (
    select l.contact_id, a.step
    from links l
    {% if is_incremental() %}
    cross join lateral (
        select o.step
        from {{ ref('stg_answers') }} o
        where o.subject_id = l.subject_id
            and o.outcome = 'data' and (o.expires_at is null or o.expires_at > now())
        offset 0
    ) a
    {% else %}
    join {{ ref('stg_answers') }} a on a.subject_id = l.subject_id
    where a.outcome = 'data' and (a.expires_at is null or a.expires_at > now())
    {% endif %}
),

known as (
    select
        contact_id
        {%- for step in steps_of_contacts() %},
        bool_or(step = '{{ step }}') as {{ step }}
        {%- endfor %}
    from (select * from of_numbers union all select * from of_others) both_ways
    group by contact_id
)

select
    {{ slice('c.subject_id') }} as slice,
    coalesce(c.country_code, 'unknown') as country_code,
    c.state_code,
    count(*) as contact_count
    {%- for given in ['name', 'company', 'email', 'address'] %},
    count(*) filter (where c.has_{{ given }}) as given_{{ given }}
    {%- endfor %}
    {%- for step in steps_of_contacts() %},
    count(*) filter (where k.{{ step }}) as {{ step }}
    {%- endfor %}
from contacts c
left join known k on k.contact_id = c.contact_id
group by 1, 2, 3
