with published as (
    select
        golden_id,
        count(*) as contact_count,
        count(distinct upload_id) as upload_count,
        min(published_at) as published_at
    from {{ ref('int_published_members') }}
    group by golden_id
)

select
    g.golden_id,
    g.kind::text as kind,
    g.subject_id,
    p.contact_count,
    p.upload_count,
    g.phone_count,
    g.email_count,
    g.has_name,
    g.has_company,
    g.has_email,
    g.has_street,
    g.opted_out,
    g.last_verified_on,
    g.last_seen_on,
    q.score::integer as quality_score,
    q.validity::integer as validity,
    q.verified_email::integer as verified_email,
    q.company::integer as company,
    q.name::integer as name,
    q.reachability::integer as reachability,
    q.risk::integer as risk,
    q.freshness::integer as freshness,
    q.agreement::integer as agreement,
    q.completeness::integer as completeness,
    p.published_at,
    now() as as_of
from published p
join {{ ref('stg_golden_contacts') }} g on g.golden_id = p.golden_id
left join {{ ref('stg_quality_scores') }} q on q.golden_id = p.golden_id
