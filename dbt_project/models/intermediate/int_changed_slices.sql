-- Slices of contacts whose sub-totals may differ, those of contacts that are gone included.
select distinct {{ slice('c.contact_id') }} as slice
from {{ ref('stg_contacts') }} c
join {{ ref('int_changed_subjects') }} s on s.subject_id = c.subject_id

union

select {{ slice('entity_id') }}
from {{ ref('stg_changes') }}
where entity = 'contact'
