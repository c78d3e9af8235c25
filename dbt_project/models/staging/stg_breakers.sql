select
    split_part(key, '/', 1) as provider,
    split_part(key, '/', 2) as endpoint,
    state as circuit_state,
    opened_at
from {{ source('ops', 'breakers') }}
