select
    contact_id,
    kind,
    subject_id,
    role,
    origin_claim_id
from {{ source('intake', 'contact_subjects') }}
