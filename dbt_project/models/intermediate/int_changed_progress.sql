-- The newest claim of each question about a number; the rule over them is ops.contact_state.
with questions as (
    select distinct on (c.subject_id, c.provider, c.operation, c.params_hash)
        c.subject_id,
        c.claim_state,
        c.retry_at,
        exists (
            select 1 from {{ ref('stg_quarantine') }} q
            where q.claim_id = c.claim_id and q.resolved_at is null
        ) as quarantined
    from {{ ref('stg_claims') }} c
    join {{ ref('int_changed_subjects') }} s on s.subject_id = c.subject_id
    order by c.subject_id, c.provider, c.operation, c.params_hash, c.epoch desc
)

select
    subject_id,
    count(*) as asked,
    count(*) filter (where claim_state = 'answered' and not quarantined) as answered,
    count(*) filter (
        where claim_state in ('claimed', 'accepted')
            or (claim_state = 'failed' and retry_at is not null)
    ) as moving
from questions
group by subject_id
