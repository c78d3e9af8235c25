-- One row per profile or trust product: its newest status, whether it was read or told by a review.
select distinct on (subject_id)
    subject_id,
    kind,
    sid,
    status,
    first_value(policy) over known as policy,
    valid_until,
    changed_at,
    reverify_at,
    fetched_at,
    expires_at
from {{ ref('stg_trust_hub_profiles') }}
where operation in ('profile', 'review')
window known as (partition by subject_id order by policy is null, fetched_at desc, claim_id desc)
order by subject_id, fetched_at desc, claim_id desc
