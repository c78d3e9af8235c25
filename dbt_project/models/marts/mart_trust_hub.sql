-- A view, so that a value whose licence has run out is gone the moment it runs out.
with answers as (
    select distinct on (subject_id, operation) *
    from {{ ref('stg_trust_hub_profiles') }}
    where operation in ('evaluation', 'assignments')
    order by subject_id, operation, fetched_at desc, claim_id desc
),

evaluations as (
    select * from answers where operation = 'evaluation'
),

assignments as (
    select * from answers where operation = 'assignments'
),

businesses as (
    select distinct on (a.subject_id)
        a.subject_id,
        b.masked_registration,
        b.registration_authority
    from assignments a
    join {{ ref('stg_trust_hub_profiles') }} b on b.operation = 'business' and b.sid = any(a.assigned)
    order by a.subject_id, b.fetched_at desc, b.claim_id desc
),

-- A trust product says whose it is by having the customer profile assigned to it.
products as (
    select
        c.subject_id,
        count(*) as trust_product_count,
        count(*) filter (where p.status = 'twilio-approved') as approved_trust_product_count
    from {{ ref('int_trust_hub_profiles') }} c
    join assignments a on c.sid = any(a.assigned)
    join {{ ref('int_trust_hub_profiles') }} p on p.subject_id = a.subject_id
    where p.kind = 'trust_product'
    group by c.subject_id
),

companies as (
    select
        subject_id,
        count(*) as company_count,
        min(basis) as matched_by
    from {{ ref('stg_trust_hub_companies') }}
    group by subject_id
)

select
    p.subject_id,
    p.sid::text as profile_sid,
    case
        when p.policy = 'primary_business' then 'ours'
        when p.policy is null then 'unknown'
        else 'customer'
    end as relation,
    coalesce(p.policy, 'unknown')::text as policy,
    p.status::text as status,
    e.score::integer as score,
    e.evaluation_status::text as evaluation_status,
    e.evaluated_at,
    coalesce(cardinality(e.checks_passed), 0) as passed_count,
    coalesce(cardinality(e.checks_failed), 0) as failed_count,
    array_to_string(e.checks_failed, ', ') as failed_checks,
    b.masked_registration::text as masked_registration,
    b.registration_authority::text as registration_authority,
    coalesce(t.trust_product_count, 0)::bigint as trust_product_count,
    coalesce(t.approved_trust_product_count, 0)::bigint as approved_trust_product_count,
    coalesce(c.company_count, 0)::bigint as company_count,
    c.matched_by::text as matched_by,
    p.valid_until,
    p.reverify_at,
    coalesce(p.reverify_at <= now(), false) as is_reverification_due,
    p.fetched_at as read_at,
    p.expires_at,
    now() as as_of
from {{ ref('int_trust_hub_profiles') }} p
left join evaluations e on e.subject_id = p.subject_id
left join businesses b on b.subject_id = p.subject_id
left join products t on t.subject_id = p.subject_id
left join companies c on c.subject_id = p.subject_id
where p.kind = 'customer_profile'
