{%- set line_types = {
    'mobile': 'mobile', 'landline': 'landline', 'fixed_voip': 'fixedVoip',
    'non_fixed_voip': 'nonFixedVoip', 'toll_free': 'tollFree', 'personal': 'personal',
    'premium': 'premium', 'voicemail': 'voicemail', 'shared_cost': 'sharedCost', 'uan': 'uan',
    'pager': 'pager', 'unknown': 'unknown'
} -%}
with contacts as (
    select
        count(*) as contacts,
        count(distinct subject_id) as numbers,
        {% for status in ['new', 'waiting_approval', 'in_progress', 'partial', 'complete', 'blocked'] -%}
        count(*) filter (where status = '{{ status }}') as contacts_{{ status }},
        {% endfor -%}
        {% for validity in ['valid', 'invalid', 'unknown'] -%}
        count(*) filter (where validity = '{{ validity }}') as validity_{{ validity }},
        {% endfor -%}
        {% for name, word in line_types.items() -%}
        count(*) filter (where line_type = '{{ word }}') as line_{{ name }},
        {% endfor -%}
        count(*) filter (where line_type is null) as line_not_known,
        count(*) filter (where line_type_group = 'voip') as line_voip,
        count(*) filter (
            where line_type not in ({% for word in line_types.values() %}'{{ word }}'{{ ', ' if not loop.last }}{% endfor %})
        ) as line_other,
        {% for level in ['low', 'medium', 'high', 'unknown'] -%}
        count(*) filter (where risk_level = '{{ level }}') as risk_{{ level }},
        {% endfor -%}
        {% for kind in ['business', 'consumer', 'unknown'] -%}
        count(*) filter (where contact_kind = '{{ kind }}') as kind_{{ kind }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('dim_contacts') }}
),

uploads as (
    select
        count(*) as uploads,
        coalesce(sum(row_count), 0)::bigint as upload_rows,
        coalesce(sum(reject_count), 0)::bigint as rejects,
        coalesce(sum(duplicate_count), 0)::bigint as duplicate_rows,
        coalesce(sum(saved_micros), 0)::bigint as saved_micros
    from {{ ref('mart_upload_summary') }}
),

batches as (
    select
        count(*) filter (where {{ is_published('b') }}) as batches_published,
        count(*) filter (where not {{ is_published('b') }}) as batches_open
    from {{ ref('stg_batches') }} b
),

claims as (
    select
        count(*) filter (where claim_state = 'answered') as lookups_answered,
        count(*) filter (where outcome = 'data') as lookups_with_data,
        count(*) filter (where outcome = 'no_data') as lookups_without_data,
        count(*) filter (where outcome = 'invalid_subject') as lookups_invalid,
        count(*) filter (where claim_state = 'failed') as lookups_failed,
        count(*) filter (where claim_state = 'unknown_outcome') as lookups_unknown,
        count(*) filter (where claim_state in ('claimed', 'accepted')) as lookups_running,
        coalesce(sum(cost_micros), 0)::bigint as cost_micros
    from {{ ref('stg_claims') }}
),

requests as (
    select
        count(*) as requests,
        count(*) filter (where error_class is not null) as requests_failed
    from {{ ref('stg_requests') }}
)

select
    now() as as_of,
    contacts.*,
    uploads.*,
    batches.*,
    claims.*,
    requests.*,
    {{ usd('cost_micros') }} as cost_usd,
    {{ usd('saved_micros') }} as saved_usd,
    {{ ratio('rejects', 'upload_rows') }} as reject_rate,
    {{ ratio('contacts_complete', 'contacts') }} as complete_rate,
    {{ ratio('validity_valid', 'validity_valid + validity_invalid') }} as valid_rate,
    {{ ratio('risk_high', 'contacts - risk_unknown') }} as high_risk_rate,
    {{ ratio('lookups_with_data', 'lookups_answered') }} as hit_rate,
    {{ ratio('requests_failed', 'requests') }} as request_error_rate
from contacts, uploads, batches, claims, requests
