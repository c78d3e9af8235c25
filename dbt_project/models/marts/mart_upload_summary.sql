with published as (
    select * from {{ ref('int_published_uploads') }}
),

plans as (
    select
        upload_id,
        sum(coalesce(estimated_micros, 0)) filter (where plan_state <> 'superseded') as estimated_micros,
        sum(cap_micros) filter (where plan_state in ('approved', 'done', 'expired')) as cap_micros
    from {{ ref('stg_plans') }}
    where upload_id is not null
    group by upload_id
),

-- What this upload's own plans paid for; the ledger adds up to this whatever was published.
paid as (
    select p.upload_id, sum(r.cost_micros)::bigint as cost_micros, sum(r.claim_count)::bigint as claims
    from {{ ref('int_run_lookups') }} r
    join {{ ref('stg_plans') }} p on p.plan_id = r.plan_id
    where p.upload_id is not null
    group by p.upload_id
),

summed as (
    select
        upload_id,
        sum(number_count) as number_count,
        sum(looked_up_count) as looked_up_count,
        sum(duplicate_count) as duplicate_count,
        sum(saved_by_duplicates_micros) as saved_by_duplicates_micros,
        sum(saved_by_reuse_micros) as saved_by_reuse_micros
    from {{ ref('int_upload_totals') }}
    group by upload_id
)

select
    u.upload_id,
    u.received_at,
    u.loaded_at,
    p.published_at,
    p.batch_count,
    p.published_batch_count,
    coalesce(u.row_count, 0)::bigint as row_count,
    coalesce(u.contact_count, 0)::bigint as contact_count,
    coalesce(u.new_contact_count, 0)::bigint as new_contact_count,
    coalesce(u.reject_count, 0)::bigint as reject_count,
    {{ ratio('u.reject_count', 'u.row_count') }} as reject_rate,
    coalesce(s.number_count, 0)::bigint as number_count,
    coalesce(s.duplicate_count, 0)::bigint as duplicate_count,
    coalesce(s.looked_up_count, 0)::bigint as looked_up_count,
    coalesce(paid.claims, 0)::bigint as claim_count,
    coalesce(paid.cost_micros, 0)::bigint as cost_micros,
    plans.estimated_micros::bigint as estimated_micros,
    plans.cap_micros::bigint as cap_micros,
    coalesce(s.saved_by_duplicates_micros, 0)::bigint as saved_by_duplicates_micros,
    coalesce(s.saved_by_reuse_micros, 0)::bigint as saved_by_reuse_micros,
    coalesce(s.saved_by_duplicates_micros + s.saved_by_reuse_micros, 0)::bigint as saved_micros,
    coalesce(round(paid.cost_micros::numeric / nullif(u.contact_count, 0)), 0)::bigint as cost_per_contact_micros,
    now() as as_of
from published p
join {{ ref('stg_uploads') }} u on u.upload_id = p.upload_id
left join summed s on s.upload_id = p.upload_id
left join plans on plans.upload_id = p.upload_id
left join paid on paid.upload_id = p.upload_id
