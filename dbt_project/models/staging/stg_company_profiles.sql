select
    subject_id,
    basis,
    sector,
    industry,
    employees_band,
    revenue_band,
    state_region,
    site is not null as has_site,
    fetched_at
from {{ source('enrichment', 'company_profiles_best') }}
