-- The newest value of each kind for every number looked at, with the moment it must disappear.
with answers as (
    select
        subject_id,
        claim_id,
        valid,
        line_type,
        carrier_name,
        caller_type,
        risk_level,
        sms_pumping_risk_score,
        null::text as line_status,
        reassigned,
        fetched_at,
        expires_at
    from {{ ref('stg_phone_lookups') }}

    union all

    select
        subject_id,
        claim_id,
        null,
        null,
        null,
        null,
        null,
        null,
        line_status,
        null,
        fetched_at,
        expires_at
    from {{ ref('stg_line_statuses') }}
)

select
    a.subject_id,
    {{ newest('valid') }},
    {{ newest('line_type') }},
    {{ newest('carrier_name') }},
    {{ newest('caller_type') }},
    {{ newest('risk_level') }},
    {{ newest('sms_pumping_risk_score') }},
    {{ newest('line_status') }},
    {{ newest('reassigned') }},
    max(fetched_at) as answered_at
from answers a
join {{ ref('int_changed_subjects') }} s on s.subject_id = a.subject_id
where expires_at is null or expires_at > now()
group by a.subject_id
