select provider, state as provider_state, reason, until as state_until, changed_at
from {{ source('ops', 'provider_states') }}
