"""Results of other systems: what is found, put back, counted and refused."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from outside_fakes import copied, crops, fill, inverse, telea

from restore_recog import images, registry
from restore_recog.errors import DataError, ImageError, PluginError
from restore_recog.evaluation.cache.identity import identity
from restore_recog.restorers.precomputed import Precomputed
from restore_recog.restoring.restoration import run_restorer
from restore_recog.testing import face_batch

BATCH = face_batch(4, (64, 64))


def made(place: Path) -> Precomputed:
    restorer = registry.restorers.create(f"precomputed:{place}")
    assert isinstance(restorer, Precomputed)
    return restorer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(crops(tmp_path_factory.mktemp("outside") / "lama", BATCH), telea)


def test_it_is_what_the_same_method_makes_here(folder: Path) -> None:
    restorer = made(folder)
    direct = registry.restorers.create("telea").restore(BATCH)
    kept = torch.where(BATCH.masks > 0.5, direct, BATCH.images)
    assert torch.equal(restorer.restore(BATCH), kept)
    assert restorer.image_size == (64, 64) and restorer.argument == "lama"
    assert list(restorer.notes) == []


def test_masks_of_either_polarity_are_read_as_they_are(tmp_path: Path) -> None:
    place = fill(crops(tmp_path / "black", BATCH, polarity=0), lambda x, white: telea(x, 1 - white))
    direct = registry.restorers.create("telea").restore(BATCH)
    assert torch.equal(made(place).restore(BATCH), direct)


def test_masks_read_the_other_way_round_are_noticed(tmp_path: Path) -> None:
    place = fill(crops(tmp_path / "turned", BATCH), lambda x, white: inverse(x, 1 - white))
    with pytest.raises(DataError, match=r"In 4 of 4 .*the other way round.*--polarity 0"):
        made(place)


def test_a_system_that_changes_everything_is_told_and_put_right(tmp_path: Path) -> None:
    def darker(image, white):
        return telea(image, white) // 2

    restorer = made(fill(crops(tmp_path / "dark", BATCH), darker))
    restored = restorer.restore(BATCH)
    outside = BATCH.masks.expand_as(restored) < 0.5
    assert torch.equal(restored[outside], BATCH.images[outside])
    (note,) = restorer.notes
    assert note.startswith("precomputed:dark: results that differ outside the mask, by up to ")
    assert "got the crop's pixels back there: 4 of 4 (0001-ann_0.jpg-" in note


def test_other_sizes_are_resampled_and_other_formats_read(folder: Path, tmp_path: Path) -> None:
    place = copied(folder, tmp_path / "large")
    for path in sorted((place / "restored").iterdir()):
        larger = cv2.resize(images.read(path), (128, 128), interpolation=cv2.INTER_CUBIC)
        path.unlink()
        images.write(path.with_suffix(".jpg"), larger)
    restorer = made(place)
    gap = (restorer.restore(BATCH) - made(folder).restore(BATCH)).abs()
    assert 0 < float(gap.mean()) < 0.02
    (note,) = restorer.notes
    assert "results resampled to 64 x 64 pixels: 4 of 4 (" in note


def test_what_cannot_be_used_fails_alone_and_is_named(folder: Path, tmp_path: Path) -> None:
    place = copied(folder, tmp_path / "bad")
    cut, flat, gone, _ = sorted((place / "restored").iterdir())
    cut.write_bytes(cut.read_bytes()[:200])
    images.write(flat, images.read(flat)[:32])
    gone.unlink()
    restorer = made(place)
    missing, damaged = restorer.notes
    assert f"count as restorer failures: 1 of 4 ({gone.name})." in missing
    assert f"results of no use, which count as restorer failures: 2 of 4 ({cut.name}, " in damaged
    for number, said in enumerate(("cannot be read", "the crops are square", "There is no result")):
        with pytest.raises(ImageError, match=said):
            run_restorer(restorer, one(number))
    assert torch.isfinite(run_restorer(restorer, one(3))).all()


def one(number: int):
    keep = slice(number, number + 1)
    return type(BATCH)(BATCH.images[keep], BATCH.masks[keep])


def test_a_folder_of_another_run_is_told_from_a_single_stranger(folder: Path) -> None:
    restorer, strangers = made(folder), face_batch(2, (64, 64), seed=1)
    with pytest.raises(
        PluginError, match=r"holds none of the 2 crops .* made by: restore-recog crop"
    ):
        run_restorer(restorer, strangers)
    mixed = type(BATCH)(*(torch.cat([a[:1], b[:1]]) for a, b in pairs(strangers)))
    with pytest.raises(ImageError, match=r"holds no crop with digest [0-9a-f]{16}"):
        run_restorer(restorer, mixed)


def pairs(strangers):
    return ((BATCH.images, strangers.images), (BATCH.masks, strangers.masks))


def test_another_mask_is_another_crop(folder: Path) -> None:
    wider = type(BATCH)(BATCH.images, torch.ones_like(BATCH.masks))
    with pytest.raises(PluginError, match="another run"):
        made(folder).restore(wider)


def test_finished_work_depends_on_the_pixels_of_the_results(folder: Path, tmp_path: Path) -> None:
    before, place = identity(made(folder)), copied(folder, tmp_path / "lama")
    assert made(place).results.sha256 == made(folder).results.sha256
    path = sorted((place / "restored").iterdir())[0]
    images.write(path, np.flipud(images.read(path)))
    assert made(place).results.sha256 != made(folder).results.sha256
    assert identity(made(folder)) == before != identity(made(place))


def test_no_folder_no_results_no_manifest(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="precomputed:DIR"):
        registry.restorers.create("precomputed")
    with pytest.raises(DataError, match=r"holds no manifest.json; name the folder"):
        made(tmp_path)
    with pytest.raises(DataError, match="There are no results for the 4 crops"):
        made(crops(tmp_path / "empty", BATCH))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "restore-recog crops 9"}, "the format is restore-recog crops 9"),
        ({"size": 4}, "size 4 or polarity 1 is none"),
        ({"polarity": 2}, "polarity 2 is none"),
        ({"crops": [{"name": "../../etc/passwd.png", "digest": "0"}]}, "is no file's name"),
        ({"crops": [{"name": "a.png"}]}, "lacks 'digest'"),
        ({"crops": 3}, "is no manifest"),
        ({"asked": {}}, "lacks 'command'"),
    ],
)
def test_a_damaged_manifest_is_one_sentence(
    change, said: str, folder: Path, tmp_path: Path
) -> None:
    place = copied(folder, tmp_path / "damaged")
    facts = json.loads((place / "manifest.json").read_text())
    (place / "manifest.json").write_text(json.dumps(facts | change))
    with pytest.raises(DataError, match=said):
        made(place)
