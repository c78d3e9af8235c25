select contact_id, golden_id, started_at
from {{ source('matching', 'memberships') }}
where ended_at is null
