"""Figures: what is drawn, where, and that nothing global is touched."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import norm

from restore_recog.errors import OutputError
from restore_recog.metrics.verification import det_curve, fnmr_at_fmr
from restore_recog.plots import cmc_figure, det_figure, save


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
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert texts == ["clean", "occluded", "restored", "equal rates"]
    looks = {(drawn(figure, t).get_color(), drawn(figure, t).get_linestyle()) for t in texts[:3]}
    assert len(looks) == 3
    assert figure.axes[0].get_title() == "60 genuine and 80 impostor comparisons"


def test_collapsed_and_failed_arms_can_be_drawn(tmp_path):
    failed = det_curve([-np.inf] * 5, [-np.inf, 0.3])
    figure = det_figure({"tied": det_curve([1.0] * 500, [1.0] * 500), "failed": failed})
    low, high = figure.axes[0].get_xlim()
    assert all(low <= x <= high for x in drawn(figure, "tied").get_xdata())
    save(figure, tmp_path / "det.png")
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
    save(figure, tmp_path / "cmc.svg")
    assert (tmp_path / "cmc.svg").read_text().lstrip().startswith("<?xml")


def test_figures_need_something_to_draw():
    with pytest.raises(ValueError, match="at least one curve"):
        det_figure({})
    for nothing in ({}, {"a": np.array([])}):
        with pytest.raises(ValueError, match="at least one"):
            cmc_figure(nothing)


def test_save_says_what_is_wrong(tmp_path):
    figure = cmc_figure({"a": np.array([0.5, 1.0])})
    with pytest.raises(OutputError, match=r"end its name in \.png"):
        save(figure, tmp_path / "cmc.xyz")
    with pytest.raises(OutputError, match="Cannot write the figure"):
        save(figure, tmp_path / "missing" / "cmc.png")


def test_import_is_light_and_pyplot_stays_out():
    code = (
        "import sys, numpy as np; from restore_recog import plots\n"
        "assert 'matplotlib' not in sys.modules\n"
        "plots.cmc_figure({'a': np.array([0.5, 1.0])})\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
