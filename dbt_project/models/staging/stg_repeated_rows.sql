select batch_id, row_number, contact_id
from {{ source('intake', 'repeated_rows') }}
