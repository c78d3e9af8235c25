{# What the dashboard counts among contacts: name and condition over dim_contacts. Sub-totals per
   slice and their sum share it, so that a counter is named once. #}
{% macro contact_counters() %}
    {%- set counters = {'contacts': 'true', 'numbers': 'is_first_of_number'} -%}
    {%- for status in ['new', 'waiting_approval', 'in_progress', 'partial', 'complete', 'blocked'] -%}
        {%- do counters.update({'contacts_' ~ status: "status = '" ~ status ~ "'"}) -%}
    {%- endfor -%}
    {%- for validity in ['valid', 'invalid', 'unknown'] -%}
        {%- do counters.update({'validity_' ~ validity: "validity = '" ~ validity ~ "'"}) -%}
    {%- endfor -%}
    {%- for name, word in line_types().items() -%}
        {%- do counters.update({'line_' ~ name: "line_type = '" ~ word ~ "'"}) -%}
    {%- endfor -%}
    {%- set words = "'" ~ line_types().values() | join("', '") ~ "'" -%}
    {%- do counters.update({
        'line_not_known': 'line_type is null',
        'line_voip': "line_type_group = 'voip'",
        'line_other': 'line_type not in (' ~ words ~ ')',
    }) -%}
    {%- for level in ['low', 'medium', 'high', 'unknown'] -%}
        {%- do counters.update({'risk_' ~ level: "risk_level = '" ~ level ~ "'"}) -%}
    {%- endfor -%}
    {%- for kind in ['business', 'consumer', 'unknown'] -%}
        {%- do counters.update({'kind_' ~ kind: "contact_kind = '" ~ kind ~ "'"}) -%}
    {%- endfor -%}
    {%- for given in ['name', 'company', 'email', 'address'] -%}
        {%- do counters.update({'contacts_with_' ~ given: 'has_' ~ given}) -%}
    {%- endfor -%}
    {%- do counters.update({'contacts_enriched': 'answered_at is not null'}) -%}
    {{ return(counters) }}
{% endmacro %}

{# The vendor's words for a line, and our names of their counters. #}
{% macro line_types() %}
    {{ return({
        'mobile': 'mobile', 'landline': 'landline', 'fixed_voip': 'fixedVoip',
        'non_fixed_voip': 'nonFixedVoip', 'toll_free': 'tollFree', 'personal': 'personal',
        'premium': 'premium', 'voicemail': 'voicemail', 'shared_cost': 'sharedCost', 'uan': 'uan',
        'pager': 'pager', 'unknown': 'unknown'
    }) }}
{% endmacro %}

{# Counters of parts that are not built yet; each is 0 and says so in its description. #}
{% macro later_counters() %}
    {{ return([
        'crm_synced', 'crm_failed', 'messages_sent', 'messages_delivered', 'messages_replied',
        'calls_made', 'calls_answered', 'opt_outs'
    ]) }}
{% endmacro %}

{# Durations fall into classes at most 1/32 wide, so that percentiles can be added up per run. #}
{% macro duration_class(ms) -%}
    {%- set bits -%}
        width_bucket({{ ms }}, array[{% for bit in range(6, 31) %}{{ 2 ** bit }}{{ ', ' if not loop.last }}{% endfor %}])
    {%- endset -%}
    (({{ ms }} >> {{ bits }}) << {{ bits }})
{%- endmacro %}
