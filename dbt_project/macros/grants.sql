{#
    Readers get the marts and nothing below them: a grant on a view opens neither the tables it
    reads nor expired values. Roles are made by `bulk-lookup db provision`; without them, no grant.
#}
{% macro grant_marts() %}
    {% if execute %}
        {% set known = run_query(
            "select rolname from pg_roles where rolname in"
            " ('bulk_lookup_analyst', 'bulk_lookup_operator') order by 1"
        ).columns[0].values() %}
        {% set built = run_query("select 1 from pg_namespace where nspname = 'marts'").rows %}
        {% for role in known if built | length %}
            grant usage on schema marts to {{ role }};
            grant select on all tables in schema marts to {{ role }};
        {% endfor %}
    {% endif %}
{% endmacro %}
