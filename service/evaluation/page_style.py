"""How a report looks: on light and on dark ground, on a desk and on a phone."""

STYLE = """\
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --soft: #666; --band: #f2f2f2;
 --right: #1a7f37; --wrong: #cf222e; --edge: rgba(0, 0, 0, .45); }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e4e4; --paper: #171717; --soft: #a6a6a6;
 --band: #272727; --right: #3fb950; --wrong: #f85149; --edge: rgba(255, 255, 255, .55); } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1080px; margin: 2em auto; padding: 0 1em;
 color: var(--ink); background: var(--paper); overflow-wrap: break-word; }
h1, h2, h3 { line-height: 1.25; } h1 { font-size: 1.5em; }
h2 { margin-top: 2em; border-bottom: 1px solid var(--soft); }
a { color: inherit; }
table { border-collapse: collapse; margin: 1em 0; font-variant-numeric: tabular-nums; }
th, td { padding: .15em .45em; text-align: right; white-space: nowrap; font-weight: inherit; }
th:first-child, td:first-child { text-align: left; }
thead th { border-bottom: 1px solid var(--ink); font-weight: bold; }
tr.floor { color: var(--soft); } tr.best { font-weight: bold; background: var(--band); }
small, .muted { color: var(--soft); font-weight: normal; }
svg { max-width: 100%; height: auto; }
.scroll { overflow-x: auto; }
.scroll th:first-child { position: sticky; left: 0; background: var(--paper); }
.scroll tr.best th:first-child { background: var(--band); }
.figures { display: flex; flex-wrap: wrap; gap: 1em 2em; }
.maps { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr));
 gap: 1.5em; }
.maps figure { margin: 0; } .maps figure.best figcaption { font-weight: bold; }
.map { display: block; width: 100%; background: var(--band); border-radius: 6px; }
.map path { fill: none; stroke-width: 5; stroke-linecap: round; }
.map path.edge { stroke: var(--edge); stroke-width: 6.5; }
.map rect { stroke: var(--edge); stroke-width: .8; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .2em 1.2em; margin: 1em 0;
 padding: 0; }
.legend i { display: inline-block; width: .8em; height: .8em; margin-right: .4em;
 border-radius: 50%; border: 1px solid var(--edge); }
.row { display: grid; grid-template-columns: repeat(9, minmax(0, 1fr)); gap: 8px;
 margin: 0 0 14px; }
.row figure { margin: 0; font-size: 12px; line-height: 1.3; overflow-wrap: anywhere; }
.row figcaption { margin-top: 5px; }
.pic { display: flex; width: 100%; aspect-ratio: 1; background: var(--band); align-items: center;
 justify-content: center; text-align: center; outline: 2px solid transparent; }
.query .pic { outline-color: var(--soft); }
.right .pic { outline-color: var(--right); } .right .mark { color: var(--right); }
.wrong .pic { outline: 2px dashed var(--wrong); } .wrong .mark { color: var(--wrong); }
@media (max-width: 700px) { .row { grid-template-columns: repeat(5, minmax(0, 1fr)); } }
"""
