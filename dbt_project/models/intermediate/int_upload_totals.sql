-- depends_on: {{ ref('int_changed_slices') }}
-- What the numbers of one slice contribute to an upload's summary.
with contacts as (
    select c.contact_id, c.subject_id, c.first_batch_id
    from {{ ref('stg_contacts') }} c
    {% if is_incremental() %}
    join ({{ numbers_of_slices() }}) s on s.subject_id = c.subject_id
    {% endif %}
),

every_row as (
    {{ rows_of('contacts') }}
),

numbers as (
    select b.upload_id, r.subject_id, count(*) as rows_with_number
    from every_row r
    join {{ ref('stg_batches') }} b on b.batch_id = r.batch_id
    where {{ is_published('b') }}
    group by b.upload_id, r.subject_id
),

-- What the newest answer to a question cost is what asking it once more would have cost.
questions as (
    select
        c.subject_id,
        (array_agg(c.cost_micros order by c.epoch desc, c.claim_id desc)
            filter (where c.claim_state = 'answered'))[1] as value_micros,
        array_agg(p.upload_id) as asked_for
    from {{ ref('stg_claims') }} c
    {% if is_incremental() %}
    join ({{ numbers_of_slices() }}) s on s.subject_id = c.subject_id
    {% endif %}
    join {{ ref('stg_plans') }} p on p.plan_id = c.plan_id
    group by c.subject_id, c.provider, c.operation
    having bool_or(c.claim_state = 'answered')
),

per_number as (
    select
        n.upload_id,
        n.subject_id,
        n.rows_with_number,
        count(q.subject_id) as answers,
        coalesce(sum(q.value_micros), 0) as value_micros,
        coalesce(sum(q.value_micros) filter (where (n.upload_id = any(q.asked_for)) is not true), 0)
            as reused_micros
    from numbers n
    left join questions q on q.subject_id = n.subject_id
    group by n.upload_id, n.subject_id, n.rows_with_number
)

select
    {{ slice('subject_id') }} as slice,
    upload_id,
    count(*) as number_count,
    count(*) filter (where answers > 0) as looked_up_count,
    sum(rows_with_number - 1)::bigint as duplicate_count,
    sum((rows_with_number - 1) * value_micros)::bigint as saved_by_duplicates_micros,
    sum(reused_micros)::bigint as saved_by_reuse_micros
from per_number
group by 1, 2
