"""BLUFR's trials and OCFR-2022's layers from end to end, with a recogniser of coarse colours."""

from __future__ import annotations

from pathlib import Path

import pytest
from ocfr_tree import PEOPLE, tree

from restore_recog import evaluate
from restore_recog.evaluation.figure import Figures
from restore_recog.reporting.folder import read

BARE = {"progress": False, "device": "cpu", "cache": None}


def figures(report: object, name: str) -> Figures:
    (arm,) = (arm for arm in report.arms if arm.name == name)  # type: ignore[attr-defined]
    return arm.figures  # type: ignore[no-any-return]


@pytest.mark.usefixtures("undrawn")
def test_a_run_of_trials_can_be_read_and_repeated(
    tiny_recognizer: str, tmp_path: Path, undrawn: None
) -> None:
    asked = {"restorer": "telea", "data": "phantom:8x3", "recognizer": tiny_recognizer, **BARE}
    asked |= {"arms": ("clean", "occluded", "restored", "fill"), "segmenter": "true"}
    first = evaluate(protocol="blufr", output=tmp_path / "first", **asked)  # type: ignore[arg-type]
    assert first.setup["identification"] is False and "synthetic coverings" in first.labels
    known = figures(first, "restored:telea")
    assert known["dir@far=0.01"]["trials"] == 10
    assert {"vr_less_sd@far=0.001", "dir_gain@far=0.01", "dir_gain_over_fill@far=0.01"} <= {*known}
    head = (tmp_path / "first" / "table.csv").read_text().splitlines()[0]
    assert "DIR at FAR 1 %, mean - sd, %" in head
    assert (
        figures(read(tmp_path / "first"), "restored:telea")["dir@far=0.01"] == known["dir@far=0.01"]
    )
    again = evaluate(
        protocol=f"csv:{tmp_path / 'first'}",
        output=tmp_path / "again",
        **asked,  # type: ignore[arg-type]
    )
    assert figures(again, "restored:telea") == known
    for name in ("scores.csv", "probes.csv", "protocol/trials.csv"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_layers_go_through_the_arms_with_their_true_masks(
    tiny_recognizer: str, tmp_path: Path
) -> None:
    root = tree(tmp_path)
    header = "person,file,gender,emotion,smile,lex,ley,rex,rey,nx,ny,lmx,lmy,rmx,rmy"
    rows = [
        f"{who},{who}/{who}_000{n}.png,,,,12,14,24,14,18,20,13,27,23,27"
        for who in PEOPLE
        for n in (1, 2)
    ]
    (tmp_path / "lfw_labels.csv").write_text("\n".join([header, *rows]))
    report = evaluate(
        restorer="telea", protocol="ocfr:C_O7", data=f"ocfr:{root}", recognizer=tiny_recognizer,
        segmenter="true", crop_size=64, **BARE,
    )  # fmt: skip
    assert not report.failures and len(report.trials) == 6
    occluded, restored = (figures(report, name) for name in ("occluded", "restored:telea"))
    assert {"eer", "fnmr@fmr=0.01", "fnmr@fmr=0.001", "psnr_mask"} <= {*occluded}
    # The occluder is one flat red over noise: a blend of noise is nearer to noise.
    assert restored["psnr_mask"].value > occluded["psnr_mask"].value + 1
    assert "dice" not in restored or restored["dice"].value == 1
