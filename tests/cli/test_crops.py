"""``restore-recog crops``, and ``eval`` of what a system made of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from outside_fakes import copied, fill, telea

from restore_recog import images, registry
from restore_recog.alignment import warp
from restore_recog.cli import main

DATA = ("-d", "phantom:6x3", "--limit", 6, "--segmenter", "true+2", "--device", "cpu")
ARMS = ("--arms", "occluded,restored,restored-oracle-mask")


def call(*args: object) -> Result:
    return CliRunner().invoke(main, [*map(str, args)])


def table(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_text())))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("outside") / "inpainted"
    result = call("crops", *DATA, *ARMS, "-o", place)
    assert result.exit_code == 0, result.output
    assert f"12 crops of 6 images are in {place}." in result.stdout
    return fill(place, telea)


@pytest.fixture(scope="module")
def evaluated(tiny_recognizer: str, undrawn: None) -> Iterator[object]:
    def run(restorer: str, output: Path, *more: object) -> Result:
        options = (*DATA, *ARMS, "--recognizer", tiny_recognizer, "--no-cache")
        return call("eval", "-r", restorer, *options, "-o", output, *more)

    yield run


def test_the_manifest_says_what_every_file_is(folder: Path) -> None:
    facts = json.loads((folder / "manifest.json").read_text())
    assert facts["size"] == 128 and facts["polarity"] == 1
    assert facts["asked"]["segmenter"] == "true+2" and facts["asked"]["limit"] == 6
    rows = table(folder / "manifest.csv")
    assert [row["name"] for row in rows] == [row["name"] for row in facts["crops"]]
    assert {row["arm"] for row in rows} == {"restored", "restored-oracle-mask"}
    assert sorted({row["name"] for row in rows}) == [
        p.name for p in sorted((folder / "masks").iterdir())
    ]
    assert not (folder / "failures.csv").exists()


def test_the_matrix_leads_from_the_photograph_to_the_crop(folder: Path) -> None:
    data = registry.datasets.create("phantom:6x3")
    row = json.loads((folder / "manifest.json").read_text())["crops"][0]
    (sample,) = (one for one in data.samples() if one.image_id == row["image_id"])
    (photograph,) = data.read([sample])
    bare = warp(photograph.pixels, np.array(row["matrix"]), 128).astype(int)
    crop = images.read(folder / "occluded" / row["name"])
    hole = images.read_mask(folder / "masks" / row["name"], (128, 128))  # widened by two pixels
    inside = (slice(4, -4), slice(4, -4))
    assert abs(bare - crop)[inside][hole[inside] == 0].max() == 0
    assert abs(bare - crop)[hole > 0].max() > 50


def test_polarity_and_size(tmp_path: Path, folder: Path) -> None:
    options = (*DATA, "--arms", "restored", "--crop-size", 128, "--size", 64, "--polarity", 0)
    assert call("crops", *options, "-o", tmp_path / "small").exit_code == 0
    facts = json.loads((tmp_path / "small" / "manifest.json").read_text())
    large = json.loads((folder / "manifest.json").read_text())["crops"][0]
    row = facts["crops"][0]
    assert facts["size"] == 64 and facts["asked"]["crop_size"] == 128 and len(facts["crops"]) == 6
    black = images.read_mask(tmp_path / "small" / "masks" / row["name"], (64, 64))
    white = images.read_mask(folder / "masks" / large["name"], (128, 128))
    np.testing.assert_array_equal(1 - black, white.reshape(64, 2, 64, 2).max((1, 3)) | (1 - black))
    shrunk = cv2.resize(images.read(folder / "occluded" / large["name"]), (64, 64), interpolation=3)
    small = images.read(tmp_path / "small" / "occluded" / row["name"])
    assert abs(small.astype(int) - shrunk).mean() < 4
    half = np.array(large["matrix"]) / 2
    half[:, 2] -= 0.25
    np.testing.assert_allclose(row["matrix"], half)


def test_precomputed_is_the_direct_run_to_the_last_byte(
    folder: Path, evaluated, tmp_path: Path
) -> None:
    for restorer, name in (("telea", "direct"), (f"precomputed:{folder}", "outside")):
        result = evaluated(restorer, tmp_path / name)
        assert result.exit_code == 0, result.output
    for file in ("scores.csv", "probes.csv"):
        direct = (tmp_path / "direct" / file).read_bytes()
        outside = (tmp_path / "outside" / file).read_bytes()
        assert direct.count(b"restored:telea,") >= 6
        assert outside.replace(b":precomputed:inpainted,", b":telea,") == direct


def test_missing_extra_and_resampled_results_are_counted_and_named(
    folder: Path, evaluated, tmp_path: Path
) -> None:
    place = copied(folder, tmp_path / "half")
    first, second = sorted((place / "restored").iterdir())[:2]
    row = json.loads((place / "manifest.json").read_text())["crops"][0]
    assert row["name"] == first.name
    first.unlink()
    images.write(second, cv2.resize(images.read(second), (256, 256)))
    (place / "restored" / "log.txt").write_text("done")
    result = evaluated(f"precomputed:{place}", tmp_path / "out")
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    said = [note for note in report["notes"] if note.startswith("precomputed:half: ")]
    assert [note.removeprefix("precomputed:half: ") for note in said] == [
        f"crops without a result, which count as restorer failures: 1 of 12 ({first.name}).",
        "files that belong to no crop and are left out: 1 (log.txt).",
        f"results resampled to 128 x 128 pixels: 1 of 11 ({second.name}).",
    ]
    (failure,) = table(tmp_path / "out" / "failures.csv")
    assert (failure["stage"], failure["image_id"]) == ("restore", row["image_id"])
    assert f"There is no result {place / 'restored' / first.name}." in failure["reason"]


def test_a_folder_of_another_run_is_refused(folder: Path, evaluated, tmp_path: Path) -> None:
    result = evaluated(f"precomputed:{folder}", tmp_path / "out", "--seed", 1)
    assert result.exit_code == 1 and not (tmp_path / "out").exists()
    assert (
        "holds none of the 6 crops that are to be restored: it is of another run" in result.output
    )
    assert "it was made by: restore-recog" in result.output


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--arms", "occluded"), "There is nothing to restore"),
        (("--arms", "sausage"), "There is no arm 'sausage'"),
        (("--segmenter", "fmodrr"), "Did you mean 'fmodr'?"),
        (("-d", "phantum"), "Did you mean 'phantom'?"),
    ],
)
def test_bad_input_leaves_no_folder(more: tuple[str, ...], said: str, tmp_path: Path) -> None:
    result = call("crops", "-d", "phantom:2x2", "--device", "cpu", "-o", tmp_path / "out", *more)
    assert result.exit_code == 1 and said in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_never_overwritten(folder: Path) -> None:
    result = call("crops", *DATA, "-o", folder)
    assert result.exit_code == 1 and "exists and is never overwritten" in result.output
