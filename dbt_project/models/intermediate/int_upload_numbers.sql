-- depends_on: {{ ref('int_changed_subjects') }}
-- What one number contributes to an upload's summary.
with published as (
    select uc.upload_id, c.subject_id
    from {{ ref('stg_contacts') }} c
    {% if is_incremental() %}
    join {{ ref('int_changed_subjects') }} s on s.subject_id = c.subject_id
    {% endif %}
    join {{ ref('stg_upload_contacts') }} uc on uc.contact_id = c.contact_id
    join {{ ref('stg_batches') }} b on b.batch_id = uc.batch_id
    where {{ is_published('b') }}
),

numbers as (
    select upload_id, subject_id, count(*) as rows_with_number
    from published
    group by upload_id, subject_id
),

claims as (
    select c.*, p.upload_id as asked_for
    from {{ ref('stg_claims') }} c
    {% if is_incremental() %}
    join {{ ref('int_changed_subjects') }} s on s.subject_id = c.subject_id
    {% endif %}
    join {{ ref('stg_plans') }} p on p.plan_id = c.plan_id
),

-- The newest answer per question: what asking for it once more would have cost.
answers as (
    select distinct on (subject_id, provider, operation)
        subject_id, provider, operation, cost_micros
    from claims
    where claim_state = 'answered'
    order by subject_id, provider, operation, epoch desc, claim_id desc
),

own as (
    select distinct asked_for as upload_id, subject_id, provider, operation
    from claims
    where asked_for is not null
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
)

select
    subject_id,
    upload_id,
    answers > 0 as is_looked_up,
    rows_with_number - 1 as duplicate_count,
    ((rows_with_number - 1) * value_micros)::bigint as saved_by_duplicates_micros,
    reused_micros::bigint as saved_by_reuse_micros
from per_number
