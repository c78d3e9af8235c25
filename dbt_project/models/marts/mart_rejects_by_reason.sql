select
    r.upload_id,
    r.reason::text as reason,
    count(*) as reject_count,
    {{ ratio('count(*)', 'max(u.row_count)') }} as share_of_rows,
    now() as as_of
from {{ ref('stg_rejects') }} r
join {{ ref('int_published_uploads') }} p on p.upload_id = r.upload_id
join {{ ref('stg_uploads') }} u on u.upload_id = r.upload_id
group by r.upload_id, r.reason
