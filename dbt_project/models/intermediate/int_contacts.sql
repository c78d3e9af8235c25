-- depends_on: {{ ref('int_changed_subjects') }}
-- One row per published contact, values still beside their expiry. Not granted to readers.
with contacts as (
    select c.*
    from {{ ref('stg_contacts') }} c
    {% if is_incremental() %}
    join {{ ref('int_changed_subjects') }} s on s.subject_id = c.subject_id
    {% endif %}
),

every_row as (
    {{ rows_of('contacts') }}
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

placed as (
    select
        r.contact_id,
        (array_agg(r.batch_id order by b.published_at, r.batch_id) filter (where {{ is_published('b') }}))[1]
            as batch_id,
        bool_or(b.batch_state = 'blocked') as blocked,
        bool_or(a.approved) as approved,
        bool_or(a.waiting) as waiting
    from every_row r
    join {{ ref('stg_batches') }} b on b.batch_id = r.batch_id
    left join approvals a on a.upload_id = b.upload_id
    group by r.contact_id
)

select
    c.contact_id,
    c.subject_id,
    b.upload_id,
    b.batch_id,
    b.published_at,
    c.source_id,
    c.created_at as first_seen_at,
    c.has_name,
    c.has_company,
    c.has_email,
    c.has_address,
    c.state_code,
    s.masked_phone,
    s.country_code,
    s.number_type,
    ops.contact_state(p.asked, p.answered, p.moving, r.blocked, r.approved, r.waiting) as status,
    row_number() over (partition by c.subject_id order by c.contact_id) = 1 as is_first_of_number,
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
from placed r
join contacts c on c.contact_id = r.contact_id
join {{ ref('stg_batches') }} b on b.batch_id = r.batch_id
join {{ ref('stg_subjects') }} s on s.subject_id = c.subject_id
left join {{ ref('int_changed_progress') }} p on p.subject_id = c.subject_id
left join {{ ref('int_changed_answers') }} a on a.subject_id = c.subject_id
