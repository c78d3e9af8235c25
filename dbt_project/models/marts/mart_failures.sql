-- Failures are data: what failed, why, and when it will be tried again.
with failures as (
    select
        provider,
        operation,
        claim_state as failure,
        coalesce(error_class, 'none') as error_class,
        coalesce(error_code, '') as error_code,
        attempt,
        retry_at,
        coalesce(settled_at, claimed_at) as happened_at
    from {{ ref('stg_claims') }}
    where claim_state in ('failed', 'unknown_outcome')

    union all

    select
        coalesce(c.provider, 'none'),
        coalesce(c.operation, q.step),
        'quarantined',
        'quarantine',
        left(q.rule, 60),
        coalesce(c.attempt, 1),
        null,
        q.quarantined_at
    from {{ ref('stg_quarantine') }} q
    left join {{ ref('stg_claims') }} c on c.claim_id = q.claim_id
    where q.resolved_at is null
)

select
    provider::text as provider,
    operation::text as operation,
    failure::text as failure,
    error_class::text as error_class,
    error_code::text as error_code,
    count(*) as claim_count,
    count(*) filter (where retry_at is not null) as due_again_count,
    max(attempt)::integer as most_attempts,
    min(retry_at) as next_attempt_at,
    max(happened_at) as last_happened_at,
    now() as as_of
from failures
group by 1, 2, 3, 4, 5
