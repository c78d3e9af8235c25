{% test one_row(model) %}
    select count(*) as row_count from {{ model }} having count(*) <> 1
{% endtest %}

{% test not_negative(model, column_name) %}
    select {{ column_name }} from {{ model }} where {{ column_name }} < 0
{% endtest %}

{# Every column holds one of its words, in one reading of the model. #}
{% test allowed_words(model, words) %}
    select {{ words | join(', ') }}
    from {{ model }}
    where {% for column, allowed in words.items() -%}
        {{ column }} is null or {{ column }} not in ('{{ allowed | join("', '") }}'){{ ' or ' if not loop.last }}
    {%- endfor %}
{% endtest %}
