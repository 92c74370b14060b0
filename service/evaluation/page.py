"""The template of a report: one page that loads nothing."""

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{{ found.source }}, block by block</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1080px; margin: 2em auto; padding: 0 1em;
 color: #1b1b1b; }
table { border-collapse: collapse; margin: 1em 0; font-variant-numeric: tabular-nums; }
th, td { padding: .15em .45em; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
thead th { border-bottom: 1px solid #1b1b1b; }
tr.floor { color: #6b6b6b; } tr.best { font-weight: bold; background: #f2f2f2; }
small, .muted { color: #6b6b6b; font-weight: normal; }
svg { max-width: 100%; height: auto; }
.scroll { overflow-x: auto; }
.row { display: flex; gap: 6px; margin: 0 0 10px; }
figure { margin: 0; width: 100px; font-size: 12px; line-height: 1.3; overflow-wrap: anywhere; }
figure div { width: 100px; height: 100px; display: flex; align-items: center;
 justify-content: center; background: #f2f2f2; outline: 2px solid transparent; }
figure.query { margin-right: 14px; } figure.right div { outline-color: #1a7f37; }
figure.wrong div { outline-color: #cf222e; }
</style>
</head>
<body>
{%- macro interval(one) -%}
{{ "%.3f"|format(one.value) }}
<small>{{ "%.2f"|format(one.low) }}&ndash;{{ "%.2f"|format(one.high) }}</small>{%- endmacro %}
{%- macro tiles(rows) %}
{% for row in rows %}<div class="row">
{% for tile in row %}<figure class="{{ tile.kind }}"><div>
{% if tile.picture %}<img alt="{{ tile.key }}" title="{{ tile.key }}" src="{{ tile.picture }}">
{% else %}<span class="muted">picture is gone</span>{% endif %}</div>{{ tile.label }}</figure>
{% endfor %}</div>{% endfor %}
{%- endmacro %}
<h1>{{ found.source }}, block by block</h1>
<p>{{ found.items }} pictures, labels from {{ found.labels }}. {{ found.backbone }}, weights
{{ found.weights }}. Every picture asks, all others are ranked. In small: 95 % intervals from
{{ found.resamples }} resamples of the queries, seed {{ found.seed }}.</p>
{% if found.notes %}<ul>{% for note in found.notes %}<li>{{ note }}</li>{% endfor %}</ul>{% endif %}
{% for part in parts %}{% set column = part.column %}
<h2>{{ column.attribute }}</h2>
<p>{{ column.items }} pictures in {{ column.classes }} classes, {{ column.queries }} ask.<br>
{% for line in part.verdict %}{{ line }}<br>{% endfor %}</p>
{{ part.by_block }}
<div class="scroll"><table><thead><tr><th></th>
{% for title in titles.values() %}<th>{{ title }}</th>{% endfor %}<th>macro mAP</th></tr></thead>
{% for row in column.rows %}
<tr class="{{ 'best' if row.name == column.best else row.kind }}"><td>{{ row.name }}
{% if row.bound %}<small>now {{ row.bound|join(", ") }}</small>{% endif %}</td>
{% for name in titles %}<td>{{ interval(row.measures[name]) }}</td>{% endfor %}
<td>{{ interval(row.macro["map"]) }}</td></tr>{% endfor %}</table></div>
<h3>Classes, {{ column.best }}</h3>
{{ part.classes }}
{% if part.confusion %}
<p>Rows ask, five neighbours vote for columns:</p>
<div class="scroll"><table><thead><tr><th></th>
{% for label in column.confusion.labels %}<th>{{ label }}</th>{% endfor %}</tr></thead>
{% for line in column.confusion.counts %}<tr><td>{{ column.confusion.labels[loop.index0] }}</td>
{% set own = loop.index0 %}{% for count in line %}
<td style="background: rgba({{ '26,127,55' if loop.index0 == own else '207,34,46' }},
{{ '%.2f'|format(0.5 * count / (line|sum or 1)) }})">{{ count or "" }}</td>{% endfor %}</tr>
{% endfor %}</table></div>
{% else %}<p class="muted">The confusions of {{ column.classes }} classes are in the JSON.</p>
{% endif %}
<h3>What is found</h3>
<p class="muted">A picture of each class, drawn at random, and the pictures nearest to it.</p>
{{ tiles(part.drawn) }}
<h3>What is found worst</h3>
<p class="muted">The pictures of the lowest average precision.</p>
{{ tiles(part.worst) }}
{% endfor %}
</body>
</html>
"""
