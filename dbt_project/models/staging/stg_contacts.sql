-- Personal columns end here: from this view on, only whether they were given.
select
    contact_id,
    source_id,
    first_batch_id,
    phone_subject_id as subject_id,
    coalesce(name, first_name, last_name) is not null as has_name,
    company is not null as has_company,
    email is not null as has_email,
    coalesce(street, city, postal_code) is not null as has_address,
    {{ state_code('state_region') }} as state_code,
    created_at,
    erased_at
from {{ source('intake', 'contacts') }}
