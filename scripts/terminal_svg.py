#!/usr/bin/env python3
"""Draws text as a terminal would show it, as SVG: readable in light and in dark.

    scripts/terminal_svg.py < text > docs/terminal.svg

Lines that begin with '$ ' are what somebody has typed; words that tell how things are get a
colour, as on a terminal.
"""

import re
import sys
from xml.sax.saxutils import escape

CHAR, LINE, PAD, BAR = 8.4, 19, 16, 30
GOOD = re.compile(r"\b(ok|live|no damage)\b")

STYLE = """
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre;
       fill: #24292f; }
.page { fill: #f6f8fa; stroke: #d0d7de; }
.typed { font-weight: 600; }
.good { fill: #1a7f37; }
.dot { fill: #afb8c1; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .page { fill: #161b22; stroke: #30363d; }
  .good { fill: #3fb950; }
  .dot { fill: #484f58; }
}
"""


def spans(line):
    """The line with its good words marked."""
    parts, at = [], 0
    for found in GOOD.finditer(line):
        parts.append(escape(line[at : found.start()]))
        parts.append(f'<tspan class="good">{escape(found.group())}</tspan>')
        at = found.end()
    return "".join(parts) + escape(line[at:])


def main():
    lines = sys.stdin.read().rstrip("\n").split("\n")
    width = round(max(map(len, lines)) * CHAR + 2 * PAD)
    height = len(lines) * LINE + BAR + PAD
    print(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-labelledby="what">'
    )
    print('<title id="what">streamkit on a terminal</title>')
    print(f"<style>{STYLE}</style>")
    print(f'<rect class="page" x=".5" y=".5" rx="8" width="{width - 1}" height="{height - 1}"/>')
    for place in range(3):
        print(f'<circle class="dot" cx="{PAD + 4 + place * 18}" cy="15" r="5"/>')
    for place, line in enumerate(lines):
        y = BAR + place * LINE + 14
        kind = ' class="typed"' if line.startswith("$ ") else ""
        text = escape(line) if kind else spans(line)
        print(f'<text x="{PAD}" y="{y}" xml:space="preserve"{kind}>{text}</text>')
    print("</svg>")


main()
