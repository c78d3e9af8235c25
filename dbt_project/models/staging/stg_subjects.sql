-- The number itself ends here: from this view on, only its masked form.
select
    subject_id,
    kind as subject_kind,
    {{ masked_phone('value') }} as masked_phone,
    region as country_code,
    number_type
from {{ source('intake', 'subjects') }}
