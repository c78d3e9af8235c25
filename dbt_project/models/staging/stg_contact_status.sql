select contact_id, status
from {{ source('ops', 'contact_status') }}
