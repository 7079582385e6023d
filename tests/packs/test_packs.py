"""Packed data files: the same crops and batches, and what is refused."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from training_duel import Duel, build, tensors

from restore_recog.alignment import TEMPLATE
from restore_recog.api import Dataset
from restore_recog.datasets.packed import Packed
from restore_recog.errors import (
    DataError,
    ImageError,
    OutputError,
    RestoreRecogError,
    TrainingError,
)
from restore_recog.evaluation.run.faces import Source
from restore_recog.labels import KINDS
from restore_recog.packs import format
from restore_recog.training.cropping import sources, write_pack
from restore_recog.training.crops import Crops, collect
from restore_recog.training.faces import TrainingFaces
from restore_recog.training.loader import BatchPlan, batches
from restore_recog.types import FaceImage, FaceSample

SIZE = 32


class Wall(Dataset):
    """People with some noisy images each, one of them torn, one covered, one for testing."""

    name = "wall"
    notes = ("Hung up by hand.",)

    def __init__(self, people: str = "abcd", each: int = 3) -> None:
        super().__init__("home/user/wall")
        self.people = [
            FaceSample(f"{person}{n}", person, attributes={"gender": "female", "split": "train"})
            for person in people
            for n in range(each)
        ]

    def samples(self) -> Sequence[FaceSample]:
        test = FaceSample("tested", "t", attributes={"split": "test"})
        return [*self.people, FaceSample("hidden", "a", condition="mask"), test]

    def read(self, samples: Sequence[FaceSample]) -> list[FaceImage | RestoreRecogError]:
        return [self._read(sample) for sample in samples]

    def _read(self, sample: FaceSample) -> FaceImage | RestoreRecogError:
        if sample.image_id == "b1":
            return ImageError("b1 is torn.")
        rng = np.random.default_rng(list(sample.image_id.encode()))
        points = TEMPLATE * 50 + rng.normal(4, 0.5, (5, 2))
        return FaceImage(rng.integers(0, 255, (60, 60, 3), np.uint8), points.astype(np.float32))


def write(path: Path, *datasets: Dataset, stored: str = "raw", size: int = SIZE) -> Path:
    found = sources(datasets or [Wall()], None, None)
    write_pack(path, found, size, stored=stored, progress=False)
    return path


def crops(*datasets: Dataset) -> Crops:
    return collect(datasets, SIZE, progress=False)


def equal(one: Crops, two: Crops) -> None:
    assert one.image_ids == two.image_ids
    assert one.failures == two.failures
    assert one.size == two.size
    assert one.subjects.tolist() == two.subjects.tolist()
    assert np.array_equal(one.landmarks, two.landmarks)
    for kind in KINDS:
        assert one.codes(kind).tolist() == two.codes(kind).tolist()
    for number in range(len(one.image_ids)):
        assert np.array_equal(one.pixels[number], two.pixels[number])
    assert one.fingerprint() == two.fingerprint()


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return write(tmp_path / "faces.pack")


class TestSame:
    @pytest.mark.parametrize("stored", ["raw", "png", "webp"])
    def test_crops(self, tmp_path: Path, stored: str) -> None:
        path = write(tmp_path / "faces.pack", stored=stored)
        packed = crops(Packed(str(path)))
        assert packed.image_ids[:2] == ("0:a0", "0:a1") and len(packed.image_ids) == 11
        equal(packed, crops(Wall()))

    def test_of_several_data_sets(self, tmp_path: Path) -> None:
        both = Wall("ab"), Wall("cd", 2)
        equal(crops(Packed(str(write(tmp_path / "faces.pack", *both)))), crops(*both))

    def test_beside_another_data_set(self, pack: Path) -> None:
        equal(crops(Packed(str(pack)), Wall("xy", 2)), crops(Wall(), Wall("xy", 2)))
        equal(crops(Wall("xy", 2), Packed(str(pack))), crops(Wall("xy", 2), Wall()))

    def test_a_part(self, pack: Path) -> None:
        part = collect([Packed(str(pack))], SIZE, only={"0:c1", "0:b2", "0:d0"}, progress=False)
        plain = collect([Wall()], SIZE, only={"b2", "c1", "d0"}, progress=False)
        assert [failure.image_id for failure in part.failures] == ["b1"]
        assert part.codes("gender").tolist() == [0, 0, 0]
        equal(replace(part, failures=()), plain)
        first = collect([Packed(str(pack))], SIZE, limit=2, progress=False)
        assert first.image_ids == ("0:a0", "0:a1")
        assert first.subjects.tolist() == [0, 0]

    def test_cache_is_read_from_the_file(self, tmp_path: Path) -> None:
        first = collect([Wall()], SIZE, cache=tmp_path, progress=False)
        again = collect([Wall()], SIZE, cache=tmp_path, progress=False)
        assert isinstance(again.pixels, format.PackedPixels)
        equal(first, again)
        equal(again, crops(Wall()))

    def test_any_reader_of_safetensors_reads_it(self, pack: Path) -> None:
        whole = load_file(pack)
        own = crops(Wall())
        assert np.array_equal(whole["pixels"], np.stack(list(own.pixels)))
        assert np.array_equal(whole["landmarks"], own.landmarks)


class TestTraining:
    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    @pytest.mark.parametrize("workers", [0, 2])
    def test_batches_are_the_same(self, pack: Path, workers: int) -> None:
        plan = BatchPlan("phase", 4, 0, 3, 2, 0.5)
        plain = batches(TrainingFaces(crops(Wall()), seed=3), plan, 0)
        packed = batches(TrainingFaces(crops(Packed(str(pack))), seed=3), plan, workers)
        for one, two in zip(plain, packed, strict=True):
            for name in ("images", "clean", "masks", "landmarks", "subjects"):
                assert torch.equal(getattr(one, name), getattr(two, name)), name
            for kind in KINDS:
                assert torch.equal(one.labels[kind], two.labels[kind]), kind

    def test_weights_are_the_same_and_a_run_goes_on_with_either(
        self, tmp_path: Path, pack: Path
    ) -> None:
        def faces(data: Dataset) -> TrainingFaces:
            return TrainingFaces(crops(data), seed=1)

        ends: list[Duel] = []
        for name, data in (("plain", Wall()), ("packed", Packed(str(pack)))):
            model, trainer = build(tmp_path / name, faces=faces(data))
            trainer.fit()
            ends.append(model)
        build(tmp_path / "both", faces=faces(Wall()), max_minutes=1e-9)[1].fit()
        model, trainer = build(tmp_path / "both", faces=faces(Packed(str(pack))))
        trainer.fit(resume=True)
        expected = tensors(ends[0])
        for other in (tensors(ends[1]), tensors(model)):
            for key, value in expected.items():
                assert torch.equal(value, other[key]), key

    def test_failures_are_counted(self, tmp_path: Path, pack: Path) -> None:
        found = crops(Packed(str(pack)))
        assert [(f.stage, f.image_id, f.reason) for f in found.failures] == [
            ("read", "b1", "b1 is torn.")
        ]
        _, trainer = build(tmp_path / "run", faces=TrainingFaces(found))
        trainer.fit()
        assert "read,b1,b,b1 is torn." in (tmp_path / "run" / "failures.csv").read_text()

    def test_too_little_is_refused(self, tmp_path: Path) -> None:
        faces = TrainingFaces(crops(Packed(str(write(tmp_path / "one.pack", Wall("a"))))))
        with pytest.raises(TrainingError, match="3 training images, fewer than one batch of 4"):
            faces.check(4, 0)
        with pytest.raises(TrainingError, match="images of 1 people"):
            faces.check(2, 2)

    def test_another_process_gets_the_name_of_the_file(self, tmp_path: Path) -> None:
        path = write(tmp_path / "large.pack", Wall("abcdefgh", 8), size=64)
        pixels = format.open_pack(path).pixels
        assert pixels[5].shape == (72, 72, 3)
        copied = pickle.dumps(pixels)
        assert len(copied) < path.stat().st_size / 100
        assert np.array_equal(pickle.loads(copied)[5], pixels[5])


class TestPeople:
    def test_test_people_and_coverings_stay_out(self, pack: Path) -> None:
        names = format.open_pack(pack).note.image_ids
        assert "0:tested" not in names and "0:hidden" not in names

    def test_no_evaluation_uses_it(self, pack: Path) -> None:
        with pytest.raises(DataError, match="all 11 belong to the training split"):
            Source([Packed(str(pack))])
        beside = Source([Packed(str(pack)), Wall("z")])
        assert beside.left_out == 14 and all(name.startswith("wall/") for name in beside.samples)

    def test_labels_and_origin(self, pack: Path) -> None:
        data = Packed(str(pack))
        sample = data.samples()[0]
        assert (sample.image_id, sample.subject, sample.condition) == ("0:a0", "0:a", "clean")
        assert sample.attributes == {"gender": "female", "split": "train"}
        (origin,) = data.pack().note.sources
        assert (origin["name"], origin["location"]) == ("wall", "wall")
        assert (origin["pictures"], origin["packed"], origin["people"]) == (12, 11, 4)
        assert list(data.notes) == ["11 of 12 images of wall are in the packed file."]

    def test_what_was_left_out_is_said_again(self, tmp_path: Path) -> None:
        text = "3 images named in list.csv are left out."
        chosen = sources([Wall()], None, None)
        write_pack(tmp_path / "a.pack", chosen, SIZE, left_out=text, progress=False)
        data = Packed(str(tmp_path / "a.pack"))
        assert data.pack().note.left_out == text
        assert data.notes[-1] == f"When it was packed: {text}"

    def test_images_can_be_read_and_aligned_again(self, pack: Path) -> None:
        data = Packed(str(pack))
        (image,) = data.read(data.samples()[:1])
        assert isinstance(image, FaceImage)
        own = crops(Wall())
        assert np.array_equal(image.pixels, own.pixels[0])
        assert np.allclose(image.landmarks - own.landmarks[0], 2)


class TestRefusals:
    def test_a_file_that_exists(self, pack: Path) -> None:
        before = pack.read_bytes()
        with pytest.raises(OutputError, match=r"faces\.pack' exists"):
            write(pack)
        assert pack.read_bytes() == before

    def test_nothing_is_left_of_a_failed_one(self, tmp_path: Path) -> None:
        class Stops(Wall):
            def read(self, samples: Sequence[FaceSample]) -> list[FaceImage | RestoreRecogError]:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write(tmp_path / "faces.pack", Stops())
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(OutputError, match="cannot be written"):
            write(tmp_path / "file" / "faces.pack")

    def test_crops_of_another_size(self, pack: Path) -> None:
        with pytest.raises(DataError, match=r"crops of 32 pixels, and 64 are wanted.*--size 64"):
            collect([Packed(str(pack))], 64, progress=False)

    @pytest.mark.parametrize("kept", [0, 5, 100, 4096, 10_000, -1])
    def test_cut_short(self, pack: Path, kept: int) -> None:
        pack.write_bytes(pack.read_bytes()[:kept])
        with pytest.raises(DataError, match=r"faces\.pack is damaged or cut short"):
            format.open_pack(pack)

    def test_one_changed_bit_of_a_image(self, pack: Path) -> None:
        content = bytearray(pack.read_bytes())
        each = 36 * 36 * 3
        content[format.DATA_START + 4 * each + 7] ^= 1
        pack.write_bytes(content)
        found = crops(Packed(str(pack)))
        assert found.pixels[3].shape == found.pixels[5].shape == (36, 36, 3)
        with pytest.raises(DataError, match=r"faces\.pack is damaged at its image 4;"):
            found.pixels[4]

    @pytest.mark.parametrize("back", [1, 200, 1500])
    def test_one_changed_bit_of_what_is_known(self, pack: Path, back: int) -> None:
        content = bytearray(pack.read_bytes())
        content[-back] ^= 1
        pack.write_bytes(content)
        with pytest.raises(DataError, match=r"faces\.pack is damaged or cut short \(its checksum"):
            format.open_pack(pack)

    def test_another_file(self, tmp_path: Path) -> None:
        save_file({"pixels": np.zeros(3)}, tmp_path / "other.safetensors")
        with pytest.raises(DataError, match=r"other\.safetensors is not a packed data file"):
            format.open_pack(tmp_path / "other.safetensors")
        with pytest.raises(DataError, match=r"no packed data file .*gone"):
            format.open_pack(tmp_path / "gone")
