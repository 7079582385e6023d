"""What pages are made of: the frame, sections, tables and images, as HTML text."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from restore_recog.reporting.columns import NOTHING, Cell, Column, Figures
from restore_recog.reporting.report_figures import Plot
from restore_recog.reporting.tables import Marks

STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #8882; --helps: #009e73;
  --hurts: #d55e00; --unclear: #888; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto;
  padding: 0 1rem; background: Canvas; color: CanvasText; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.6rem;
  border-bottom: 1px solid var(--line); } h3 { font-size: 1rem; margin-bottom: .3rem; }
nav { font-size: .9rem; } nav a { margin-right: 1rem; }
.verdict { font-size: 1.15rem; border-left: .35rem solid var(--unclear); padding: .3rem 1rem; }
.verdict.helps { border-color: var(--helps); } .verdict.hurts { border-color: var(--hurts); }
.verdict b { text-transform: uppercase; font-size: .85em; letter-spacing: .05em;
  margin-right: .5rem; }
.label { display: inline-block; border: 1px solid var(--line); border-radius: 1rem;
  padding: .1rem .8rem; margin: 0 .4rem .4rem 0; font-size: .9rem; }
.wide { overflow-x: auto; margin: .8rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: right;
  vertical-align: top; white-space: nowrap; }
th { vertical-align: bottom; white-space: normal; min-width: 4.5rem; font-weight: 600; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0;
  background: Canvas; }
td small, th small { display: block; opacity: .75; font-weight: 400; }
sup { font-weight: 700; color: var(--hurts); margin-right: .25rem; line-height: 0; }
.flags { font-size: .85rem; margin-top: -.4rem; } .flags span { margin-right: 1.2rem; }
.flags b { color: var(--hurts); }
figure { margin: 1rem 0; } figure > img { max-width: 100%; height: auto; background: white;
  border-radius: .3rem; }
figcaption { margin-bottom: .2rem; }
details { margin: .4rem 0; } summary { cursor: pointer; }
pre { background: var(--soft); padding: 1rem; overflow-x: auto; font-size: .8rem; }
"""


def document(title: str, body: Iterable[str]) -> str:
    """Return a whole page; *body* is HTML, *title* is text."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body>\n</html>\n"
    )


def sections(parts: Iterable[tuple[str, str]]) -> str:
    """Return a line of links and the sections below it, those without content left out."""
    filled = [(title, body) for title, body in parts if body]
    links = "".join(
        f'<a href="#s{number}">{escape(title)}</a>' for number, (title, _) in enumerate(filled)
    )
    return f"<nav>{links}</nav>\n" + "\n".join(
        f'<h2 id="s{number}">{escape(title)}</h2>\n{body}'
        for number, (title, body) in enumerate(filled)
    )


def paragraph(text: str) -> str:
    """Return a paragraph of text."""
    return f"<p>{escape(text)}</p>"


def heading(text: str) -> str:
    """Return a heading inside a section."""
    return f"<h3>{escape(text)}</h3>"


def bullets(lines: Iterable[str]) -> str:
    """Return a list of lines of text."""
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def folded(summary: str, body: str) -> str:
    """Return HTML that is shown once the reader opens it."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def table(head: Sequence[str], rows: Iterable[Sequence[str | Cell]]) -> str:
    """Return a table that scrolls where it is too wide; strings are text.

    Where all figures of a column rest on the same n, it stands in the head, else below each.
    Flags are letters beside the values, spelled out right below the table.
    """
    lines, marks = [list(row) for row in rows], Marks()
    shared = [_shared([line[i] for line in lines]) for i in range(len(head))]
    top = "".join(
        f"<th>{escape(text)}{f'<small>n = {n}</small>' if n else ''}</th>"
        for text, n in zip(head, shared, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(_cell(c, marks, bool(n)) for c, n in zip(line, shared, strict=True))
        + "</tr>"
        for line in lines
    )
    flags = "".join(f"<span><b>{x}</b> {escape(flag)}</span>" for x, flag in marks.lines())
    legend = f'<p class="flags">{flags}</p>' if flags else ""
    return f'<div class="wide"><table><tr>{top}</tr>{body}</table></div>{legend}'


def _shared(column: Sequence[str | Cell]) -> str:
    """Return the n that all measured figures of a column have, or nothing."""
    counts = {c.n for c in column if isinstance(c, Cell) and c.value != NOTHING}
    return counts.pop() if len(counts) == 1 else ""


def arms_table(
    columns: Sequence[Column], rows: Iterable[tuple[str, Figures]], first: str = "Arm"
) -> str:
    """Return one line a name with its figures in the columns that any of them has."""
    everything = list(rows)
    used = [c for c in columns if any(c.figure in figures for _, figures in everything)]
    shown = [(name, f) for name, f in everything if any(c.figure in f for c in used)]
    if not shown:
        return ""
    return table(
        [first, *(column.head for column in used)],
        [[name, *(column.cell(figures) for column in used)] for name, figures in shown],
    )


def _cell(content: str | Cell, marks: Marks, n_above: bool) -> str:
    """Return a cell: the value and its flag, below it its interval and, if not above, its n."""
    if isinstance(content, str):
        return f"<td>{escape(content)}</td>"
    mark = marks.of(content.flag)
    flag = f'<sup title="{escape(content.flag)}">{mark}</sup>' if mark else ""
    small = [f"{_minus(content.low)} to {_minus(content.high)}"] if content.low else []
    if content.n and content.value != NOTHING and not n_above:
        small.append(f"n = {content.n}")
    notes = "".join(f"<small>{escape(note)}</small>" for note in small)
    return f"<td>{flag}{escape(_minus(content.value))}{notes}</td>"


def _minus(text: str) -> str:
    return "−" + text[1:] if text.startswith("-") else text


def drawing(image: Plot | None, alt: str) -> str:
    """Return a drawn figure inside the page; nothing for None."""
    if image is None:
        return ""
    return (
        f'<figure><img alt="{escape(alt)}" width="{image.width}" '
        f'src="{_data("image/png", image.png)}"></figure>'
    )


def photograph(pixels: NDArray[np.uint8], alt: str, caption: str, width: int) -> str:
    """Return an image of (H, W, 3) uint8 RGB inside the page, under its caption.

    It is shown *width* pixels wide, or as wide as the page is.
    """
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=90)
    return (
        f'<figure class="strip"><figcaption>{escape(caption)}</figcaption>'
        f'<img alt="{escape(alt)}" width="{width}" '
        f'src="{_data("image/jpeg", buffer.getvalue())}"></figure>'
    )


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
