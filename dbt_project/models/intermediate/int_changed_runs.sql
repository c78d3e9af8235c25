-- Engine runs whose claims or exchanges may differ.
select distinct entity_id as run_id from {{ ref('stg_changes') }} where entity = 'run'
