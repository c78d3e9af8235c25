select
    golden_id,
    score,
    validity,
    verified_email,
    company,
    name,
    reachability,
    risk,
    freshness,
    agreement,
    completeness,
    scored_at
from {{ source('matching', 'quality_scores') }}
