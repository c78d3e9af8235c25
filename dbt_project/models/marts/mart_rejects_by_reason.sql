select
    r.upload_id,
    r.reason,
    r.reject_count,
    {{ ratio('r.reject_count', 'u.row_count') }} as share_of_rows,
    now() as as_of
from {{ ref('int_upload_rejects') }} r
join {{ ref('int_published_uploads') }} p on p.upload_id = r.upload_id
join {{ ref('stg_uploads') }} u on u.upload_id = r.upload_id
