-- Uploads that may have begun or ceased to show, those that are gone included.
select entity_id as upload_id from {{ ref('stg_changes') }} where entity = 'upload'

union

select b.upload_id
from {{ ref('stg_changes') }} x
join {{ ref('stg_batches') }} b on b.batch_id = x.entity_id
where x.entity = 'batch'
