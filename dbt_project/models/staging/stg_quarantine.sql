select quarantine_id, step, table_name, claim_id, rule, column_name, quarantined_at, resolved_at
from {{ source('ops', 'quarantine') }}
