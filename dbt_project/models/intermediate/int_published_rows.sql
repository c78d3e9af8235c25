-- What may be shown: rows of published batches.
select
    uc.upload_id,
    uc.row_number,
    uc.batch_id,
    uc.contact_id,
    c.subject_id,
    b.published_at
from {{ ref('stg_upload_contacts') }} uc
join {{ ref('stg_batches') }} b on b.batch_id = uc.batch_id
join {{ ref('stg_contacts') }} c on c.contact_id = uc.contact_id
where {{ is_published('b') }}
