"""What is recorded of the coverings of a run, what training takes, and the command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from covering_faces import face, five
from evaluation_fakes import Squares, request
from PIL import Image
from report_fakes import sample_report

from restore_recog.cli import main
from restore_recog.coverings import KINDS, cover
from restore_recog.errors import DataError
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.run.coverings_drawn import Drawn, statistics
from restore_recog.evaluation.run.faces import CoveringSpec
from restore_recog.reporting.folder import read as read_report
from restore_recog.reporting.folder import write as write_report
from restore_recog.reporting.pages.report import page
from restore_recog.training.crops import Crops
from restore_recog.training.faces import TrainingFaces


def drawn() -> list[Drawn]:
    return [
        Drawn("kn95", "white", "plain", "easy", 0.20),
        Drawn("cloth", "navy", "dots", "hard", 0.30),
        Drawn("kn95", "black", "plain", "hard", 0.40),
    ]


def test_statistics_count_and_measure() -> None:
    counts = statistics(drawn())
    assert counts is not None
    assert counts["count"] == 3
    assert counts["area_percent"] == {"mean": 30.0, "min": 20.0, "max": 40.0}
    assert list(counts["by"]["kind"]) == ["kn95", "cloth"], "the commonest first"
    assert counts["by"]["kind"]["kn95"] == {"count": 2, "mean": 30.0, "min": 20.0, "max": 40.0}
    assert counts["by"]["difficulty"]["hard"]["count"] == 2
    assert {name: len(groups) for name, groups in counts["by"].items()} == {
        "kind": 2, "colour": 3, "pattern": 2, "difficulty": 2,
    }  # fmt: skip
    assert statistics([]) is None


def test_a_line_is_what_was_drawn() -> None:
    covered = cover(face(64), five(64), kind="kf94", pattern="dots", difficulty="easy", seed=3)
    line = Drawn.of(covered)
    assert (line.kind, line.pattern, line.difficulty) == ("kf94", "dots", "easy")
    assert line.area == pytest.approx((covered.mask == 1).sum() / 64**2)


def test_the_page_shows_the_counts() -> None:
    bare = sample_report()
    assert "Coverings drawn" not in page(bare, {})
    told = replace(bare, setup={**bare.setup, "coverings_drawn": statistics(drawn())})
    text = " ".join(page(told, {}).split())
    assert "Coverings drawn" in text and "3 probes were covered" in text
    assert "30.0 % of the crop on average (20.0 to 40.0 %)" in text
    for word in ("kn95", "dots", "hard", "navy"):
        assert f">{word}<" in text


def test_an_evaluation_tells_what_was_drawn(tmp_path: Path) -> None:
    wish = {"coverings": "rectangle:64,kf94", "colour": "navy", "difficulty": "hard"}
    report = evaluate(request(Squares(8, 5), arms=("clean", "occluded"), **wish))
    told = report.setup["coverings_drawn"]
    kinds = {name: group["count"] for name, group in told["by"]["kind"].items()}
    assert told["count"] == sum(kinds.values()) == 16
    assert set(kinds) == {"rectangle:64", "kf94"}
    assert told["by"]["colour"] == {"navy": {"count": 16, **told["area_percent"]}}
    square = told["by"]["kind"]["rectangle:64"]
    assert square["min"] == square["max"] == pytest.approx(100 / 16, abs=0.5)
    assert told["by"]["difficulty"]["hard"]["count"] == kinds["kf94"]
    assert report.setup["coverings"] == {
        "kind": wish["coverings"], "colour": "navy", "difficulty": "hard",
    }  # fmt: skip
    write_report(report, tmp_path / "run")
    assert read_report(tmp_path / "run").setup["coverings_drawn"] == told


def test_a_wrong_wish_shows_before_any_work() -> None:
    CoveringSpec("fmor", "red", 0, "dots", "hard")
    for wish in ({"kind": "fmro"}, {"pattern": "dot"}, {"difficulty": "x"}, {"colour": "y"}):
        with pytest.raises(DataError, match="unknown"):
            CoveringSpec(**wish)  # type: ignore[arg-type]


def crops() -> Crops:
    pixels = np.stack([face(72)] * 4)
    ids = tuple(f"0:{n}" for n in range(4))
    return Crops(pixels, np.stack([five(64)] * 4), ids, np.arange(4) // 2, 64)


def test_training_takes_coverings_and_a_resume_with_others_is_another_run() -> None:
    usual = TrainingFaces(crops())
    assert usual.fingerprint == TrainingFaces(crops(), coverings="random").fingerprint
    assert usual.fingerprint == crops().fingerprint()
    others = TrainingFaces(crops(), coverings="rectangle:64")
    assert others.fingerprint != usual.fingerprint
    kept, held = others.hold_out(0.99, 2)
    assert kept.coverings == "rectangle:64" and kept.fingerprint == others.fingerprint
    assert held is None or held.coverings == "rectangle:64"
    with pytest.raises(DataError, match="'fmro'.*'fmor'"):
        TrainingFaces(crops(), coverings="fmro")


def test_training_draws_what_it_was_given() -> None:
    class Phase:
        name, batch_size = "only", 4

    batch = TrainingFaces(crops(), coverings="rectangle:128").packed_batch(0, Phase(), covered=1.0)
    again = TrainingFaces(crops(), coverings="rectangle:128").packed_batch(0, Phase(), covered=1.0)
    assert np.array_equal(batch.images, again.images)
    inside = batch.masks.numpy().astype(bool)
    for image, mask in zip(batch.images.numpy(), inside, strict=True):
        assert 0.1 < mask.mean() < 0.4
        assert image[mask].std(axis=0).max() < 30, "one flat colour"


def test_the_command_names_everything() -> None:
    result = CliRunner().invoke(main, ["coverings"])
    assert result.exit_code == 0, result.output
    words = result.output.replace(",", " ").replace(";", " ").split()
    for name in (*KINDS, "fmor", "all", "navy", "skin", "leopard", "hard", "nose_bridge"):
        assert name in words


def test_the_command_draws_a_sheet(tmp_path: Path) -> None:
    file = tmp_path / "new" / "sheet.png"
    options = ["--sheet", str(file), "--coverings", "kf94,lace", "--difficulty", "easy"]
    result = CliRunner().invoke(main, ["coverings", *options])
    assert result.exit_code == 0, result.output
    with Image.open(file) as image:
        assert image.size == (512, 274)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--coverings", "kf49"], "'kf49' is unknown; did you mean 'kf94'?"),
        (["--sheet", "{tmp}/sheet.nothing", "--coverings", "kn95"], "cannot be written"),
    ],
)
def test_what_the_command_refuses(tmp_path: Path, options: list[str], message: str) -> None:
    given = [option.format(tmp=tmp_path) for option in options]
    result = CliRunner().invoke(main, ["coverings", *given])
    assert result.exit_code == 1 and message in result.output
    assert "Traceback" not in result.output
