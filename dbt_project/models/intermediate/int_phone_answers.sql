-- One row per number: the newest value of each kind, with the moment it must disappear.
select
    subject_id,
    {{ newest('valid') }},
    {{ newest('line_type') }},
    {{ newest('carrier_name') }},
    {{ newest('caller_type') }},
    {{ newest('risk_level') }},
    {{ newest('sms_pumping_risk_score') }},
    {{ newest('line_status') }},
    {{ newest('reassigned') }},
    max(fetched_at) as answered_at
from {{ ref('stg_phone_lookups') }}
where expires_at is null or expires_at > now()
group by subject_id
