"""Figures: what is drawn, where, and that nothing global is touched."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.text import Text
from scipy.stats import norm

from restore_recog.metrics.verification import det_curve, fnmr_at_fmr
from restore_recog.reporting import report_figures
from restore_recog.reporting.plots import cmc_figure, det_figure
from restore_recog.reporting.plots_panels import (
    Estimate,
    forest_figure,
    histogram_figure,
    scatter_figure,
)


def scores(n_genuine=60, n_impostor=80):
    rng = np.random.default_rng(0)
    return rng.normal(2, 1, n_genuine), rng.normal(0, 1, n_impostor)


def drawn(figure, label):
    (line,) = [line for line in figure.axes[0].lines if line.get_label() == label]
    return line


def test_det_axes_are_normal_deviates_in_per_cent():
    axes = det_figure({"a": det_curve(*scores())}).axes[0]
    for axis in (axes.xaxis, axes.yaxis):
        labels = [label.get_text() for label in axis.get_ticklabels()]
        assert {"0.01", "0.1", "1", "5", "50"} <= set(labels)
        expected = norm.ppf([float(label) / 100 for label in labels])
        assert np.allclose(axis.get_majorticklocs(), expected)
    assert axes.get_xlim()[0] <= norm.ppf(1e-4) and axes.get_ylim()[0] <= norm.ppf(1e-4)


def test_det_axes_reach_one_in_n():
    axes = det_figure({"a": det_curve(*scores(100, 40_000))}).axes[0]
    assert axes.get_xlim()[0] <= norm.ppf(0.5 / 40_000)  # so the clipped zero is on the plot
    assert norm.ppf(1e-5) < axes.get_ylim()[0] <= norm.ppf(1e-4)


def test_zero_rates_are_drawn_half_a_comparison_away():
    curve = det_curve([0.8, 0.9, 1.0], [0.1, 0.2])
    line = drawn(det_figure({"a": curve}), "a")
    x, y = norm.cdf(line.get_xdata()), norm.cdf(line.get_ydata())
    assert x.min() == pytest.approx(0.25) and y.min() == pytest.approx(0.5 / 3)
    assert np.isfinite(line.get_xdata()).all() and np.isfinite(line.get_ydata()).all()
    assert curve.fmr.min() == 0.0 and curve.fnmr.min() == 0.0  # the data keep exact zeros


def test_det_steps_read_as_fnmr_at_fmr():
    """At any FMR on the axis, the height of the line is the admissible FNMR."""
    genuine, impostor = scores()
    figure = det_figure({"a": det_curve(genuine, impostor)})
    line = drawn(figure, "a")
    assert line.get_drawstyle() == "steps-pre"
    x, y = line.get_xdata(), line.get_ydata()
    corners = np.array([(x[0], y[0])] + [(x[i - 1], y[i]) for i in range(1, len(x))])
    for target in (0.02, 0.11, 0.37):
        right = int(np.flatnonzero(corners[:, 0] > norm.ppf(target))[-1])
        # steps-pre: between x[right - 1] and x[right] the line lies at y[right].
        assert norm.cdf(corners[right, 1]) == pytest.approx(
            fnmr_at_fmr(genuine, impostor, target).fnmr
        )


def test_every_arm_is_in_the_legend_with_a_look_of_its_own():
    curve = det_curve(*scores())
    figure = det_figure({name: curve for name in ("clean", "occluded", "restored")})
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["clean", "occluded", "restored", "equal rates"]
    looks = {(drawn(figure, t).get_color(), drawn(figure, t).get_linestyle()) for t in texts[:3]}
    assert len(looks) == 3
    assert figure.axes[0].get_title() == "60 genuine and 80 impostor comparisons"


def test_collapsed_and_failed_arms_can_be_drawn(tmp_path):
    failed = det_curve([-np.inf] * 5, [-np.inf, 0.3])
    figure = det_figure({"tied": det_curve([1.0] * 500, [1.0] * 500), "failed": failed})
    low, high = figure.axes[0].get_xlim()
    assert all(low <= x <= high for x in drawn(figure, "tied").get_xdata())
    figure.savefig(tmp_path / "det.png")
    assert "5 to 500 genuine and 2 to 500" in figure.axes[0].get_title()


@pytest.mark.parametrize("n", [1, 7, 300])
def test_cmc_shows_every_rank_and_chance(n, tmp_path):
    rates = np.linspace(0.3, 1.0, n)
    figure = cmc_figure({"restored": rates})
    line = drawn(figure, "restored")
    assert line.get_xdata().tolist() == list(range(1, n + 1))
    assert np.allclose(line.get_ydata(), 100 * rates)
    assert drawn(figure, "chance").get_ydata()[-1] == 100
    assert f"{n} subjects" in figure.axes[0].get_title()
    figure.savefig(tmp_path / "cmc.svg")
    assert (tmp_path / "cmc.svg").read_text().lstrip().startswith("<?xml")


def test_figures_need_something_to_draw():
    with pytest.raises(ValueError, match="at least one curve"):
        det_figure({})
    for nothing in ({}, {"a": np.array([])}):
        with pytest.raises(ValueError, match="at least one"):
            cmc_figure(nothing)


def panels():
    rng = np.random.default_rng(0)
    return {name: (rng.normal(0.6, 0.1, 50), rng.normal(0.1, 0.1, 200)) for name in "abcd"}


def test_histograms_share_their_axes_and_count_what_failed():
    given = panels()
    given["b"][0][:3] = -np.inf
    figure = histogram_figure(given, {"a": 0.4, "b": np.nan})
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == ["a", "b (3 failed)", "c", "d"]
    assert len({axes.get_xlim() for axes in shown}) == len({axes.get_ylim() for axes in shown}) == 1
    assert [len(axes.lines) for axes in shown] == [1, 0, 0, 0]  # the marked threshold
    assert shown[0].lines[0].get_xdata()[0] == 0.4


def test_histograms_are_shares_of_the_completed_comparisons():
    given = panels()
    given["b"][0][:3] = -np.inf
    for axes in histogram_figure(given).axes[:4]:
        for patch in axes.patches:
            assert patch.get_data().values.sum() == pytest.approx(100)


@pytest.mark.parametrize("values", [[0.5], [0.5] * 300, [-np.inf, 0.1]])
def test_histograms_of_hardly_anything(values, tmp_path):
    figure = histogram_figure({"a": (np.array(values), np.array([-np.inf]))})
    figure.savefig(tmp_path / "h.png")
    assert (tmp_path / "h.png").stat().st_size > 1000


def rows():
    return [
        Estimate("gender", heading=True),
        Estimate("female", 2.0, 1.0, 3.0, told=True),
        Estimate("male", -2.0, -3.0, -1.0, told=True),
        Estimate("unknown", 2.0, 1.0, 3.0),  # beside 0, but no test says so
        Estimate("nobody"),
    ]


def test_forest_has_a_row_for_everyone_and_has_colours_where_a_test_tells():
    figure = forest_figure({"restored:a": rows(), "restored:b": rows()}, "Gain")
    left, right = figure.axes
    assert [text.get_text() for text in left.get_yticklabels()] == [row.label for row in rows()]
    assert left.get_ylim() == right.get_ylim() == (4.5, -0.5)  # the first row on top
    dots = [line for line in left.lines if line.get_marker() == "o"]
    assert [dot.get_ydata()[0] for dot in dots] == [1, 2, 3]
    bars = [line.get_xdata() for line in left.lines if len(line.get_xdata()) == 2][1:]
    assert [list(bar) for bar in bars] == [[1, 3], [-3, -1], [1, 3]]
    better, worse, unclear = (dot.get_color() for dot in dots)
    assert len({better, worse, unclear}) == 3
    errors = forest_figure({"x": rows()}, "Change of FNMR", less_is_better=True).axes[0]
    turned = [line.get_color() for line in errors.lines if line.get_marker() == "o"]
    assert turned == [worse, better, unclear]


def test_scatter_draws_every_probe():
    x, y = np.arange(5.0), np.arange(5.0) ** 2
    (axes,) = scatter_figure({"a": (x, y)}, "x", "y").axes
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), np.stack([x, y], axis=1))


def test_panels_need_something_to_draw():
    nothing = np.array([-np.inf])
    for call in (
        lambda: histogram_figure({}),
        lambda: histogram_figure({"a": (nothing, nothing)}),
        lambda: forest_figure({}, ""),
        lambda: forest_figure({"a": rows(), "b": rows()[1:]}, ""),
        lambda: scatter_figure({}, "", ""),
    ):
        with pytest.raises(ValueError, match="needs"):
            call()


def test_labels_are_never_formulas() -> None:
    names = (r"$\frac{$", "$x$", r"\$5", "a_b^c", "$")
    scores = np.linspace(0, 1, 20)
    estimates = [Estimate(name, 1.0, 0.5, 1.5) for name in names]
    figures = [
        det_figure({name: det_curve(scores, scores - 0.2) for name in names}),
        cmc_figure({name: np.array([0.5, 1.0]) for name in names}),
        histogram_figure({name: (scores, scores) for name in names}),
        forest_figure({name: estimates for name in names}, "Gain"),
        scatter_figure({name: (scores, scores) for name in names}, "x", "y"),
    ]
    for figure in figures:
        report_figures.drawn(figure)
        for name in names:
            written = name.replace("$", r"\$")
            texts = [text for text in figure.findobj(Text) if written in text.get_text()]
            assert texts
            for text in texts:
                shown, formula = text._preprocess_math(text.get_text())
                assert name in shown and not formula
