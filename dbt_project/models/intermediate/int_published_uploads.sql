-- A loaded upload shows once a batch of it is published; one without any good row has none to wait for.
select
    u.upload_id,
    count(b.batch_id) as batch_count,
    count(b.batch_id) filter (where {{ is_published('b') }}) as published_batch_count,
    max(b.published_at) as published_at
from {{ ref('stg_uploads') }} u
left join {{ ref('stg_batches') }} b on b.upload_id = u.upload_id
where u.upload_state = 'loaded'
group by u.upload_id
having count(b.batch_id) = 0 or count(b.batch_id) filter (where {{ is_published('b') }}) > 0
