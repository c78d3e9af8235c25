-- A view: whether a provider may be asked is as of now, its exchanges are those of the last build.
with states as (
    select provider, provider_state, reason, state_until, changed_at
    from {{ ref('stg_provider_states') }}
    where provider_state <> 'active' and (state_until is null or state_until > now())
),

circuits as (
    select
        provider,
        count(*) as open_circuit_count,
        string_agg(endpoint, ', ' order by endpoint) as open_endpoints,
        min(opened_at) as opened_at
    from {{ ref('stg_breakers') }}
    where circuit_state <> 'closed'
    group by provider
),

providers as (
    select provider from {{ ref('int_provider_activity') }}
    union
    select provider from states
    union
    select provider from circuits
)

select
    p.provider::text as provider,
    coalesce(s.provider_state, case when c.open_circuit_count > 0 then 'circuit_open' else 'active' end)::text as state,
    s.reason::text as reason,
    coalesce(s.changed_at, c.opened_at) as since,
    s.state_until as until,
    coalesce(c.open_circuit_count, 0)::integer as open_circuit_count,
    c.open_endpoints,
    a.last_success_at,
    coalesce(a.request_count_24h, 0)::bigint as request_count_24h,
    coalesce(a.failed_count_24h, 0)::bigint as failed_count_24h,
    {{ ratio('a.failed_count_24h', 'a.request_count_24h') }} as error_rate_24h,
    coalesce(a.as_of, now()) as as_of
from providers p
left join states s on s.provider = p.provider
left join circuits c on c.provider = p.provider
left join {{ ref('int_provider_activity') }} a on a.provider = p.provider
