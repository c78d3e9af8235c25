-- One row per address of published contacts. Handed in beats found: who gave it need not be told.
with linked as (
    select
        l.subject_id,
        l.contact_id,
        coalesce(c.email_source, l.role)::text as origin
    from {{ ref('stg_contact_subjects') }} l
    join {{ ref('int_contacts') }} p on p.contact_id = l.contact_id
    left join {{ ref('stg_email_candidates') }} c on c.claim_id = l.origin_claim_id
    where l.kind = 'email'
),

verdicts as (
    select distinct on (subject_id)
        subject_id,
        verdict,
        is_free,
        is_role,
        is_disposable
    from {{ ref('stg_email_verifications') }}
    where expires_at is null or expires_at > now()
    order by subject_id, outcome = 'data' desc, fetched_at desc, claim_id desc
)

select
    l.subject_id,
    (array_agg(
        l.origin order by array_position(array['given', 'profile', 'found', 'inferred'], l.origin)
    ))[1] as origin,
    count(distinct l.contact_id) as contact_count,
    min(v.verdict)::text as verdict,
    bool_or(v.is_free) as is_free,
    bool_or(v.is_role) as is_role,
    bool_or(v.is_disposable) as is_disposable
from linked l
left join verdicts v on v.subject_id = l.subject_id
group by l.subject_id
