-- A pair counts for the upload that brought its later contact: that is where it was found.
with members as (
    select
        upload_id,
        count(*) as contact_count,
        count(distinct golden_id) as golden_contact_count,
        count(*) filter (where golden_size > 1) as merged_count,
        count(*) filter (where golden_size > size_in_upload) as merged_elsewhere_count
    from {{ ref('int_published_members') }}
    group by upload_id
),

kept as (
    select contact_a, contact_b, true as waits
    from {{ ref('stg_waiting_pairs') }}
    union all
    select contact_a, contact_b, false
    from {{ ref('stg_match_pairs') }}
    where verdict = 'related'
),

pairs as (
    select
        b.upload_id,
        count(*) filter (where k.waits) as waiting_pair_count,
        count(*) filter (where not k.waits) as related_pair_count
    from kept k
    join {{ ref('int_published_members') }} a on a.contact_id = k.contact_a
    join {{ ref('int_published_members') }} b on b.contact_id = k.contact_b
    group by b.upload_id
)

select
    m.upload_id,
    m.contact_count,
    m.golden_contact_count,
    m.merged_count,
    m.merged_elsewhere_count,
    {{ ratio('m.merged_count', 'm.contact_count') }} as merged_share,
    coalesce(p.waiting_pair_count, 0) as waiting_pair_count,
    coalesce(p.related_pair_count, 0) as related_pair_count,
    now() as as_of
from members m
left join pairs p on p.upload_id = m.upload_id
