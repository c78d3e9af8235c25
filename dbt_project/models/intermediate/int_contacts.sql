-- depends_on: {{ ref('int_changed_subjects') }}
-- One row per published contact, values still beside their expiry. Not granted to readers.
-- depends_on: {{ ref('int_changed_slices') }}
with contacts as (
    select c.*
    from {{ ref('stg_contacts') }} c
    {% if is_incremental() %}
    join {{ ref('int_changed_subjects') }} s on s.subject_id = c.subject_id
    {% endif %}
),

all_rows as (
    select
        c.contact_id,
        uc.upload_id,
        uc.batch_id,
        b.batch_state,
        b.published_at,
        {{ is_published('b') }} as is_published
    from contacts c
    join {{ ref('stg_upload_contacts') }} uc on uc.contact_id = c.contact_id
    join {{ ref('stg_batches') }} b on b.batch_id = uc.batch_id
),

approvals as (
    select
        upload_id,
        bool_or(plan_state in ('approved', 'done')) as approved,
        bool_or(plan_state = 'waiting_approval') as waiting
    from {{ ref('stg_plans') }}
    where upload_id is not null
    group by upload_id
),

uploaded as (
    select
        r.contact_id,
        bool_or(r.batch_state = 'blocked') as blocked,
        bool_or(a.approved) as approved,
        bool_or(a.waiting) as waiting
    from all_rows r
    left join approvals a on a.upload_id = r.upload_id
    group by r.contact_id
),

first_rows as (
    select distinct on (contact_id) contact_id, upload_id, batch_id, published_at
    from all_rows
    where is_published
    order by contact_id, published_at, batch_id
),

-- The newest claim of each question; the rule over them is ops.contact_state.
questions as (
    select distinct on (c.provider, c.operation, c.subject_id, c.params_hash)
        c.subject_id,
        c.claim_state,
        c.retry_at,
        exists (
            select 1 from {{ ref('stg_quarantine') }} q
            where q.claim_id = c.claim_id and q.resolved_at is null
        ) as quarantined
    from {{ ref('stg_claims') }} c
    {% if is_incremental() %}
    join {{ ref('int_changed_subjects') }} s on s.subject_id = c.subject_id
    {% endif %}
    order by c.provider, c.operation, c.subject_id, c.params_hash, c.epoch desc
),

progress as (
    select
        subject_id,
        count(*) as asked,
        count(*) filter (where claim_state = 'answered' and not quarantined) as answered,
        count(*) filter (
            where claim_state in ('claimed', 'accepted')
                or (claim_state = 'failed' and retry_at is not null)
        ) as moving
    from questions
    group by subject_id
)

select
    f.contact_id,
    c.subject_id,
    f.upload_id,
    f.batch_id,
    f.published_at,
    c.source_id,
    c.created_at as first_seen_at,
    c.has_name,
    c.has_company,
    c.has_email,
    c.has_address,
    s.masked_phone,
    s.country_code,
    s.number_type,
    ops.contact_state(p.asked, p.answered, p.moving, u.blocked, u.approved, u.waiting) as status,
    row_number() over (partition by c.subject_id order by f.contact_id) = 1 as is_first_of_number,
    a.valid,
    a.valid_until,
    a.line_type,
    a.line_type_until,
    a.carrier_name,
    a.carrier_name_until,
    a.caller_type,
    a.caller_type_until,
    a.risk_level,
    a.risk_level_until,
    a.sms_pumping_risk_score,
    a.sms_pumping_risk_score_until,
    a.line_status,
    a.line_status_until,
    a.reassigned,
    a.reassigned_until,
    a.answered_at
from first_rows f
join contacts c on c.contact_id = f.contact_id
join uploaded u on u.contact_id = f.contact_id
join {{ ref('stg_subjects') }} s on s.subject_id = c.subject_id
left join progress p on p.subject_id = c.subject_id
left join {{ ref('int_phone_answers') }} a on a.subject_id = c.subject_id
