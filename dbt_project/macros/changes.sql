{# What incremental models do with the changes noted in ops.mart_changes. #}

{# Whether this build reads everything: the first one, or one asked to forget the earlier ones. #}
{% macro builds_anew() %}
    {% if not execute or flags.FULL_REFRESH %}{{ return(true) }}{% endif %}
    {{ return(adapter.get_relation(target.database, 'intermediate', 'int_contacts') is none) }}
{% endmacro %}

{# Before rows are inserted again: those that may have changed go. Few rows of large tables are
   wanted from here on, and statistics lag behind. #}
{% macro forget(column, changed, changed_column=none) %}
    {% if is_incremental() %}
        set local enable_seqscan = off;
        set local enable_mergejoin = off;
        delete from {{ this }} where {{ column }} in (select {{ changed_column or column }} from {{ ref(changed) }})
    {% endif %}
{% endmacro %}

{# The slice of 64 ids an id belongs to: sub-totals are kept per slice and added up. #}
{% macro slice(id) -%}
    ({{ id }} >> 6)
{%- endmacro %}

{# Whether an id belongs to a slice, written so that an index on the id serves. #}
{% macro in_slice(id, slice) -%}
    {{ id }} >= ({{ slice }} << 6) and {{ id }} < (({{ slice }} + 1) << 6)
{%- endmacro %}
