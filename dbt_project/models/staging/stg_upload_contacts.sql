select upload_id, row_number, batch_id, contact_id
from {{ source('intake', 'upload_contacts') }}
