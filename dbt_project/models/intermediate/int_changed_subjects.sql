-- depends_on: {{ ref('stg_subjects') }}
-- depends_on: {{ ref('stg_last_build') }}
-- depends_on: {{ ref('stg_answers') }}
-- depends_on: {{ ref('stg_contact_subjects') }}
-- depends_on: {{ ref('stg_contacts') }}
-- depends_on: {{ ref('stg_claims') }}
-- depends_on: {{ ref('stg_batches') }}
-- depends_on: {{ ref('stg_repeated_rows') }}
-- depends_on: {{ ref('stg_changes') }}
-- Subjects whose contacts and answers may look different than at the last build.
{% if builds_anew() %}
select subject_id from {{ ref('stg_subjects') }}
{% else %}
with changes as (
    select distinct entity, entity_id from {{ ref('stg_changes') }}
),

-- Of an upload (its plan, mostly) only those of whom nothing was asked look different.
noted as (
    select entity_id as batch_id, true as is_whole from changes where entity = 'batch'

    union all

    select b.batch_id, false
    from changes x
    join {{ ref('stg_batches') }} b on b.upload_id = x.entity_id
    where x.entity = 'upload'
),

batches as (
    select batch_id, bool_or(is_whole) as is_whole from noted group by batch_id
),

rows_of_batches as (
    select b.is_whole, c.subject_id
    from batches b
    join {{ ref('stg_contacts') }} c on c.first_batch_id = b.batch_id

    union all

    select b.is_whole, c.subject_id
    from batches b
    join {{ ref('stg_repeated_rows') }} r on r.batch_id = b.batch_id
    join {{ ref('stg_contacts') }} c on c.contact_id = r.contact_id
),

found as (
    select entity_id as subject_id from changes where entity = 'subject'

    union all

    select c.subject_id
    from changes x
    join {{ ref('stg_claims') }} c on c.run_id = x.entity_id
    where x.entity = 'run'

    union all

    select c.subject_id
    from changes x
    join {{ ref('stg_contacts') }} c on c.contact_id = x.entity_id
    where x.entity = 'contact'

    union all

    select subject_id from rows_of_batches where is_whole

    union all

    select r.subject_id
    from rows_of_batches r
    where
        not r.is_whole
        and not exists (select 1 from {{ ref('stg_claims') }} a where a.subject_id = r.subject_id)

    union all

    select subject_id
    from {{ ref('stg_answers') }}
    where
        expires_at > (select coalesce(started_at, '-infinity') from {{ ref('stg_last_build') }})
        and expires_at <= now()
),

-- What is found of an e-mail address or a company changes what is known of its contacts.
led_there as (
    select c.subject_id
    from found f
    join {{ ref('stg_contact_subjects') }} l on l.subject_id = f.subject_id
    join {{ ref('stg_contacts') }} c on c.contact_id = l.contact_id
)

select subject_id from found
union
select subject_id from led_there
{% endif %}
