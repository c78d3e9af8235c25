with published as (
    select * from {{ ref('int_published_uploads') }}
),

numbers as (
    select upload_id, subject_id, count(*) as rows_with_number
    from {{ ref('int_published_rows') }}
    group by upload_id, subject_id
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
    select p.upload_id, sum(coalesce(c.cost_micros, 0)) as cost_micros, count(*) as claims
    from {{ ref('stg_claims') }} c
    join {{ ref('stg_plans') }} p on p.plan_id = c.plan_id
    where p.upload_id is not null
    group by p.upload_id
),

-- The newest answer per question: what asking for it once more would have cost.
answers as (
    select distinct on (subject_id, provider, operation)
        subject_id, provider, operation, cost_micros
    from {{ ref('stg_claims') }}
    where claim_state = 'answered'
    order by subject_id, provider, operation, epoch desc, claim_id desc
),

own as (
    select distinct p.upload_id, c.subject_id, c.provider, c.operation
    from {{ ref('stg_claims') }} c
    join {{ ref('stg_plans') }} p on p.plan_id = c.plan_id
    where p.upload_id is not null
),

per_number as (
    select
        n.upload_id,
        n.subject_id,
        n.rows_with_number,
        count(a.subject_id) as answers,
        coalesce(sum(a.cost_micros), 0) as value_micros,
        coalesce(sum(a.cost_micros) filter (where own.subject_id is null), 0) as reused_micros
    from numbers n
    left join answers a on a.subject_id = n.subject_id
    left join own
        on own.upload_id = n.upload_id
        and own.subject_id = a.subject_id
        and own.provider = a.provider
        and own.operation = a.operation
    group by n.upload_id, n.subject_id, n.rows_with_number
),

summed as (
    select
        upload_id,
        count(*) as number_count,
        count(*) filter (where answers > 0) as looked_up_count,
        sum(rows_with_number - 1) as duplicate_count,
        sum((rows_with_number - 1) * value_micros) as saved_by_duplicates_micros,
        sum(reused_micros) as saved_by_reuse_micros
    from per_number
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
    now() as as_of
from published p
join {{ ref('stg_uploads') }} u on u.upload_id = p.upload_id
left join summed s on s.upload_id = p.upload_id
left join plans on plans.upload_id = p.upload_id
left join paid on paid.upload_id = p.upload_id
