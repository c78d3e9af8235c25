-- Slices of numbers whose sub-totals may differ.
select distinct {{ slice('subject_id') }} as slice
from {{ ref('int_changed_subjects') }}
