select
    upload_id,
    state as upload_state,
    row_count,
    contact_count,
    new_contact_count,
    reject_count,
    size_bytes,
    received_at,
    loaded_at
from {{ source('intake', 'uploads') }}
