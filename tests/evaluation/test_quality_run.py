"""An evaluation of image quality from end to end, with judges whose answers are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_fakes import Breaker, Colours, Healer, Squares
from numpy.typing import NDArray

from restore_recog import images
from restore_recog.api import Dataset, Restorer
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.results import ArmReport, EvaluationReport
from restore_recog.evaluation.run import quality_models
from restore_recog.evaluation.run.quality_models import QualityModels
from restore_recog.metrics.frechet import frechet_distance
from restore_recog.protocols.quality import Quality
from restore_recog.reporting.folder import read as read_report
from restore_recog.reporting.folder import write as write_report
from restore_recog.reporting.pages.report import page
from restore_recog.reporting.strips import AMPLIFICATION, sheet

Pixels = NDArray[np.uint8]
CALLS = {"features": 0}


def colours(images: Sequence[Pixels]) -> NDArray[np.float32]:
    CALLS["features"] += len(images)
    return np.array([p.mean((0, 1)) for p in images], np.float32)


def apart(images: Sequence[Pixels], clean: Sequence[Pixels]) -> NDArray[np.float64]:
    return np.array([np.abs(a - b.astype(float)).max() for a, b in zip(images, clean, strict=True)])


def brightness(images: Sequence[Pixels]) -> NDArray[np.float64]:
    return np.array([float(p.mean()) for p in images])


@pytest.fixture(autouse=True)
def known_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    def gather(
        files: Mapping[str, Path], side: int, device: str, wanted: Sequence[str]
    ) -> QualityModels:
        return QualityModels(
            colours, apart, {"niqe": brightness}, {"brisque": "it is out to lunch."}
        )

    monkeypatch.setattr(quality_models, "gather", gather)


def wanted(dataset: Dataset, *restorers: Restorer, **options: object) -> EvalRequest:
    chosen = restorers or (Healer(), Breaker())
    return EvalRequest([dataset], Quality(), chosen, Colours(), **options)  # type: ignore[arg-type]


def by_name(report: EvaluationReport) -> dict[str, ArmReport]:
    return {arm.name: arm for arm in report.arms}


@pytest.fixture(scope="module")
def report() -> EvaluationReport:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            quality_models,
            "gather",
            lambda *args: QualityModels(
                colours, apart, {"niqe": brightness}, {"brisque": "it is out to lunch."}
            ),
        )
        return evaluate(wanted(Squares(12, 2, occluded=2)))


def test_every_arm_has_its_figures(report: EvaluationReport) -> None:
    arms = by_name(report)
    for name in ("occluded", "restored:healer", "restored:breaker", "fill"):
        figures = arms[name].figures
        assert {"psnr", "ssim", "l1", "l2", "psnr_mask", "l2_mask", "fid", "lpips"} <= set(figures)
        assert all(figures[key]["n"] == 24 for key in ("l1", "fid", "lpips", "niqe"))
        assert figures["psnr"]["n"] + figures["psnr"]["left_out"] == 24
        assert "brisque" not in figures and "rank1" not in figures
        assert not any("frozen" in key or key.startswith("fnmr") for key in figures)
    assert {"niqe"} <= set(arms["clean"].figures) and "fid" not in arms["clean"].figures
    assert "BRISQUE is not measured: it is out to lunch." in report.notes


def test_the_values_are_those_worked_out_by_hand(report: EvaluationReport) -> None:
    # The covering is pure magenta, (255, 0, 255), on the lower half but for 8 columns a side.
    from evaluation_fakes import square

    arms, clean, covered = by_name(report), [], []
    for subject in range(12):
        for shot in range(2):
            truth = square(subject, shot)
            hidden = truth.copy()
            hidden[32:, 8:56] = (255, 0, 255)
            clean.append(truth)
            covered.append(hidden)
    gaps = [np.abs(a / 255 - b / 255) for a, b in zip(covered, clean, strict=True)]
    figures = arms["occluded"].figures
    # Crops are warped, so to within rounding.
    assert figures["l1"]["value"] == pytest.approx(np.mean([g.mean() for g in gaps]), rel=1e-3)
    inside = [np.mean(g[32:, 8:56] ** 2) for g in gaps]
    assert figures["l2_mask"]["value"] == pytest.approx(np.mean(inside), rel=1e-3)
    psnr = -10 * np.log10(inside)
    assert figures["psnr_mask"]["value"] == pytest.approx(np.mean(psnr), rel=1e-3)
    assert figures["lpips"]["value"] == pytest.approx(np.mean([255 * g.max() for g in gaps]))
    assert figures["niqe"]["value"] == pytest.approx(np.mean([c.mean() for c in covered]), rel=1e-3)
    colour = [np.array([p.mean((0, 1)) for p in side]) for side in (covered, clean)]
    assert figures["fid"]["value"] == pytest.approx(frechet_distance(*colour), rel=1e-3)
    assert "flag" not in figures["fid"] and figures["fid"]["dimensions"] == 3
    assert "fewer images than the 48 dimensions" in figures["frechet_embedding"]["flag"]


def test_the_healer_is_nearer_and_the_breaker_is_not_said_to_be(report: EvaluationReport) -> None:
    arms = by_name(report)
    healer, breaker = (arms[f"restored:{name}"].figures for name in ("healer", "breaker"))
    assert healer["fid"]["value"] < arms["occluded"].figures["fid"]["value"]
    assert healer["psnr_mask_gain"]["low"] > 0
    assert healer["lpips_gain"]["value"] < 0 < healer["cosine_gain"]["value"]
    assert "'healer' brings images nearer to the unoccluded ones" in report.verdicts[0].sentence
    assert breaker["psnr_mask"]["value"] < healer["psnr_mask"]["value"]
    assert "recogni" not in " ".join(map(str, report.verdicts))


def test_the_page_leads_with_quality(report: EvaluationReport, tmp_path: Path) -> None:
    text = page(report)
    assert "<h1>How close do restored faces come to the unoccluded ones?</h1>" in text
    assert text.index("Similarity to the unoccluded images") < text.index("Identity")
    assert "FID ↓" in text and "LPIPS ↓" in text and "PSNR, dB ↑" in text
    assert ">Recognition<" not in text and "helps the image" in text
    write_report(report, tmp_path / "run")
    assert read_report(tmp_path / "run").setup["asks"] == "quality"
    assert images.read(tmp_path / "run" / "figures" / "sheet.png").shape[2] == 3


def test_the_sheet_holds_the_magnified_difference(report: EvaluationReport) -> None:
    strips = sheet(report.examples)
    assert strips is not None
    side = report.examples[0].strip.shape[0]
    last = report.examples[-1]
    tiles = dict(zip(last.titles, np.split(last.strip, len(last.titles), axis=1), strict=True))
    row = np.split(strips[-side:], strips.shape[1] // side, axis=1)
    assert len(row) == 7  # occluded, two restored, truth, and a difference of the first three
    gap = np.abs(tiles["occluded"].astype(int) - tiles["clean"].astype(int))
    np.testing.assert_array_equal(row[4], np.minimum(255, AMPLIFICATION * gap))
    np.testing.assert_array_equal(row[3], tiles["clean"])
    assert strips.shape[0] == side * len(report.examples) + (strips.shape[0] % side)


def test_no_truth_no_sheet(report: EvaluationReport) -> None:
    bare = [replace(e, titles=tuple("abcdefgh"[: len(e.titles)])) for e in report.examples]
    assert sheet(bare) is None and sheet([]) is None


def test_one_image_is_measured_and_has_no_distance_of_sets() -> None:
    report = evaluate(wanted(Squares(1, 1, occluded=1), Breaker()))
    figures = by_name(report)["restored:breaker"].figures
    assert figures["psnr_mask"]["n"] == 1 and "fid" not in figures
    assert "no interval: one subject only" in report.verdicts[0].sentence
    assert page(report)


def test_images_that_equal_their_twins_have_no_psnr() -> None:
    report = evaluate(wanted(Squares(2, 1, occluded=1), Healer()))
    figures = by_name(report)["restored:healer"].figures
    assert figures["l1"]["value"] == 0 and "psnr" not in figures
    assert "all are the same as theirs" in report.verdicts[0].sentence
    assert page(report)


def test_what_judges_said_is_kept_in_the_cache(tmp_path: Path) -> None:
    CALLS["features"] = 0
    options = {"cache": tmp_path / "cache", "batch_size": 4}
    first = evaluate(wanted(Squares(3, 2, occluded=2), Healer(), **options))
    made = CALLS["features"]
    again = evaluate(wanted(Squares(3, 2, occluded=2), Healer(), **options))
    assert CALLS["features"] == made > 0
    for name, arm in by_name(first).items():
        other = by_name(again)[name].figures
        assert {k: repr(v) for k, v in arm.figures.items()} == {
            k: repr(v) for k, v in other.items()
        }


def test_a_lost_image_is_not_judged() -> None:
    dark = Breaker(fail_below=2.0)  # fails on every image
    report = evaluate(wanted(Squares(3, 2, occluded=2), dark, restorer_failure="fta"))
    assert "lpips" not in by_name(report)["restored:breaker"].figures
    assert by_name(report)["restored:breaker"].misses == 6
