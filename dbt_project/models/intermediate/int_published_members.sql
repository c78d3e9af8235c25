-- Contacts of published batches and whom they are one with; not yet matched ones are missing.
select
    m.golden_id,
    c.contact_id,
    c.upload_id,
    c.published_at,
    count(*) over (partition by m.golden_id) as golden_size,
    count(*) over (partition by m.golden_id, c.upload_id) as size_in_upload
from {{ ref('stg_current_members') }} m
join {{ ref('int_contacts') }} c on c.contact_id = m.contact_id
