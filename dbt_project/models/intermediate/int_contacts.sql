-- One row per published contact, values still beside their expiry. Not granted to readers.
with first_rows as (
    select distinct on (contact_id) contact_id, subject_id, upload_id, batch_id, published_at
    from {{ ref('int_published_rows') }}
    order by contact_id, published_at, batch_id
)

select
    f.contact_id,
    f.subject_id,
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
    st.status,
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
join {{ ref('stg_contacts') }} c on c.contact_id = f.contact_id
join {{ ref('stg_subjects') }} s on s.subject_id = f.subject_id
join {{ ref('stg_contact_status') }} st on st.contact_id = f.contact_id
left join {{ ref('int_phone_answers') }} a on a.subject_id = f.subject_id
