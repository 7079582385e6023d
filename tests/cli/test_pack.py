"""``restore-recog pack`` and trainings on what it wrote."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from restore_recog import weights
from restore_recog.cli import main
from restore_recog.packs import format

HERE = "training_fakes.plugins"


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def pack(output: Path, *more: str) -> Result:
    return invoke("pack", "-d", f"{HERE}:Booth", "--size", "32", "-o", str(output), *more)


def train(data: str, output: Path, *more: str) -> Result:
    return invoke(
        *("train-restorer", "--restorer", f"{HERE}:Smoother", "--data", data),
        *("--output", str(output), "--device", "cpu", "--workers", "0", *more),
    )


@pytest.mark.parametrize("store", ["raw", "webp"])
def test_training_is_the_same(tmp_path: Path, store: str) -> None:
    file = tmp_path / "booth.pack"
    result = pack(file, "--store", store)
    assert result.exit_code == 0, result.output
    assert "16 crops of 4 people at 32 pixels" in result.stdout
    assert train(f"{HERE}:Booth", tmp_path / "plain").exit_code == 0
    result = train(f"packed:{file}", tmp_path / "packed")
    assert result.exit_code == 0, result.output
    records = [
        json.loads((tmp_path / name / "run.json").read_text()) for name in ("plain", "packed")
    ]
    for key in ("data", "losses", "pictures", "people"):
        assert records[0][key] == records[1][key], key
    plain, packed = (
        weights.load(tmp_path / name / "weights.safetensors", "smoother")[1]
        for name in ("plain", "packed")
    )
    assert plain.keys() == packed.keys()
    assert all(torch.equal(plain[name], packed[name]) for name in plain)
    assert not (tmp_path / "packed" / "crops").exists()


def test_a_recogniser_is_trained_on_it(tmp_path: Path) -> None:
    pack(tmp_path / "booth.pack")
    result = invoke(
        *("train-recognizer", "--recognizer", f"{HERE}:Looker:small", "--device", "cpu"),
        *("--data", f"packed:{tmp_path / 'booth.pack'}", "--output", str(tmp_path / "run")),
        *("--workers", "0"),
    )
    assert result.exit_code == 0, result.output


def test_what_cannot_be_read_is_listed_by_every_training(tmp_path: Path) -> None:
    torn = tmp_path / "album" / "ann" / "torn.jpg"
    torn.parent.mkdir(parents=True)
    torn.write_bytes(b"not an image")
    file = tmp_path / "both.pack"
    result = pack(file, "--data", f"folder:{tmp_path / 'album'}")
    assert result.exit_code == 0, result.output
    assert "1 images could not be used" in result.stdout and "torn.jpg" in result.stderr
    train(f"packed:{file}", tmp_path / "run")
    with (tmp_path / "run" / "failures.csv").open(newline="") as handle:
        (row,) = csv.DictReader(handle)
    assert (row["stage"], row["subject"]) == ("read", "ann")


def test_protocol_keeps_its_people(tmp_path: Path) -> None:
    file = tmp_path / "left.pack"
    assert pack(file, "--protocol", f"{HERE}:Third").exit_code == 0
    people = {name.partition(":")[2][0] for name in format.open_pack(file).note.image_ids}
    assert people == {"2", "3"}
    assert train(f"packed:{file}", tmp_path / "a", "--protocol", f"{HERE}:Third").exit_code == 0
    other = tmp_path / "all.pack"
    pack(other)
    result = train(f"packed:{other}", tmp_path / "b", "--protocol", f"{HERE}:Third")
    assert result.exit_code == 1 and "was packed without --protocol" in result.stderr


def test_limit(tmp_path: Path) -> None:
    pack(tmp_path / "few.pack", "--limit", "5")
    assert len(format.open_pack(tmp_path / "few.pack")) == 5


class TestLeaveOut:
    @pytest.fixture
    def names(self, tmp_path: Path) -> str:
        file = tmp_path / "names.csv"
        file.write_text("file,why\n0-0,blurred\n2-3,blurred\nother/1.jpg,elsewhere\n")
        return str(file)

    def test_pack(self, tmp_path: Path, names: str) -> None:
        result = pack(tmp_path / "some.pack", "--leave-out", names)
        assert result.exit_code == 0, result.output
        sentence = "2 images named in names.csv are left out. 1 of its names match no image"
        assert sentence in result.stderr
        note = format.open_pack(tmp_path / "some.pack").note
        assert len(note.image_ids) == 14 and not {"0:0-0", "0:2-3"} & {*note.image_ids}
        assert note.left_out.startswith(sentence)

    def test_what_a_protocol_leaves_is_left_out_of(self, tmp_path: Path, names: str) -> None:
        pack(tmp_path / "some.pack", "--protocol", f"{HERE}:Third", "--leave-out", names)
        ids = format.open_pack(tmp_path / "some.pack").note.image_ids
        assert len(ids) == 7 and "0:2-3" not in ids

    @pytest.mark.parametrize("packed", [False, True])
    def test_training_a_restorer(self, tmp_path: Path, names: str, packed: bool) -> None:
        pack(tmp_path / "all.pack")
        data = f"packed:{tmp_path / 'all.pack'}" if packed else f"{HERE}:Booth"
        result = train(data, tmp_path / "run", "--leave-out", names)
        assert result.exit_code == 0, result.output
        assert "2 images named in names.csv are left out." in result.stderr
        assert "14 images of 4 people" in result.stderr

    def test_training_a_recogniser(self, tmp_path: Path, names: str) -> None:
        result = invoke(
            *("train-recognizer", "--recognizer", f"{HERE}:Looker:small", "--device", "cpu"),
            *("--data", f"{HERE}:Booth", "--output", str(tmp_path / "run"), "--workers", "0"),
            *("--leave-out", names),
        )
        assert result.exit_code == 0, result.output
        assert "14 images of 4 people" in result.stderr

    def test_a_list_of_other_images_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "names.txt"
        file.write_text("lfw/A_B/A_B_0001.jpg\n")
        result = pack(tmp_path / "some.pack", "--leave-out", str(file))
        assert result.exit_code == 1
        assert "None of the 1 names in" in result.stderr and "is an image of booth" in result.stderr
        assert not (tmp_path / "some.pack").exists()


def test_lossy_storage(tmp_path: Path) -> None:
    assert pack(tmp_path / "small.pack", "--store", "webp:80").exit_code == 0
    assert format.open_pack(tmp_path / "small.pack").note.stored == "webp:80"
    result = pack(tmp_path / "none.pack", "--store", "jpeg:80")
    assert result.exit_code == 1 and "cannot be stored as 'jpeg:80'" in result.stderr


class TestRefusals:
    def test_an_existing_file_before_any_image_is_read(self, tmp_path: Path) -> None:
        file = tmp_path / "mine.txt"
        file.write_text("precious")
        result = pack(file)
        assert result.exit_code == 1 and "mine.txt' exists" in result.stderr
        assert file.read_text() == "precious"

    def test_another_size(self, tmp_path: Path) -> None:
        file = tmp_path / "large.pack"
        pack(file, "--size", "48")
        result = train(f"packed:{file}", tmp_path / "run")
        assert result.exit_code == 1 and "pack the data again with --size 32" in result.stderr

    def test_a_damaged_image_stops_the_training_by_name(self, tmp_path: Path) -> None:
        file = tmp_path / "booth.pack"
        pack(file)
        content = bytearray(file.read_bytes())
        for number in range(16):
            content[format.DATA_START + number * 36 * 36 * 3] ^= 1
        file.write_bytes(content)
        result = train(f"packed:{file}", tmp_path / "run")
        assert result.exit_code == 1
        assert "booth.pack is damaged at its image" in result.stderr

    def test_fewer_images_than_a_batch(self, tmp_path: Path) -> None:
        pack(tmp_path / "few.pack", "--limit", "3")
        result = train(f"packed:{tmp_path / 'few.pack'}", tmp_path / "run")
        assert result.exit_code == 1 and "fewer than one batch of 4" in result.stderr

    def test_evaluation(self, tmp_path: Path) -> None:
        file = tmp_path / "booth.pack"
        pack(file)
        result = invoke(
            *("eval", "--restorer", "none", "--data", f"packed:{file}", "-o", str(tmp_path / "e")),
            "--no-cache",
        )
        assert result.exit_code == 1 and "belong to the training split" in result.stderr
