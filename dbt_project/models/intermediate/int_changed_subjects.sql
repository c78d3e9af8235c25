-- depends_on: {{ ref('stg_subjects') }}
-- depends_on: {{ ref('stg_last_build') }}
-- depends_on: {{ ref('stg_phone_lookups') }}
-- depends_on: {{ ref('stg_contacts') }}
-- depends_on: {{ ref('stg_claims') }}
-- depends_on: {{ ref('stg_upload_contacts') }}
-- depends_on: {{ ref('stg_changes') }}
-- Numbers whose contacts and answers may look different than at the last build.
{% if builds_anew() %}
select subject_id from {{ ref('stg_subjects') }}
{% else %}
with changes as (
    select entity, entity_id from {{ ref('stg_changes') }}
),

rows_of_changes as (
    select uc.contact_id
    from changes x
    join {{ ref('stg_upload_contacts') }} uc on uc.batch_id = x.entity_id
    where x.entity = 'batch'

    union all

    select entity_id from changes where entity = 'contact'
),

-- A plan decides the status of those only of whom nothing was asked.
rows_of_plans as (
    select uc.contact_id
    from changes x
    join {{ ref('stg_upload_contacts') }} uc on uc.upload_id = x.entity_id
    where x.entity = 'upload'
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
    from rows_of_changes r
    join {{ ref('stg_contacts') }} c on c.contact_id = r.contact_id

    union all

    select c.subject_id
    from rows_of_plans r
    join {{ ref('stg_contacts') }} c on c.contact_id = r.contact_id
    where not exists (select 1 from {{ ref('stg_claims') }} a where a.subject_id = c.subject_id)

    union all

    select l.subject_id
    from {{ ref('stg_phone_lookups') }} l, {{ ref('stg_last_build') }} b
    where l.expires_at > coalesce(b.started_at, '-infinity') and l.expires_at <= now()
)

select distinct subject_id from found
{% endif %}
