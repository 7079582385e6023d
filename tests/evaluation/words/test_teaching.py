"""Reports say which recognisers taught the restorers that they judge."""

from __future__ import annotations

from pathlib import Path

import pytest
from evaluation_fakes import Colours, Healer, Squares, request
from tiny import stored

from restore_recog import weights
from restore_recog.api import Recognizer
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.words.teaching import labels
from restore_recog.restorers.fmodr import FMODR
from restore_recog.restorers.ganmasker import GANMasker


class Named(Colours):
    name = "onnx"


def pupil(*teachers: str) -> Healer:
    healer = Healer()
    healer.taught_by = teachers
    return healer


@pytest.fixture
def net(tmp_path: Path) -> Path:
    file = tmp_path / "net.onnx"
    file.write_bytes(b"weights")
    return file


def test_a_file_is_known_by_its_content_wherever_it_lies(net: Path, tmp_path: Path) -> None:
    recognizer: Recognizer = Named(weights=net)
    taught = {"r": pupil("timm", f"onnx:old-name.onnx {weights.teacher_mark(net)}")}
    assert labels(recognizer, taught) == ("'onnx:net.onnx' taught 'r' and flatters it",)
    net.write_bytes(b"other weights")
    assert labels(recognizer, taught) == ()


def test_others_of_its_kind_are_not_meant(net: Path) -> None:
    assert labels(Named("vggface2"), {"r": pupil("onnx:casia")}) == ()
    assert labels(Named("casia"), {"r": pupil("onnx:casia"), "s": pupil()}) == (
        "'onnx:casia' taught 'r' and flatters it",
    )
    assert labels(Named(weights=net), {"r": pupil("onnx")}) == ()


def test_the_report_carries_it() -> None:
    said = "'colours' taught 'healer' and flatters it"
    report = evaluate(request(Squares(4, 4, occluded=1), pupil("colours"), arms=("occluded",)))
    assert said in report.labels and report.setup["taught"] == ["healer"]
    report = evaluate(request(Squares(4, 4, occluded=1), Healer(), arms=("occluded",)))
    assert said not in report.labels and report.setup["taught"] == []


def test_restorers_tell_by_whom_their_weights_were_taught(tmp_path: Path) -> None:
    for restorer in (FMODR(), GANMasker()):
        assert restorer.taught_by[0] == "timm" and len(restorer.taught_by) == 2
    assert FMODR(weights=stored(tmp_path, "fmodr")).taught_by == ()
