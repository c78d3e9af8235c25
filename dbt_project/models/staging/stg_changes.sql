-- Only what this build has taken: changes that come meanwhile are the next one's.
select entity, entity_id
from {{ source('ops', 'mart_changes') }}
where build_id is not null
