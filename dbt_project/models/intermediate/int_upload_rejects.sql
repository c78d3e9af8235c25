-- depends_on: {{ ref('int_changed_uploads') }}
-- Refused rows of one upload by reason, published or not.
select r.upload_id, r.reason::text as reason, count(*) as reject_count
from {{ ref('stg_rejects') }} r
{% if is_incremental() %}
join {{ ref('int_changed_uploads') }} u on u.upload_id = r.upload_id
{% endif %}
group by 1, 2
