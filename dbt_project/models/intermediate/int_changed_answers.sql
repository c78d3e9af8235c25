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
from {{ ref('int_changed_subjects') }} s
{% if builds_anew() %}
join answers a on a.subject_id = s.subject_id
{% else %}
cross join lateral (select * from answers o where o.subject_id = s.subject_id offset 0) a
{% endif %}
where a.expires_at is null or a.expires_at > now()
group by a.subject_id
