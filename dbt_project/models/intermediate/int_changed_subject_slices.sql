-- Slices of numbers whose share in an upload's figures may differ.
select distinct {{ slice('subject_id') }} as slice from {{ ref('int_changed_subjects') }}
