"""The template of a report: one page that loads nothing. Each picture is in it once, at its end."""

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{{ found.source }}, block by block</title>
<style>
{{ style }}</style>
</head>
<body>
{%- macro interval(one) -%}
{{ "%.3f"|format(one.value) }}
<small>{{ "%.2f"|format(one.low) }}&ndash;{{ "%.2f"|format(one.high) }}</small>{%- endmacro %}
{%- macro tiles(rows) %}
{% for row in rows %}<div class="row">
{% for tile in row %}<figure class="{{ tile.kind }}">
{% if tile.picture %}<svg class="pic" viewBox="0 0 100 100" role="img"
 aria-label="{{ tile.kind }}: {{ tile.key }}"><title>{{ tile.key }}</title>
<use href="#{{ tile.picture.name }}" width="100" height="100"/></svg>
{% else %}<div class="pic muted">picture is gone</div>
{% endif %}<figcaption><span class="mark">{{ marks[tile.kind] }}</span> {{ tile.label }}
</figcaption></figure>
{% endfor %}</div>{% endfor %}
{%- endmacro %}
{%- macro map(one, best) %}
{% set score = "%.3f"|format(one.row.measures["map"].value) %}
<figure{% if best %} class="best"{% endif %}>
<figcaption>{{ one.row.name }}, mAP {{ score }}</figcaption>
<svg class="map" viewBox="0 0 {{ plane.width }} {{ plane.height }}" role="img"
 aria-label="Map of {{ one.row.name }}, mAP {{ score }}, with {{ one.thumbs|length }} thumbnails">
{% for dots in one.dots %}<path class="edge" d="{{ dots.path }}"/>
{% endfor %}{% for dots in one.dots %}<path stroke="{{ dots.color }}" d="{{ dots.path }}"/>
{% endfor %}{% for thumb in one.thumbs %}<g><title>{{ thumb.label }}: {{ thumb.key }}</title>
<rect x="{{ (thumb.x - frame)|round(1) }}" y="{{ (thumb.y - frame)|round(1) }}"
 width="{{ (thumb.width + 2 * frame)|round(1) }}" height="{{ (thumb.height + 2 * frame)|round(1) }}"
 fill="{{ thumb.color }}"/><use href="#{{ thumb.picture.name }}" x="{{ thumb.x|round(1) }}"
 y="{{ thumb.y|round(1) }}" width="{{ thumb.width|round(1) }}"
 height="{{ thumb.height|round(1) }}"/></g>
{% endfor %}</svg></figure>
{%- endmacro %}
<h1>{{ found.source }}, block by block</h1>
<p>{{ found.items }} pictures, labels from {{ found.labels }}. {{ found.backbone }}, weights
{{ found.weights }}. Every picture asks, all others are ranked. In small: 95 % intervals from
{{ found.resamples }} resamples of the queries, seed {{ found.seed }}.</p>
{% if found.notes %}<ul>{% for note in found.notes %}<li>{{ note }}</li>{% endfor %}</ul>{% endif %}
{% if parts|length > 1 %}<nav>{% for part in parts %}
<a href="#a{{ loop.index }}">{{ part.column.attribute }}</a>{% endfor %}</nav>{% endif %}
<main>
{% for part in parts %}{% set column = part.column %}
<h2 id="a{{ loop.index }}">{{ column.attribute }}</h2>
<p>{{ column.items }} pictures in {{ column.classes }} classes, {{ column.queries }} ask.<br>
<strong>{{ part.verdict[0] }}</strong><br>
{% for line in part.verdict[1:] %}{{ line }}<br>{% endfor %}</p>
<h3>Accuracy by block</h3>
<div class="figures">{% for one in part.by_block %}{{ one }}{% endfor %}</div>
<div class="scroll"><table><thead><tr><th></th>
{% for title in titles.values() %}<th scope="col">{{ title }}</th>{% endfor %}
<th scope="col">macro mAP</th></tr></thead>
{% for row in column.rows %}
<tr class="{{ 'best' if row.name == column.best else row.kind }}"><th scope="row">{{ row.name }}
{% if row.bound %}<small>now {{ row.bound|join(", ") }}</small>{% endif %}</th>
{% for name in titles %}<td>{{ interval(row.measures[name]) }}</td>{% endfor %}
<td>{{ interval(row.macro["map"]) }}</td></tr>{% endfor %}</table></div>
<h3>Maps</h3>
{% if part.maps.why %}<p>{{ part.maps.why }}</p>
{% else %}<p class="muted">Each block in its best recipe, laid out by UMAP: what is near in a
block&rsquo;s space is near on its map, as well as a plane allows. Distances and gaps on a map
measure nothing, and directions mean nothing: how well classes are told apart is what mAP says.
{% if part.maps.items < part.maps.total %}A sample of {{ part.maps.items }} of
{{ part.maps.total }} pictures, by seed {{ found.seed }}. {% endif %}Frames and dots show
the class; a dot is a picture that had no room.</p>
<ul class="legend">{% for label, color, count in part.maps.legend if color != others %}
<li><i style="background: {{ color }}"></i>{{ label }} <small>{{ count }}</small></li>
{% endfor %}{% set rest = part.maps.legend|selectattr(1, "equalto", others)|list %}
{% if rest %}<li><i style="background: {{ others }}"></i>{{ rest|length }} other classes
<small>{{ rest|sum(attribute=2) }}</small></li>{% endif %}</ul>
<div class="maps">{% for one in part.maps.drawn %}
{{ map(one, one.row.name == column.best) }}{% endfor %}</div>
{% endif %}
<h3>Classes, {{ column.best }}</h3>
{{ part.classes }}
{% if part.confusion %}
<p>Rows ask, five neighbours vote for columns:</p>
<div class="scroll"><table><thead><tr><th></th>
{% for label in column.confusion.labels %}<th scope="col">{{ label }}</th>{% endfor %}
</tr></thead>
{% for line in column.confusion.counts %}
<tr><th scope="row">{{ column.confusion.labels[loop.index0] }}</th>
{% set own = loop.index0 %}{% for count in line %}
<td style="background: rgba({{ '26,127,55' if loop.index0 == own else '207,34,46' }},
{{ '%.2f'|format(0.5 * count / (line|sum or 1)) }})">{{ count or "" }}</td>{% endfor %}</tr>
{% endfor %}</table></div>
{% else %}<p class="muted">The confusions of {{ column.classes }} classes are in the JSON.</p>
{% endif %}
<h3>What is found</h3>
<p class="muted">A picture drawn at random from each
{% if part.drawn|length < column.classes %}of {{ part.drawn|length }} classes{% else %}class
{%- endif %}, and the pictures nearest to it:
{{ marks.right }} of its class, {{ marks.wrong }} of another.</p>
{{ tiles(part.drawn) }}
<h3>What is found worst</h3>
<p class="muted">The pictures of the lowest average precision, and what is nearest to them.</p>
{{ tiles(part.worst) }}
{% endfor %}
</main>
<svg width="0" height="0" aria-hidden="true" style="position: absolute">
{% for one in pictures %}<symbol id="{{ one.name }}" viewBox="0 0 {{ one.width }} {{ one.height }}">
<image width="{{ one.width }}" height="{{ one.height }}" href="{{ one.data }}"/></symbol>
{% endfor %}</svg>
</body>
</html>
"""
