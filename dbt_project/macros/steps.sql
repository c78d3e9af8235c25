{# What the registry of steps knows and dbt cannot ask it: tests/dbt/test_steps.py holds them equal. #}

{# Every step with a table of answers in schema enrichment. #}
{% macro steps() %}
    {{ return([
        'phone_lookups', 'phone_validations', 'line_statuses', 'phone_porting', 'reverse_phones',
        'company_profiles', 'person_profiles', 'email_candidates', 'email_verifications',
        'addresses', 'geocodes', 'broadband_coverage', 'deactivations', 'trust_hub_profiles',
        'zipcode_businesses', 'reverse_geocodes', 'business_ids'
    ]) }}
{% endmacro %}

{# Those of them that contacts lead to; a day, a zip code or a point is nobody's. #}
{% macro steps_of_contacts() %}
    {% set others = [
        'deactivations', 'trust_hub_profiles', 'zipcode_businesses', 'reverse_geocodes', 'business_ids'
    ] %}
    {{ return(steps() | reject('in', others) | list) }}
{% endmacro %}

{# Operations of one waterfall share a slot; others do not wait for each other. #}
{% macro waterfall_slot(step, provider, operation) -%}
    case
        when {{ step }} in ('phone_lookups', 'trust_hub_profiles')
            or ({{ step }} = 'zipcode_businesses' and {{ operation }} <> 'search')
            then {{ provider }} || ' ' || {{ operation }}
        else ''
    end
{%- endmacro %}

{# When two answers of a step about one subject agree: over the rows a and b. #}
{% macro agreements() %}
    {{ return({
        'line_statuses': 'a.line_status = b.line_status',
        'reverse_phones': 'lower(a.owner_name) = lower(b.owner_name)',
        'company_profiles': 'a.employees_band = b.employees_band',
        'person_profiles': 'lower(a.linkedin) = lower(b.linkedin)',
        'email_candidates': 'lower(a.email) = lower(b.email)',
        'email_verifications': 'a.verdict = b.verdict',
        'geocodes': 'abs(a.latitude - b.latitude) < 0.005 and abs(a.longitude - b.longitude) < 0.005'
    }) }}
{% endmacro %}

{# As core/places.py: two letters of a state of the United States, however it is written. #}
{% macro state_code(column) -%}
    {%- set states = {
        'al': 'alabama', 'ak': 'alaska', 'az': 'arizona', 'ar': 'arkansas', 'ca': 'california',
        'co': 'colorado', 'ct': 'connecticut', 'de': 'delaware', 'dc': 'district of columbia',
        'fl': 'florida', 'ga': 'georgia', 'hi': 'hawaii', 'id': 'idaho', 'il': 'illinois',
        'in': 'indiana', 'ia': 'iowa', 'ks': 'kansas', 'ky': 'kentucky', 'la': 'louisiana',
        'me': 'maine', 'md': 'maryland', 'ma': 'massachusetts', 'mi': 'michigan',
        'mn': 'minnesota', 'ms': 'mississippi', 'mo': 'missouri', 'mt': 'montana',
        'ne': 'nebraska', 'nv': 'nevada', 'nh': 'new hampshire', 'nj': 'new jersey',
        'nm': 'new mexico', 'ny': 'new york', 'nc': 'north carolina', 'nd': 'north dakota',
        'oh': 'ohio', 'ok': 'oklahoma', 'or': 'oregon', 'pa': 'pennsylvania',
        'ri': 'rhode island', 'sc': 'south carolina', 'sd': 'south dakota', 'tn': 'tennessee',
        'tx': 'texas', 'ut': 'utah', 'vt': 'vermont', 'va': 'virginia', 'wa': 'washington',
        'wv': 'west virginia', 'wi': 'wisconsin', 'wy': 'wyoming', 'pr': 'puerto rico'
    } -%}
    case lower(trim({{ column }}))
        {% for code, name in states.items() -%}
        when '{{ code }}' then '{{ code | upper }}' when '{{ name }}' then '{{ code | upper }}'
        {% endfor -%}
        else 'unknown'
    end
{%- endmacro %}
