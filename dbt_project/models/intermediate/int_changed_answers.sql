-- The newest value of each kind for every number looked at, with the moment it must disappear.
select
    l.subject_id,
    {{ newest('valid') }},
    {{ newest('line_type') }},
    {{ newest('carrier_name') }},
    {{ newest('caller_type') }},
    {{ newest('risk_level') }},
    {{ newest('sms_pumping_risk_score') }},
    {{ newest('line_status') }},
    {{ newest('reassigned') }},
    max(fetched_at) as answered_at
from {{ ref('stg_phone_lookups') }} l
join {{ ref('int_changed_subjects') }} s on s.subject_id = l.subject_id
where expires_at is null or expires_at > now()
group by l.subject_id
