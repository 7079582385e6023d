"""What the path from crops to batches draws, pinned; how it is fed, and what is advised."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import torch

from restore_recog.alignment import TEMPLATE
from restore_recog.cli import training_data
from restore_recog.datasets.phantom import Phantom
from restore_recog.errors import DataError, TrainingError
from restore_recog.system import workers
from restore_recog.system.workers import in_order
from restore_recog.training import loader
from restore_recog.training.batch import PackedBatch
from restore_recog.training.crops import Crops
from restore_recog.training.faces import TrainingFaces
from restore_recog.training.loader import BatchPlan, Clock, TimedBatches, batches
from restore_recog.types import FaceImage, FaceSample

SIZE = 64


def faces() -> TrainingFaces:
    """Return six people with two smooth made-up images each."""
    rng = np.random.default_rng(5)
    wide = SIZE + 8
    pixels = [
        cv2.resize(rng.integers(40, 220, (6, 6, 3), np.uint8), (wide, wide)) for _ in range(12)
    ]
    points = TEMPLATE * SIZE + rng.normal(0, 0.7, (12, 5, 2))
    ids = tuple(f"0:{n}" for n in range(12))
    subjects = np.repeat(np.arange(6), 2)
    return TrainingFaces(
        Crops(np.stack(pixels).astype(np.uint8), points.astype(np.float32), ids, subjects, SIZE),
        seed=11,
    )


PINNED = {
    (0, 0, 1.0): [
        (2, 21.14, 22.77, 1034, 144.7, 148.4, 136, 151.9),
        (3, 21.12, 22.27, 1963, 146.4, 153.6, 152.6, 116.3),
        (2, 23.49, 22.52, 1408, 108.9, 127.4, 120.7, 120.2),
        (5, 24.36, 22.26, 1485, 127.8, 128.9, 130.3, 134.3),
        (1, 23.42, 21.27, 1921, 112.8, 114.6, 127.4, 110.8),
        (4, 23.84, 24.19, 1654, 119.8, 122.1, 138.2, 133.7),
    ],
    (6, 0, 0.5): [
        (0, 23.45, 23.41, 1495, 115.8, 117, 109.2, 115.3),
        (3, 21.78, 23.23, 1159, 141.3, 141.4, 130.6, 135.3),
        (4, 20.26, 25.85, 1613, 119.9, 119, 110, 100.5),
        (5, 24.64, 22.99, 0, 138.8, 120.1, 109, 122.6),
        (1, 19.04, 24.17, 1661, 135, 120.6, 135.4, 146.2),
        (0, 24.06, 22.37, 0, 117.4, 115.2, 94.5, 109.1),
    ],
    (12, 3, 0.0): [
        (3, 23.86, 24.91, 0, 120, 128.2, 118.3, 122.2),
        (3, 24.03, 21.62, 0, 135, 116.7, 102.3, 118),
        (5, 21.07, 21.39, 0, 143.5, 139.4, 147.4, 143.4),
        (5, 23.29, 22.48, 0, 139.9, 126.5, 122, 129.5),
        (1, 21.34, 21.67, 0, 141.5, 149.5, 169, 153.3),
        (1, 19.84, 27.15, 0, 149, 136.7, 147.2, 144.3),
    ],
}
"""(position, people a batch, share covered) -> subject, left eye, pixels covered, means."""


def drawn(position: int, people: int, covered: float) -> list[tuple[float, ...]]:
    """Return for every image of a batch what tells one drawing from another."""
    plan = BatchPlan("pinned", 6, 0, 9, people, covered)
    batch = faces().packed_batch(position, plan, identities_per_batch=people, covered=covered)
    return [
        (
            int(batch.subjects[n]),
            *np.round(batch.landmarks[n, 0].numpy(), 2).tolist(),
            int(batch.masks[n].sum()),
            *np.round(batch.clean[n].float().mean((0, 1)).numpy(), 1).tolist(),
            round(float(batch.images[n].float().mean()), 1),
        )
        for n in range(6)
    ]


@pytest.mark.parametrize("case", PINNED)
def test_what_is_drawn_stays(case: tuple[int, int, float]) -> None:
    """Weights and figures depend on it; the room is for the last bits of other processors."""
    for found, pinned in zip(drawn(*case), PINNED[case], strict=True):
        assert found[0] == pinned[0]
        assert found[1:3] == pytest.approx(pinned[1:3], abs=0.02)
        assert found[3] == pytest.approx(pinned[3], rel=0.015)
        assert found[4:] == pytest.approx(pinned[4:], abs=0.4)


def test_bytes_become_floats_exactly() -> None:
    rng = np.random.default_rng(0)
    images, clean = (
        torch.from_numpy(rng.integers(0, 256, (2, 5, 5, 3), dtype=np.uint8)) for _ in "ab"
    )
    masks = torch.from_numpy(rng.integers(0, 2, (2, 5, 5), dtype=np.uint8))
    batch = PackedBatch(images, clean, masks, torch.rand(2, 5, 2), torch.tensor([3, 4])).unpack()
    assert batch.images.is_contiguous() and batch.clean is not None
    for made, source in ((batch.images, images), (batch.clean, clean)):
        for n, channel, y, x in np.ndindex(2, 3, 5, 5):
            exact = np.float32(int(source[n, y, x, channel])) / np.float32(255)
            assert float(made[n, channel, y, x]) == float(exact)
    assert torch.equal(batch.masks[:, 0], masks.float())


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("part", [(0, 1), (1, 2)])
def test_workers_make_the_same_batches_in_the_same_order(part: tuple[int, int]) -> None:
    source = faces()
    plan = BatchPlan("phase", 4, 2, 9, 2, 0.5, part)
    alone, together = (list(batches(source, plan, count)) for count in (0, 2))
    assert len(alone) == len(together) == 7
    for one, two in zip(alone, together, strict=True):
        assert len(one.images) == 4 // part[1]
        for name in ("images", "clean", "masks", "landmarks", "subjects", "landmarks98"):
            known, same = getattr(one, name), getattr(two, name)
            torch.testing.assert_close(known, same, rtol=0, atol=0, equal_nan=True)


def test_the_clock_runs_on_over_the_phases() -> None:
    def slow(count: int) -> Iterator[PackedBatch]:
        empty = torch.zeros(0)
        for _ in range(count):
            time.sleep(0.01)
            yield PackedBatch(empty, empty, empty, empty, empty)

    clock = Clock()
    for _ in TimedBatches(slow(3), clock):
        pass
    assert clock.share > 0.8
    waited = clock.waited
    for _ in TimedBatches(slow(1), clock):
        time.sleep(0.2)
    assert clock.waited > waited and clock.total > 0.23
    assert clock.share < 0.5


def test_advice_comes_above_a_fifth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_data, "cores", lambda: 8)
    assert training_data.advice(0.2, 1) is None
    assert training_data.advice(0.42, 3) == (
        "The model waited for data 42% of the time with --workers 3; this machine's 8 cores allow "
        "--workers 7."
    )
    full = training_data.advice(0.9, 7)
    assert full is not None and "all 8 cores are at work" in full


def test_workers_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = set(range(16))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: allowed, raising=False)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    count = training_data.worker_count
    assert (count(None, "cpu"), count(None, "cuda:0"), count(0, "cuda:0")) == (1, 15, 0)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert count(None, "cuda:3") == 3
    allowed.intersection_update({5})
    assert count(None, "cuda:0") == 1


def doubled(number: int) -> tuple[int, int]:
    return 2 * number, os.getpid()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_shared_out_work_comes_back_in_order() -> None:
    several = in_order(doubled, range(41), least=4, most=3)
    assert [double for double, _ in several] == list(range(0, 82, 2))
    assert os.getpid() not in {process for _, process in several} or sys.platform != "linux"
    few = in_order(doubled, range(7), least=4, most=3)
    assert few == [(2 * number, os.getpid()) for number in range(7)]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_phantoms_are_the_same_bytes_whoever_renders_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = Phantom("3x6")
    data.size = 48
    samples = [*data.samples()[:17], FaceSample("test/p0000/s99x", "nobody")]
    monkeypatch.setattr(workers, "cores", lambda: 1)
    alone = data.read(samples)
    monkeypatch.setattr(workers, "cores", lambda: 2)
    together = data.read(samples)
    for one, two in zip(alone[:-1], together[:-1], strict=True):
        assert isinstance(one, FaceImage) and isinstance(two, FaceImage)
        assert np.array_equal(one.pixels, two.pixels)
        assert one.landmarks is not None and two.landmarks is not None
        assert np.array_equal(one.landmarks, two.landmarks)
    assert isinstance(together[-1], DataError) and str(together[-1]) == str(alone[-1])


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked")
def test_a_worker_that_dies_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where shared memory is used up: the kernel ends the worker with SIGBUS."""
    source, parent = faces(), os.getpid()

    def dying(*_: object, **__: object) -> PackedBatch:
        assert os.getpid() != parent
        os.kill(os.getpid(), signal.SIGBUS)
        raise AssertionError

    monkeypatch.setattr(source, "packed_batch", dying)
    plan = BatchPlan("p", 4, 0, 2, 0, 1.0)
    with pytest.raises(TrainingError, match=r"has died, .* give fewer --workers \(0 does without"):
        list(batches(source, plan, 1))


def test_workers_that_start_from_nothing_make_the_same_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on Windows and macOS, where a process shares nothing with the one that starts it."""
    monkeypatch.setattr(loader, "_how", lambda: "spawn")
    plan = BatchPlan("only", 4, 0, 2, 0, 1.0)
    own = list(batches(faces(), plan, 0))
    theirs = list(batches(faces(), plan, 1))
    assert len(own) == len(theirs) == 2
    for one, other in zip(own, theirs, strict=True):
        assert torch.equal(one.images, other.images) and torch.equal(one.masks, other.masks)
