"""Rendered images are made once, and come back as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from restore_recog import registry
from restore_recog.errors import DataError
from restore_recog.evaluation.cache.packing import packed_image, unpacked_image, unpacked_samples
from restore_recog.evaluation.cache.rendering import RenderedOnce, kept
from restore_recog.types import FaceImage, FaceSample


def same(a: object, b: object) -> bool:
    assert isinstance(a, FaceImage) and isinstance(b, FaceImage)
    return all(
        (x is None and y is None) or (x.dtype == y.dtype and np.array_equal(x, y))  # type: ignore[union-attr,arg-type]
        for x, y in zip(
            (a.pixels, a.landmarks, a.mask), (b.pixels, b.landmarks, b.mask), strict=True
        )
    )


@pytest.mark.parametrize("spec", ["phantom:3x2", "phantom:ar-2"])
def test_what_was_rendered_comes_back(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = registry.datasets.create(spec)
    samples = [*list(plain.samples())[:5], FaceSample("no/such", "nobody")]
    wanted = plain.read(samples)
    (first,), _ = kept([registry.datasets.create(spec)], tmp_path)
    assert all(map(same, first.read(samples[1:5]), wanted[1:5]))
    asked: list[str] = []
    dataset = registry.datasets.create(spec)
    (again,), cache = kept([dataset], tmp_path)

    def read(samples: list[FaceSample]) -> list[object]:
        asked.extend(sample.image_id for sample in samples)
        return list(plain.read(samples))

    monkeypatch.setattr(dataset, "read", read, raising=True)
    images = again.read(samples)
    assert asked == [samples[0].image_id, "no/such"]
    assert all(map(same, images[:5], wanted[:5]))
    assert isinstance(images[5], DataError)
    assert all(one.pixels.flags.writeable for one in images[:5] if isinstance(one, FaceImage))
    assert again.samples() == plain.samples() and again.name == plain.name and again.rendered
    assert cache is not None and cache.damaged == 0


@pytest.mark.parametrize("spec", ["phantom:3x2", "phantom:ar-2"])
def test_samples_are_drawn_once(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = registry.datasets.create(spec)
    wanted = list(dataset.samples())
    (first,), _ = kept([dataset], tmp_path)
    assert first.samples() == wanted
    (again,), cache = kept([dataset], tmp_path)
    monkeypatch.setattr(dataset, "samples", lambda: pytest.fail("drawn again"))
    assert again.samples() == wanted
    assert cache is not None
    for content in (b"[]", b"{}", b"[[1, 2, 3, 4, {}]]", b'[["a", "b", "clean", null, {"x": 1}]]'):
        with pytest.raises((ValueError, TypeError)):
            unpacked_samples(content)


def test_only_what_is_rendered_is_kept(tmp_path: Path) -> None:
    made = [
        registry.datasets.create("phantom:3x2"),
        registry.datasets.create("folder", location="x"),
    ]
    (rendered, files), _ = kept(made, tmp_path)
    assert isinstance(rendered, RenderedOnce) and files is made[1]
    assert kept(made, None) == (made, None)


def test_another_data_set_has_other_entries(tmp_path: Path) -> None:
    (one, other), _ = kept(
        [registry.datasets.create("phantom:3x2"), registry.datasets.create("phantom:3x3")], tmp_path
    )
    assert isinstance(one, RenderedOnce) and isinstance(other, RenderedOnce)
    assert one._base != other._base


@pytest.mark.parametrize("points", [None, 5, 98])
@pytest.mark.parametrize("masked", [False, True])
def test_an_image_comes_back_from_bytes(points: int | None, masked: bool) -> None:
    rng = np.random.default_rng(0)
    image = FaceImage(
        rng.integers(0, 256, (7, 5, 3), np.uint8),
        None if points is None else rng.random((points, 2)).astype(np.float32),
        rng.integers(0, 2, (7, 5), np.uint8) if masked else None,
    )
    content = packed_image(image)
    assert same(unpacked_image(content), image)
    with pytest.raises(ValueError, match="not written"):
        unpacked_image(content + b"x")


@pytest.mark.parametrize(
    "head", ["", "[[2, 2], 7, false]", "[[0, 2], 0, false]", "{}", "[[2, 2], 0, 1]"]
)
def test_a_foreign_image_is_not_understood(head: str) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        unpacked_image(head.encode() + b"\n" + bytes(12))


@pytest.mark.parametrize(
    ("points", "value", "understood"),
    [(98, np.nan, True), (98, np.inf, False), (5, np.nan, False)],
)
def test_of_98_points_some_may_be_unknown(points: int, value: float, understood: bool) -> None:
    landmarks = np.zeros((points, 2), np.float32)
    landmarks[3] = value
    content = packed_image(FaceImage(np.zeros((2, 2, 3), np.uint8), landmarks))
    if understood:
        assert np.isnan(unpacked_image(content).landmarks[3]).all()
    else:
        with pytest.raises(ValueError, match="not written"):
            unpacked_image(content)
