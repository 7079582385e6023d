"""Tables with captions, text that can be read, figures that the data support."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from report_fakes import SHIFTS, sample_report

from restore_recog.reporting import comparison_files, report_figures, several
from restore_recog.reporting.compare import compare
from restore_recog.reporting.figure_support import bits, distinct, weaknesses
from restore_recog.reporting.pages.report import page
from restore_recog.reporting.pairing import Run

TEMPLATES = resources.files("restore_recog.reporting.pages") / "templates"
TEXTS = ("ink", "quiet", "link", "helps", "hurts", "unclear")


def schemes() -> dict[str, dict[str, str]]:
    """Return the colours of the page in both schemes."""
    css = (TEMPLATES / "base.html.j2").read_text("utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", css, re.S)
    return {
        name: dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", block))
        for name, block in (("light", light), ("dark", dark))
    }


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    shares = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    """Return WCAG's contrast ratio, 1 to 21."""
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(scheme: str) -> None:
    """WCAG's level AA asks for 4.5 to 1 of text of ordinary size."""
    colours = schemes()[scheme]
    ratios = {name: contrast(colours[name], colours["paper"]) for name in TEXTS}
    ratios["on soft"] = contrast(colours["ink"], colours["soft"])
    assert {name: ratio for name, ratio in ratios.items() if ratio < 4.5} == {}
    assert colours.keys() == schemes()["light"].keys()


def test_text_has_no_other_colour() -> None:
    for file in TEMPLATES.iterdir():
        css = "".join(re.findall(r"<style>.*?</style>", file.read_text("utf-8"), re.S))
        assert not re.search(r"(?<![-\w])(color|opacity): (?!var\(--|inherit)", css), file.name


def test_every_table_has_a_caption_and_heads() -> None:
    report = sample_report()
    other = sample_report(shifts=SHIFTS | {"restored:alpha": 0.40})
    comparison = compare([Run("one", report), Run("two", other)])
    pages = [
        page(report, {}),
        comparison_files.page(comparison, {}),
        several.page({"first": report, "second": other}),
    ]
    for text in pages:
        tables = re.findall(r"<table.*?</table>", text, re.S)
        assert len(tables) >= 2
        captions = [re.match(r"<table[^>]*>\s*<caption>([^<]+)</caption>", t) for t in tables]
        assert None not in captions
        said = [match[1] for match in captions if match]
        assert all(said) and len(set(said)) >= len(said) - 2  # one threshold is like another
        for table in tables:
            assert table.count('<th scope="row">') == table.count("<tr>") - 1 > 0
            assert "<th>" not in table and '<th scope="col">' in table


def test_arms_that_do_not_differ_are_drawn_once() -> None:
    report = sample_report()
    arms = {arm.name: arm for arm in report.arms}
    same = replace(arms["restored-clean:alpha"], cmc=arms["clean"].cmc)
    scores = {**report.scores, "restored-clean:alpha": report.scores["clean"]}
    curves = {**report.curves, "restored-clean:alpha": report.curves["clean"]}
    arms["restored-clean:alpha"] = same
    twice = replace(report, arms=tuple(arms.values()), scores=scores, curves=curves)
    figures = report_figures.of(twice)
    for name in ("det", "cmc", "det-pairs"):
        texts = [text.get_text() for text in figures[name].legends[0].get_texts()]
        assert "clean = restored-clean:alpha" in texts
        assert not {"clean", "restored-clean:alpha"} & set(texts)
        assert "occluded" in texts
    titles = [axes.get_title() for axes in figures["histograms"].axes if axes.get_visible()]
    assert sum(title.startswith("clean = restored-clean:alpha") for title in titles) == 1
    before = [axes for axes in report_figures.of(report)["histograms"].axes if axes.get_visible()]
    assert len(titles) == len(before) - 1


def test_what_is_alike_is_told_by_its_numbers() -> None:
    nan, one = np.array([np.nan, 1.0]), np.array([1.0])
    drawn = {"a": (nan, one), "b": (one, nan), "c": (nan.copy(), one), "d": (one[None], nan)}
    assert list(distinct(drawn, bits)) == ["a = c", "b", "d"]


def test_figures_that_the_data_cannot_support_are_folded_away(sample_run: Path) -> None:
    report = sample_report()
    assert weaknesses(report) == {
        name: "Only 0 probes were shown to it; of fewer than 30 a figure shows chance."
        for name in ("confusion", "calibration")
    }
    assert "folded away" not in (sample_run / "report.html").read_text(encoding="utf-8")
    few = {row.probe_id for row in report.probes[:12]}
    genuine = [i for i, trial in enumerate(report.trials) if trial.genuine][:5]
    impostor = [i for i, trial in enumerate(report.trials) if not trial.genuine]
    kept = [*genuine, *impostor]
    small = replace(
        report,
        probes=tuple(row for row in report.probes if row.probe_id in few),
        trials=tuple(report.trials[i] for i in kept),
        scores={name: scores[kept] for name, scores in report.scores.items()},
    )
    why = weaknesses(small)
    assert why["cmc"] == "Only 12 probes were searched; of fewer than 30 a figure shows chance."
    assert why["det-pairs"].startswith(f"There are 5 genuine and {len(impostor)} impostor")
    text = page(small)
    for name in ("cmc", "det-pairs", "histograms", "quality"):
        assert f"folded away. {why[name]}</summary>" in text
    assert "det" not in why  # its curves are of all comparisons, of which there are enough
    alone = replace(report, arms=tuple(replace(arm, cmc=(1.0,)) for arm in report.arms))
    assert weaknesses(alone)["cmc"].startswith("The gallery holds one subject")
