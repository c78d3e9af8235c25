select
    batch_id,
    upload_id,
    batch_number,
    partition_key,
    state as batch_state,
    row_count,
    created_at,
    published_at
from {{ source('intake', 'batches') }}
