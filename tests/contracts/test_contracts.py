"""Every registered plug-in keeps its contract."""

from __future__ import annotations

import csv
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import ocfr_tree
import pytest
from landmark_fakes import PARTS, known_parts
from outside_fakes import contract_folder, onnx_inpainter, torchscript_inpainter
from recognizer_files import FILES
from tiny_diffusion import tiny_pipeline
from unseen import covered_phantoms

from restore_recog import images, registry, weights
from restore_recog.datasets.ocfr import OCFR
from restore_recog.errors import DataError, WeightsError
from restore_recog.evaluation import plan_files
from restore_recog.labels import KINDS
from restore_recog.testing import (
    ClassifierContract,
    DatasetContract,
    LandmarkerContract,
    ProtocolContract,
    RecognizerContract,
    RestorerContract,
    SegmenterContract,
    people,
)
from restore_recog.training.cropping import sources, write_pack
from restore_recog.types import FaceBatch, FaceSample

WITH = {"landmark_gender": PARTS}
"""Options of restorers that work with other plug-ins."""

OUTSIDE = {
    "precomputed": lambda folder: contract_folder(folder / "crops"),
    "command": lambda folder: "size=64 cp -r {input}/. {output}",
    "diffusers": lambda folder: f"steps=2 {tiny_pipeline(folder)}",
    "onnx": onnx_inpainter,
    "torchscript": torchscript_inpainter,
}
"""Restorers that take what another system makes: their arguments."""

SLOW = ("facenet",)
"""Recognisers that take a second to build: each test gets a copy of a new one."""


class Made:
    """Makes plug-ins; one without shipped weights gets an untrained weights file, once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.built = {}

    def restorer(self, name):
        plugins = registry.restorers
        if name in OUTSIDE:
            return plugins.create(f"{name}:{OUTSIDE[name](self.folder)}", device="cpu")
        try:
            return plugins.create(name, device="cpu")
        except WeightsError:
            options = {"preset": "tiny", **WITH.get(name, {})}
            file = self._untrained(name, lambda: plugins.load(name).trainable(**options))
            return plugins.create(name, weights=file, device="cpu")

    def recognizer(self, name):
        if name in SLOW:
            if name not in self.built:
                self.built[name] = self._recognizer(name)
            return deepcopy(self.built[name])
        return self._recognizer(name)

    def _recognizer(self, name):
        plugins = registry.recognizers
        if name in FILES:
            return plugins.create(name, weights=FILES[name](self.folder), device="cpu")
        try:
            return plugins.create(name, device="cpu")
        except WeightsError:
            file = self._untrained(name, lambda: plugins.load(name).trainable(None))
            return plugins.create(name, weights=file, device="cpu")

    def segmenter(self, name):
        plugins = registry.segmenters
        try:
            return plugins.create(name, device="cpu")
        except WeightsError:
            file = self._untrained(name, lambda: plugins.load(name).trainable(None))
            return plugins.create(name, weights=file, device="cpu")

    def classifier(self, name):
        plugins = registry.classifiers
        small = {"preset": "tiny"} if name == "gender" else {"width": 8}
        file = self._untrained(name, lambda: plugins.load(name).trainable(None, **small))
        return plugins.create(name, weights=file, device="cpu")

    def landmarker(self, name):
        plugins = registry.landmarkers
        make = plugins.load(name).trainable
        file = self._untrained(name, lambda: make(None, preset="tiny", least=0.0))
        return plugins.create(name, weights=file, device="cpu")

    def _untrained(self, name, trainable):
        file = self.folder / f"{name}.safetensors"
        if not file.exists():
            weights.save(file, name, *trainable().weights())
        return file


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with known_parts():
        yield Made(tmp_path_factory.mktemp("untrained"))


@pytest.mark.parametrize("plugin", registry.restorers.names())
class TestRestorers(RestorerContract):
    @pytest.fixture(autouse=True)
    def _plugin(self, plugin, made):
        self.create = lambda: made.restorer(plugin)

    def create(self):
        """Replaced for each test by the fixture."""

    def batch(self, restorer, count=2):
        if "landmarks98" in restorer.needs:  # it wants to see a face
            faces = covered_phantoms(count)
            return FaceBatch(faces.images[:count], faces.masks[:count])
        return super().batch(restorer, count)


@pytest.mark.parametrize("plugin", registry.segmenters.names())
class TestSegmenters(SegmenterContract):
    @pytest.fixture(autouse=True)
    def _plugin(self, plugin, made):
        self.create = lambda: made.segmenter(plugin)

    def create(self):
        """Replaced for each test by the fixture."""


@pytest.mark.parametrize("plugin", registry.recognizers.names())
class TestRecognizers(RecognizerContract):
    @pytest.fixture(autouse=True)
    def _plugin(self, plugin, made):
        self.create = lambda: made.recognizer(plugin)

    def create(self):
        """Replaced for each test by the fixture."""


@pytest.mark.parametrize("plugin", registry.classifiers.names())
class TestClassifiers(ClassifierContract):
    @pytest.fixture(autouse=True)
    def _plugin(self, plugin, made):
        self.create = lambda: made.classifier(plugin)

    def create(self):
        """Replaced for each test by the fixture."""


@pytest.mark.parametrize("plugin", registry.landmarkers.names())
class TestLandmarkers(LandmarkerContract):
    @pytest.fixture(autouse=True)
    def _plugin(self, plugin, made):
        self.create = lambda: made.landmarker(plugin)

    def create(self):
        """Replaced for each test by the fixture."""


def written_plan(root: Path) -> tuple[str, list[FaceSample]]:
    samples = people()
    plan = registry.protocols.create("fmor").plan(samples)
    for name, text in plan_files.render(plan, {s.image_id: s for s in samples}).items():
        (root / name).write_text(text, encoding="utf-8")
    return str(root), samples


def scarves(root: Path) -> tuple[None, list[FaceSample]]:
    return None, [
        FaceSample(sample.image_id, sample.subject, condition="scarf" if i % 5 else "clean")
        for i, sample in enumerate(people())
    ]


def numbered_pairs(root: Path, head: str) -> tuple[str, list[FaceSample]]:
    names = ("Ann", "Bob", "Cy", "Di")
    same = [f"{name}\t{i}\t{i + 1}" for name in names for i in (1, 2)]
    other = [f"{one}\t1\t{two}\t3" for one in names for two in names if one != two][:8]
    (root / "pairs.txt").write_text("\n".join([head, *same, *other]))
    return str(root / "pairs.txt"), [
        FaceSample(f"{name}/{name}_{i:04d}.jpg", name) for name in names for i in (1, 2, 3)
    ]


def labelled(kind: str) -> Callable[[Path], tuple[None, list[FaceSample]]]:
    words = KINDS[kind]
    return lambda root: (None, [
        replace(sample, attributes={kind: words[i % len(words)]})
        for i, sample in enumerate(people())
    ])  # fmt: skip


def file_pairs(root: Path) -> tuple[str, list[FaceSample]]:
    lines = [f"a_0001_000{i}.jpg\t{who}_0001_000{i}.jpg\t0" for i in range(5) for who in "bc"]
    lines[::2] = [f"{who}_0001_0000.jpg\t{who}_0001_0001.jpg\t1" for who in "abcde"]
    (root / "pairs.txt").write_text("\n".join(lines))
    return str(root / "pairs.txt"), [
        FaceSample(f"{who}_0001_{i:04d}.jpg", who, condition="unknown")
        for who in "abcde"
        for i in range(5)
    ]


PLANNED = {
    "csv": written_plan,
    "expression": labelled("expression"),
    "gender": labelled("gender"),
    "ar": scarves,
    "rmfrd": scarves,
    "lfw": lambda root: numbered_pairs(root, "1\t8"),
    "mfr2": lambda root: numbered_pairs(root, ""),
    "mlfw": file_pairs,
    "ocfr": lambda root: (str(ocfr_tree.tree(root) / "C_O1_list.txt"), OCFR(str(root)).samples()),
}
"""Protocols that need more than plain people: argument and samples of each."""


@pytest.mark.parametrize("plugin", registry.protocols.names())
class TestProtocols(ProtocolContract):
    @pytest.fixture(autouse=True)
    def _plugin(self, plugin, tmp_path):
        argument, samples = PLANNED.get(plugin, lambda root: (None, people()))(tmp_path)
        spec = plugin if argument is None else f"{plugin}:{argument}"
        self.create = lambda: registry.protocols.create(spec)
        self.samples = lambda: samples

    def create(self):
        """Replaced for each test by the fixture."""


def image(path: Path, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    images.write(path, pixels)


def phantom(root: Path) -> str:
    return "2x2"


def folder(root: Path) -> str:
    for i, name in enumerate(("clean/ann/1.png", "clean/bob/1.png", "occluded/ann/2.png")):
        image(root / name, i)
    return str(root)


def lfw(root: Path) -> str:
    for i, person in enumerate(("Ann_One", "Bob_Two", "Cy_Three")):
        for number in (1, 2):
            image(root / person / f"{person}_{number:04d}.jpg", i)
    return str(root)


def rmfrd(root: Path) -> str:
    for i, person in enumerate(("ann", "bob")):
        image(root / "AFDB_face_dataset" / person / f"0_0_{person}_0001.jpg", i)
        image(root / "AFDB_masked_face_dataset" / person / "0_0_1.jpg", i)
    return str(root)


def fmor(root: Path) -> str:
    for i, person in enumerate(("ann", "bob")):
        image(root / "A" / person / "1.jpg", i)
        image(root / "B" / person / "1.jpg", i + 5)
        images.write(root / "face-mask" / person / "1.png", np.full((40, 40), 255, np.uint8))
    return str(root)


def manifest(root: Path) -> str:
    image(root / "a.png", 1)
    image(root / "b.png", 2)
    with (root / "list.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "subject_id", "condition", "clean_path"])
        rows.writerow(["a.png", "ann", "clean", ""])
        rows.writerow(["b.png", "ann", "mask", "a.png"])
    return str(root / "list.csv")


def ar(root: Path) -> str:
    for i, name in enumerate(("M-01-01.png", "m-001-11.ppm", "W-001-14.bmp")):
        image(root / name, i)
    return str(root)


def mfr2(root: Path) -> str:
    for i, name in enumerate(("AnnOne/AnnOne_0001.png", "AnnOne/AnnOne_0002.png")):
        image(root / name, i)
    (root / "mfr2_labels.txt").write_text("AnnOne, 1, no-mask\nAnnOne, 2, cloth\n")
    return str(root)


def mlfw(root: Path) -> str:
    for i, name in enumerate(("Ann_One_0001_0000.jpg", "Ann_One_0002_0000.jpg")):
        image(root / "aligned" / name, i)
    return str(root)


def ocfr(root: Path) -> str:
    return str(ocfr_tree.tree(root))


def ijb(root: Path) -> str:
    image(root / "loose_crop" / "1.jpg", 1)
    (root / "meta").mkdir()
    (root / "meta" / "ijbc_face_tid_mid.txt").write_text("1.jpg 7 70\n2.jpg 7 71\n")
    points = "1.jpg 10 10 30 10 20 20 12 30 28 30 0.9\n"
    (root / "meta" / "ijbc_name_5pts_score.txt").write_text(points)
    return str(root)


def insightface(root: Path) -> str:
    for i, name in enumerate(("gallery/1__Ann/a.jpg", "probe/1__Ann/b.jpg", "unknown/c.jpg")):
        image(root / name, i)
    return str(root)


def celeba(root: Path) -> str:
    image(root / "Img" / "img_align_celeba" / "000001.jpg", 1)
    (root / "Anno").mkdir()
    (root / "Anno" / "list_attr_celeba.txt").write_text("1\nMale Smiling\n000001.jpg -1 1\n")
    return str(root)


def ffhq(root: Path) -> str:
    image(root / "thumbnails128x128" / "00000" / "00000.png", 1)
    return str(root)


def rafdb(root: Path) -> str:
    image(root / "basic" / "Image" / "aligned" / "train_00001_aligned.jpg", 1)
    (root / "basic" / "EmoLabel").mkdir()
    (root / "basic" / "EmoLabel" / "list_patition_label.txt").write_text("train_00001.jpg 5\n")
    return str(root)


def ferplus(root: Path) -> str:
    image(root / "FER2013Train" / "fer0000006.png", 1)
    votes = 'fer0000006.png,"(0, 0, 48, 48)",2,0,0,8,0,0,0,0,0,0\n'
    (root / "FER2013Train" / "label.csv").write_text(votes)
    return str(root)


def utkface(root: Path) -> str:
    image(root / "100_1_0_20170112213303693.jpg.chip.jpg", 1)
    return str(root)


def ytf68(root: Path) -> str:
    image(root / "Adam_Sandler_10.jpg", 1)
    return str(root)


def wflw(root: Path) -> str:
    image(root / "WFLW_images" / "7--Cheering" / "7_a.jpg", 1)
    folder = root / "WFLW_annotations" / "list_98pt_rect_attr_train_test"
    folder.mkdir(parents=True)
    points = " ".join(str(3 + n % 30) for n in range(196))
    line = f"{points} 3 3 33 33 0 0 0 0 0 0 7--Cheering/7_a.jpg\n"
    (folder / "list_98pt_rect_attr_train.txt").write_text(line)
    return str(root)


def packed(root: Path) -> str:
    data = [registry.datasets.create("phantom:2x1")]
    write_pack(root / "faces.pack", sources(data, None, None), 32, progress=False)
    return str(root / "faces.pack")


_LAYOUTS = (
    ar,
    mfr2,
    mlfw,
    ocfr,
    ijb,
    insightface,
    celeba,
    ffhq,
    rafdb,
    ferplus,
    utkface,
    ytf68,
    wflw,
)
SMALL = {f.__name__: f for f in (*_LAYOUTS, phantom, folder, lfw, rmfrd, fmor, manifest, packed)}


@pytest.mark.parametrize("plugin", registry.datasets.names())
class TestDatasets(DatasetContract):
    @pytest.fixture(autouse=True)
    def _plugin(self, plugin, tmp_path):
        location = SMALL[plugin](tmp_path)
        self.create = lambda: registry.datasets.create(f"{plugin}:{location}")

    def create(self):
        """Replaced for each test by the fixture."""


@pytest.mark.parametrize("plugin", sorted(set(registry.datasets.names()) - {"phantom"}))
def test_a_missing_place_shows_the_expected_tree(plugin, tmp_path):
    for spec in (plugin, f"{plugin}:{tmp_path / 'gone'}"):
        dataset = registry.datasets.create(spec)
        with pytest.raises(DataError) as caught:
            dataset.samples()
        assert dataset.tree.strip().splitlines()[-1].strip() in str(caught.value)


def test_the_default_models_ship():
    assert {"fmodr", "timm"} <= {path.stem for path in weights.SHIPPED.glob("*.safetensors")}


@pytest.mark.parametrize(
    "path", sorted(weights.SHIPPED.glob("*.safetensors")), ids=lambda p: p.stem
)
def test_shipped_weights_are_small_and_have_a_card(path):
    assert path.stat().st_size <= 10 * 2**20
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert weights.fingerprint(path) in card
