with contacts as (
    select
        {% for name in contact_counters() -%}
        coalesce(sum({{ name }}), 0)::bigint as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_contact_totals') }}
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
        {% for name, condition in {
            'lookups_answered': "claim_state = 'answered'",
            'lookups_with_data': "outcome = 'data'",
            'lookups_without_data': "outcome in ('no_data', 'objected')",
            'lookups_invalid': "outcome = 'invalid_subject'",
            'lookups_failed': "claim_state = 'failed'",
            'lookups_unknown': "claim_state = 'unknown_outcome'",
            'lookups_running': "claim_state in ('claimed', 'accepted')",
        }.items() -%}
        coalesce(sum(claim_count) filter (where {{ condition }}), 0)::bigint as {{ name }},
        {% endfor -%}
        coalesce(sum(cost_micros), 0)::bigint as cost_micros,
        coalesce(sum(answer_s), 0) as answer_s
    from {{ ref('int_run_lookups') }}
),

requests as (
    select
        coalesce(sum(request_count), 0)::bigint as requests,
        coalesce(sum(request_count) filter (where error_class <> 'none'), 0)::bigint as requests_failed
    from {{ ref('int_run_requests') }}
),

golden as (
    select
        count(*) filter (where contact_count > 1) as duplicate_groups,
        coalesce(sum(contact_count - 1), 0)::bigint as duplicate_contacts,
        count(*) filter (where quality_score >= 80) as quality_high,
        count(*) filter (where quality_score >= 50 and quality_score < 80) as quality_medium,
        count(*) filter (where quality_score < 50) as quality_low
    from {{ ref('dim_golden_contacts') }}
),

trust_hub as (
    select
        {% for name, statuses in {
            'verified': "= 'twilio-approved'",
            'pending': "in ('pending-review', 'in-review')",
            'rejected': "= 'twilio-rejected'",
        }.items() -%}
        count(distinct c.contact_id) filter (where p.status {{ statuses }}) as trust_hub_{{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_trust_hub_profiles') }} p
    join {{ ref('stg_trust_hub_companies') }} t on t.subject_id = p.subject_id
    join {{ ref('stg_contact_subjects') }} l on l.subject_id = t.company_subject_id
    join {{ ref('int_contacts') }} c on c.contact_id = l.contact_id
    where p.kind = 'customer_profile'
),

coverage as (
    select coalesce(sum(broadband_coverage), 0)::bigint as contacts_with_coverage
    from {{ ref('int_coverage_totals') }}
)

select
    now() as as_of,
    {% for name in contact_counters() -%}
    contacts.{{ name }},
    {% endfor -%}
    uploads.*,
    batches.*,
    {% for name in ['lookups_answered', 'lookups_with_data', 'lookups_without_data', 'lookups_invalid', 'lookups_failed', 'lookups_unknown', 'lookups_running', 'cost_micros'] -%}
    claims.{{ name }},
    {% endfor -%}
    requests.*,
    trust_hub.*,
    golden.*,
    coverage.*,
    {% for name in later_counters() -%}
    0::bigint as {{ name }},
    {% endfor -%}
    {{ usd('cost_micros') }} as cost_usd,
    {{ usd('saved_micros') }} as saved_usd,
    coalesce(round(cost_micros::numeric / nullif(contacts_enriched, 0)), 0)::bigint as cost_per_contact_micros,
    coalesce(round(answer_s / nullif(lookups_answered, 0), 1), 0)::numeric(14, 1) as mean_processing_s,
    {{ ratio('rejects', 'upload_rows') }} as reject_rate,
    {{ ratio('contacts_complete', 'contacts') }} as complete_rate,
    {{ ratio('contacts_enriched', 'contacts') }} as enrichment_rate,
    {{ ratio('validity_valid', 'contacts') }} as verification_rate,
    {{ ratio('validity_valid', 'validity_valid + validity_invalid') }} as valid_rate,
    {{ ratio('kind_business', 'kind_business + kind_consumer') }} as business_rate,
    {{ ratio('risk_high', 'contacts - risk_unknown') }} as high_risk_rate,
    {{ ratio('contacts_with_email', 'contacts') }} as email_coverage,
    {{ ratio('contacts_with_address', 'contacts') }} as address_coverage,
    {{ ratio('contacts_with_coverage', 'contacts') }} as broadband_coverage,
    {{ ratio('lookups_with_data', 'lookups_answered') }} as hit_rate,
    {{ ratio('requests_failed', 'requests') }} as request_error_rate
from contacts, uploads, batches, claims, requests, trust_hub, golden, coverage
