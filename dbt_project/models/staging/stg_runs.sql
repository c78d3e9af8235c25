select run_id, step
from {{ source('ledger', 'runs') }}
