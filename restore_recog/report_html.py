"""The report as one page that needs nothing else: no scripts, no links, pictures inside."""

from __future__ import annotations

import base64
import io
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from PIL import Image

from restore_recog import record
from restore_recog.report import ArmReport, Example, Report

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --mark: #0072b2; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
.verdict { font-size: 1.15rem; border-left: .3rem solid var(--mark); padding: .3rem 1rem; }
.label { display: inline-block; border: 1px solid var(--line); border-radius: 1rem;
  padding: .1rem .8rem; margin: 0 .4rem .4rem 0; font-size: .9rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: right;
  vertical-align: top; }
th:first-child, td:first-child { text-align: left; }
small { opacity: .75; white-space: nowrap; display: block; }
figure { margin: 1rem 0; } figure img { max-width: 100%; height: auto; }
.strip img { width: 100%; max-width: 72rem; image-rendering: auto; border-radius: .2rem; }
.tiles { display: grid; font-size: .75rem; opacity: .8; max-width: 72rem; }
pre { background: var(--soft); padding: 1rem; overflow-x: auto; font-size: .8rem; }
"""

Column = tuple[str, str, float, int, bool]
"""Title, figure, factor, digits, and whether it is a difference."""

RECOGNITION: tuple[Column, ...] = (
    ("Rank-1, %", "rank1", 100, 1, False),
    ("Gain, points", "rank1_gain", 100, 1, True),
    ("Recovered, %", "recovered", 100, 0, False),
    ("Genuine cosine", "cosine", 1, 3, False),
    ("Gain in cosine", "cosine_gain", 1, 3, True),
    ("Impostor cosine", "impostor_cosine", 1, 3, False),
    ("EER, %", "eer", 100, 1, False),
    ("FNMR at FMR 1 %, %", "fnmr@fmr=0.01", 100, 1, False),
    ("FNMR at FMR 0.1 %, %", "fnmr@fmr=0.001", 100, 1, False),
)
QUALITY: tuple[Column, ...] = (
    ("PSNR, dB", "psnr", 1, 2, False),
    ("PSNR in the mask, dB", "psnr_mask", 1, 2, False),
    ("SSIM", "ssim", 1, 3, False),
    ("SSIM in the mask", "ssim_mask", 1, 3, False),
    ("L1, %", "l1", 100, 2, False),
    ("L1 in the mask, %", "l1_mask", 100, 2, False),
    ("Map Dice", "dice", 1, 3, False),
    ("Map IoU", "iou", 1, 3, False),
)


def page(report: Report) -> str:
    """Return the HTML page of a report."""
    parts = [
        "<h1>Does restoring the face first help the recogniser?</h1>",
        *(f'<p class="verdict">{escape(text)}</p>' for text in report.verdicts),
        "<p>" + "".join(f'<span class="label">{escape(x)}</span>' for x in report.labels) + "</p>",
        "<h2>Recognition</h2>",
        _table(report.arms, RECOGNITION),
        _explanation(report),
        _figures(report),
        "<h2>Likeness to the unoccluded twin</h2>",
        _table(report.arms, QUALITY)
        if _any(report.arms, QUALITY)
        else "<p>No twins are known.</p>",
        "<h2>What failed</h2>",
        _failures(report),
        "<h2>Before and after</h2>",
        "<p>Every restored region is painted by a model: a guess, not evidence. Flips come first: "
        "probes that were found only after restoring, then those that were found only before.</p>",
        *map(_example, report.examples),
        "<h2>Notes</h2>",
        "<ul>" + "".join(f"<li>{escape(note)}</li>" for note in report.notes) + "</ul>",
        "<h2>Cost</h2>",
        _timing(report.timing),
        "<h2>To repeat it</h2>",
        f"<pre>{escape(json.dumps(record.plain(report.setup), indent=1))}</pre>",
    ]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>restore-recog: report</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _any(arms: Iterable[ArmReport], columns: Sequence[Column]) -> bool:
    return any(column[1] in arm.figures for arm in arms for column in columns)


def _table(arms: Sequence[ArmReport], columns: Sequence[Column]) -> str:
    used = [c for c in columns if any(c[1] in arm.figures for arm in arms)]
    shown = [arm for arm in arms if any(c[1] in arm.figures for c in used)]
    head = "".join(f"<th>{escape(text)}</th>" for text in ("Arm", *(c[0] for c in used)))
    rows = "".join(
        f"<tr><td>{escape(arm.name)}</td>{''.join(_cell(arm, c) for c in used)}</tr>"
        for arm in shown
    )
    return f'<div class="wide"><table><tr>{head}</tr>{rows}</table></div>'


def _cell(arm: ArmReport, column: Column) -> str:
    """Return the value, below it the interval or the n, and what limits it."""
    _, name, factor, digits, signed = column
    figure = arm.figures.get(name, {})
    sign = "+" if signed else ""

    def text(value: Any) -> str:
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            return "–"
        return f"{value * factor:{sign}.{digits}f}"

    if not figure:
        return "<td>–</td>"
    small = []
    if figure.get("straddles_zero"):
        small.append("the mask's cost may be 0")
    elif text(figure.get("low")) != "–":
        small.append(f"{text(figure['low'])} to {text(figure['high'])}")
    if "n" in figure:
        small.append(f"n = {figure['n']}")
    if figure.get("supported") is False:
        small.append(f"too few impostors ({figure['n_impostor']})")
    notes = "".join(f"<small>{escape(note)}</small>" for note in small)
    return f"<td>{text(figure.get('value'))}{notes}</td>"


def _explanation(report: Report) -> str:
    floor = next((arm for arm in report.arms if arm.arm == "occluded"), None)
    if floor is None or "rank1" not in floor.figures:
        return ""
    rank1 = floor.figures["rank1"]
    genuine = sum(trial.genuine for trial in report.trials)
    return (
        f"<p>Every arm has the same {rank1['n']} probes of {rank1['n_subjects']} subjects, "
        f"searched in a gallery of {rank1['gallery_subjects']} subjects with "
        f"{rank1['references_per_subject']:.1f} references each; rank-1 depends on that size. "
        "Ties count against the probe. Small print: 95 % interval from resampling subjects. "
        "Gain: paired difference to the occluded arm. Recovered: share of the mask's cost in "
        "rank-1 that came back. FMR: false match rate, FNMR: false non-match rate, EER: where "
        f"they meet; over {genuine} genuine and {len(report.trials) - genuine} impostor "
        "comparisons.</p>"
    )


def _figures(report: Report) -> str:
    parts = []
    for title, figure in (
        ("DET curve", record.det_figure(report)),
        ("CMC", record.cmc_figure(report)),
    ):
        if figure is None:
            continue
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110)
        parts.append(
            f'<figure><img alt="{title}" src="{_data("image/png", buffer.getvalue())}"></figure>'
        )
    return "".join(parts)


def _failures(report: Report) -> str:
    lines = [
        f"{arm.name}: {arm.misses} probes without a template (misses at every rank), "
        f"{arm.fallbacks} used unrestored because the restorer failed"
        for arm in report.arms
        if arm.misses or arm.fallbacks
    ]
    stages = Counter(failure.stage for failure in report.failures)
    lines += [f"{count} at the stage “{stage}”" for stage, count in sorted(stages.items())]
    if not lines:
        return "<p>Nothing.</p>"
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul><p>Every one is listed in failures.csv; none left a denominator.</p>"


def _example(example: Example) -> str:
    tiles = len(example.titles)
    titles = "".join(f"<span>{escape(title)}</span>" for title in example.titles)
    return (
        f'<figure class="strip"><figcaption>{escape(example.probe_id)}: '
        f"{escape(example.caption)}</figcaption>"
        f'<div class="tiles" style="grid-template-columns: repeat({tiles}, 1fr)">{titles}</div>'
        f'<img alt="{escape(", ".join(example.titles))}" src="{_picture(example.strip)}"></figure>'
    )


def _picture(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=90)
    return _data("image/jpeg", buffer.getvalue())


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _timing(timing: Mapping[str, Mapping[str, float]]) -> str:
    rows = "".join(
        f"<tr><td>{escape(stage)}</td><td>{cost['ms_per_image']:.1f}</td>"
        f"<td>{cost['images']:.0f}</td></tr>"
        for stage, cost in timing.items()
    )
    return f"<table><tr><th>Stage</th><th>ms an image</th><th>Images</th></tr>{rows}</table>"
