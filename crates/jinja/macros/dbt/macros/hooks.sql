{# Hooks of a model, as its materialization runs them. #}

{% macro run_hooks(hooks, inside_transaction=true) %}
    {% for hook in hooks if hook.get('transaction', true) == inside_transaction %}
        {%- set text = render(hook.get('sql')) | trim -%}
        {% if text %}
            {% call statement(auto_begin=inside_transaction) %}{{ text }}{% endcall %}
        {% endif %}
    {% endfor %}
{% endmacro %}

{% macro make_hook_config(sql, inside_transaction) %}
    {{ return(tojson({'sql': sql, 'transaction': inside_transaction})) }}
{% endmacro %}

{% macro before_begin(sql) %}
    {{ return(make_hook_config(sql, false)) }}
{% endmacro %}

{% macro in_transaction(sql) %}
    {{ return(make_hook_config(sql, true)) }}
{% endmacro %}

{% macro after_commit(sql) %}
    {{ return(make_hook_config(sql, false)) }}
{% endmacro %}

{% macro set_sql_header(config) -%}
    {{ config.set('sql_header', caller()) }}
{%- endmacro %}
