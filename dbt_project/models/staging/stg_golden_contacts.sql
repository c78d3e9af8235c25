-- Personal columns end here: from this view on, only whether they are known.
select
    golden_id,
    kind,
    phone_subject_id as subject_id,
    name is not null as has_name,
    company is not null as has_company,
    email is not null as has_email,
    street is not null as has_street,
    cardinality(phone_subject_ids) as phone_count,
    cardinality(emails) as email_count,
    opted_out,
    last_verified_on,
    last_seen_on,
    built_at
from {{ source('matching', 'golden_contacts') }}
