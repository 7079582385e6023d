"""The main job with the shipped weights, small; and restore on photographs of real masks."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from restore_recog import images, weights
from restore_recog.cli import main

SHIPPED = all((weights.SHIPPED / f"{name}.safetensors").is_file() for name in ("fmodr", "timm"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SHIPPED, reason="the default weights are not shipped here"),
]


def test_eval_fmodr_fmor(tmp_path):
    result = CliRunner().invoke(
        main,
        ["eval", "--restorer", "fmodr", "--protocol", "fmor", "--data", "phantom:4x3",
         "--device", "cpu", "--output", str(tmp_path / "out")],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    arms = {arm["arm"]: arm["figures"] for arm in report["arms"]}
    assert arms["restored"]["psnr_mask"]["value"] > arms["occluded"]["psnr_mask"]["value"] + 3
    assert arms["restored"]["dice"]["value"] > 0.8
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


@pytest.mark.data
def test_restore_finds_real_masks_by_itself(data_root, tmp_path):
    photographs = sorted((data_root / "rmfrd" / "AFDB_masked_face_dataset").rglob("*.jpg"))
    # Files of one name would be written over each other, which restore refuses.
    masked = list({path.name: path for path in photographs}.values())[:4]
    result = CliRunner().invoke(
        main,
        ["restore", *map(str, masked), "--faces", "largest", "--device", "cpu",
         "--output", str(tmp_path / "out"), "--sheet"],
    )  # fmt: skip
    failed = result.stderr.count("No face was found")
    assert f"{len(masked) - failed} of {len(masked)} images restored" in result.stdout
    assert failed < len(masked)
    for path in masked:
        after = tmp_path / "out" / path.name
        if after.exists():
            before = images.read(path)
            assert images.read(after).shape == before.shape
            assert np.any(images.read(after) != before)
