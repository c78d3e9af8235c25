{# One named rule each, unit-tested beside the models that use them. #}

{# Published once and not blocked since: while a batch is asked again, what it has stays shown. #}
{% macro is_published(batch) -%}
    ({{ batch }}.batch_state = 'published'
        or ({{ batch }}.batch_state = 'enriching' and {{ batch }}.published_at is not null))
{%- endmacro %}

{# Country prefix and the last two digits: enough to recognise, too little to call. #}
{% macro masked_phone(value) -%}
    case when length({{ value }}) > 6
        then left({{ value }}, 3) || repeat('•', length({{ value }}) - 5) || right({{ value }}, 2)
    end
{%- endmacro %}

{# As core/contact_kind.py: the vendor writes BUSINESS, CONSUMER or nothing; anything else stays unknown, never guessed. #}
{% macro contact_kind(caller_type) -%}
    case upper(trim({{ caller_type }}))
        when 'BUSINESS' then 'business'
        when 'CONSUMER' then 'consumer'
        else 'unknown'
    end
{%- endmacro %}

{% macro validity(valid) -%}
    case {{ valid }} when true then 'valid' when false then 'invalid' else 'unknown' end
{%- endmacro %}

{# VoIP is fixed plus non-fixed; everything the vendor names beyond the big four is `other`. #}
{% macro line_type_group(line_type) -%}
    case
        when {{ line_type }} is null or {{ line_type }} = 'unknown' then 'unknown'
        when {{ line_type }} in ('fixedVoip', 'nonFixedVoip') then 'voip'
        when {{ line_type }} in ('mobile', 'landline') then {{ line_type }}
        when {{ line_type }} = 'tollFree' then 'toll_free'
        else 'other'
    end
{%- endmacro %}

{# Every ratio is defined: nothing out of nothing is 0. #}
{% macro ratio(part, whole) -%}
    coalesce(round(({{ part }})::numeric / nullif({{ whole }}, 0), 6), 0)::numeric(9, 6)
{%- endmacro %}

{% macro usd(micros) -%}
    (({{ micros }})::numeric / 1000000)::numeric(18, 6)
{%- endmacro %}

{% macro business_day(moment) -%}
    ({{ moment }} at time zone '{{ var("business_timezone") }}')::date
{%- endmacro %}

{# The newest answer that says something, and until when it may be shown. #}
{% macro newest(column, alias=none) -%}
    (array_agg({{ column }} order by fetched_at desc, claim_id desc)
        filter (where {{ column }} is not null))[1] as {{ alias or column }},
    (array_agg(coalesce(expires_at, 'infinity') order by fetched_at desc, claim_id desc)
        filter (where {{ column }} is not null))[1] as {{ alias or column }}_until
{%- endmacro %}

{% macro unexpired(column) -%}
    case when {{ column }}_until > now() then {{ column }} end
{%- endmacro %}
