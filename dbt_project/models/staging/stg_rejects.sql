select upload_id, row_number, reason
from {{ source('intake', 'rejects') }}
