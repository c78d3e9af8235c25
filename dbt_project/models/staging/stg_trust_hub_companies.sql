select
    subject_id,
    company_subject_id,
    basis
from {{ source('enrichment', 'trust_hub_companies') }}
where expires_at > now()
