with companies as (
    select
        l.subject_id,
        count(distinct l.contact_id) as contact_count
    from {{ ref('stg_contact_subjects') }} l
    join {{ ref('int_contacts') }} p on p.contact_id = l.contact_id
    where l.kind = 'company'
    group by l.subject_id
)

select
    coalesce(f.industry, f.sector, 'unknown')::text as industry,
    coalesce(f.employees_band, 'unknown')::text as employees_band,
    coalesce(f.revenue_band, 'unknown')::text as revenue_band,
    coalesce(upper(f.state_region), 'unknown')::text as state_region,
    count(*) as company_count,
    sum(c.contact_count)::bigint as contact_count,
    count(*) filter (where f.has_site) as with_site_count,
    count(*) filter (where f.basis = 'caller_name') as caller_name_count,
    count(*) filter (where f.subject_id is null) as without_profile_count,
    max(f.fetched_at) as newest_profile_at,
    now() as as_of
from companies c
left join {{ ref('stg_company_profiles') }} f on f.subject_id = c.subject_id
group by 1, 2, 3, 4
