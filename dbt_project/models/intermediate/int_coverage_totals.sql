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
    join {{ ref('int_changed_slices') }} s on {{ in_slice('c.subject_id', 's.slice') }}
    {% endif %}
),

-- Of numbers by stretches, of what else contacts lead to one by one.
answers as (
    select a.subject_id, a.step
    from {{ ref('stg_answers') }} a
    {% if is_incremental() %}
    join {{ ref('int_changed_slices') }} s on {{ in_slice('a.subject_id', 's.slice') }}
    {% endif %}
    where a.outcome = 'data' and (a.expires_at is null or a.expires_at > now())
    group by 1, 2
),

known as (
    select c.contact_id, a.step
    from contacts c
    join answers a on a.subject_id = c.subject_id

    union

    select c.contact_id, a.step
    from contacts c
    join {{ ref('stg_contact_subjects') }} l on l.contact_id = c.contact_id
    join {{ ref('stg_answers') }} a on a.subject_id = l.subject_id
    where a.outcome = 'data' and (a.expires_at is null or a.expires_at > now())
),

items as (
    select c.subject_id, c.country_code, c.state_code, i.item
    from contacts c
    cross join lateral (
        values
        ('contact', true),
        ('given_name', c.has_name),
        ('given_company', c.has_company),
        ('given_email', c.has_email),
        ('given_address', c.has_address)
    ) i (item, is_there)
    where i.is_there

    union all

    select c.subject_id, c.country_code, c.state_code, k.step
    from contacts c
    join known k on k.contact_id = c.contact_id
)

select
    {{ slice('subject_id') }} as slice,
    coalesce(country_code, 'unknown') as country_code,
    state_code,
    item,
    count(*) as contact_count
from items
group by 1, 2, 3, 4
