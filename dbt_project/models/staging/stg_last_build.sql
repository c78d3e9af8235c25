select max(started_at) as started_at
from {{ source('ops', 'mart_builds') }}
where finished_at is not null
