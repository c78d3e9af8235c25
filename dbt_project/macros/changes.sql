{# What incremental models do with the changes noted in ops.mart_changes. #}

{# Whether this build reads everything: the first one, or one asked to forget the earlier ones. #}
{% macro builds_anew() %}
    {% if not execute or flags.FULL_REFRESH %}{{ return(true) }}{% endif %}
    {{ return(adapter.get_relation(target.database, 'intermediate', 'int_contacts') is none) }}
{% endmacro %}

{# Few rows of large tables are wanted in this transaction, and statistics lag behind: by index. Notes
   of changes are of all kinds, so that how many are of one is anybody's guess: without hashing. #}
{% macro expect_few(hashing=true) %}
    {% if not builds_anew() %}
        set local enable_seqscan = off;
        set local enable_mergejoin = off;
        {% if not hashing %}set local enable_hashjoin = off;{% endif %}
    {% endif %}
{% endmacro %}

{# Before rows are inserted again: those that may have changed go. #}
{% macro forget(column, changed, changed_column=none) %}
    {{ expect_few() }}
    {% if is_incremental() %}
        delete from {{ this }} where {{ column }} in (select {{ changed_column or column }} from {{ ref(changed) }})
    {% endif %}
{% endmacro %}

{# The slice of 16 numbers a subject belongs to: sub-totals are kept per slice and added up. Wider
   slices make a change cost more, narrower ones the adding up. #}
{% macro slice(subject_id) -%}
    ({{ subject_id }} >> 4)
{%- endmacro %}

{# Whether a subject belongs to a slice, written so that an index on the id serves. #}
{% macro in_slice(subject_id, slice) -%}
    {{ subject_id }} >= ({{ slice }} << 4) and {{ subject_id }} < (({{ slice }} + 1) << 4)
{%- endmacro %}

{# Every number of the changed slices, told apart so that the planner knows how many there are. #}
{% macro numbers_of_slices() -%}
    select n.subject_id
    from {{ ref('int_changed_slices') }} s
    cross join unnest(array[
        {%- for offset in range(16) %}(s.slice << 4) + {{ offset }}{{ ', ' if not loop.last }}{% endfor -%}
    ]) n (subject_id)
{%- endmacro %}

{# Every accepted row of some contacts (a relation with contact_id, subject_id, first_batch_id): the
   first and the repeated ones. Not over intake.upload_contacts, a view that is read whole in a join. #}
{% macro rows_of(contacts) -%}
    select contact_id, subject_id, first_batch_id as batch_id from {{ contacts }}
    union all
    select c.contact_id, c.subject_id, r.batch_id
    from {{ contacts }} c
    join {{ ref('stg_repeated_rows') }} r on r.contact_id = c.contact_id
{%- endmacro %}
