select provider, unit, allowance, remaining, resets_at, told_at
from {{ source('ops', 'provider_quotas') }}
