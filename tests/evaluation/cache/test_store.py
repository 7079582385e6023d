"""Finished work: found again when nothing has changed, and never when something has."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_fakes import Colours, Healer, KeyDetector, Squares, request, square
from torch import Tensor

from restore_recog.api import Segmenter
from restore_recog.errors import ImageError, NoFaceError, OutputError, WeightsError
from restore_recog.evaluation.cache import entries
from restore_recog.evaluation.cache.store import WorkCache
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.run.faces import CoveringSpec
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.probes import ArmRun
from restore_recog.evaluation.run.session import Session
from restore_recog.face_detection import FaceFinder
from restore_recog.types import FaceBatch, FaceImage, FaceSample

FAILS_ONE = float(np.mean(sorted(square(subject, 0)[0].mean() / 255 for subject in range(3))[:2]))
"""One of three subjects' images are darker at the top than this."""

KEYS = [bytes([i]) * 32 for i in range(4)]
CALLS: dict[str, int] = {"embed": 0, "restore": 0, "segment": 0, "find": 0}


@pytest.fixture(autouse=True)
def _no_calls() -> Iterator[None]:
    CALLS.update(dict.fromkeys(CALLS, 0))
    yield


class CountedColours(Colours):
    def embed(self, images: Tensor) -> Tensor:
        CALLS["embed"] += len(images)
        return super().embed(images)


class CountedSegmenter(KeyDetector):
    def segment(self, images: Tensor) -> Tensor:
        CALLS["segment"] += len(images)
        return super().segment(images)


class CountedHealer(Healer):
    """Fails on one subject, so that failures must be remembered too."""

    strength = 1.0

    def segmenter(self) -> Segmenter:
        return CountedSegmenter()

    def restore(self, batch: FaceBatch) -> Tensor:
        CALLS["restore"] += len(batch.images)
        healed = super().restore(batch)
        if bool((batch.images[:, :, 0].mean((1, 2)) < FAILS_ONE).any()):
            raise ImageError("Too dark.")
        return healed * self.strength


ARMS = ("clean", "occluded", "restored", "restored-oracle-mask", "fill", "upper-half",
        "restored-clean")  # fmt: skip


def wanted(cache: Path | None, dataset: Squares | None = None, **options: object) -> EvalRequest:
    base = request(dataset or Squares(3, 4, occluded=2), CountedHealer(), batch_size=4,
                   cache=cache, **({"arms": ARMS} | options))  # fmt: skip
    return EvalRequest(**{name: getattr(base, name) for name in base.__dataclass_fields__}
                       | {"recognizer": CountedColours()})  # fmt: skip


Ran = tuple[Session, dict[str, ArmRun], Ledger]


def ran(made: EvalRequest) -> Ran:
    ledger = Ledger()
    session = Session(made, ledger)
    return session, session.run(), ledger


def same(a: Ran, b: Ran) -> None:
    """Compare two runs bit by bit."""
    assert list(a[1]) == list(b[1]) and a[2].failures == b[2].failures
    for name, run in a[1].items():
        assert run.templates.tobytes() == b[1][name].templates.tobytes()
        assert run.fallbacks == b[1][name].fallbacks
        assert repr(run.qualities) == repr(b[1][name].qualities)
    for spec in a[0].specs:
        assert a[0].references(spec).tobytes() == b[0].references(spec).tobytes()


# The folder itself.


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_was_put_is_found_by_the_next(tmp_path: Path) -> None:
    first = WorkCache(tmp_path / "deep" / "cache")
    first.put({KEYS[0]: b"nought", KEYS[1]: b""})
    first.put({KEYS[2]: b"\x00" * 1000})
    cache = WorkCache(tmp_path / "deep" / "cache")
    assert [cache.get(key) for key in KEYS] == [b"nought", b"", b"\x00" * 1000, None]
    assert len(files(tmp_path)) == 3 and cache.damaged == 0


def test_the_newest_of_several_counts(tmp_path: Path) -> None:
    for content in (b"oldest", b"old", b"new"):
        WorkCache(tmp_path).put({KEYS[0]: content})
    assert WorkCache(tmp_path).get(KEYS[0]) == b"new" and len(files(tmp_path)) == 1


def test_keys_that_begin_alike_are_kept_apart(tmp_path: Path) -> None:
    alike = [b"12345678" + bytes([i]) * 24 for i in range(3)]
    WorkCache(tmp_path).put({alike[0]: b"a", alike[1]: b"b"})
    cache = WorkCache(tmp_path)
    assert [cache.get(key) for key in alike] == [b"a", b"b", None]


def test_a_file_that_is_cut_off_loses_its_own_entry_only(tmp_path: Path) -> None:
    WorkCache(tmp_path).put({KEYS[0]: b"whole", KEYS[1]: b"cut off"})
    path = files(tmp_path)[1]
    sound = path.read_bytes()
    for length in range(len(sound)):
        path.write_bytes(sound[:length])
        cache = WorkCache(tmp_path)
        assert cache.get(KEYS[0]) == b"whole" and cache.get(KEYS[1]) is None
        assert cache.damaged == 1
    cache.put({KEYS[1]: b"anew"})
    assert WorkCache(tmp_path).get(KEYS[1]) == b"anew"


def test_a_damaged_entry_counts_as_missing(tmp_path: Path) -> None:
    content = bytes(range(200))
    WorkCache(tmp_path).put({KEYS[0]: content, KEYS[1]: b"whole"})
    path = files(tmp_path)[0]
    sound = path.read_bytes()
    (path.parent / "foreign.gz").write_bytes(b"something else")
    for place in range(len(sound)):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 0x55]) + sound[place + 1 :])
        cache = WorkCache(tmp_path)
        # What gzip notes of the file's time and system does not bear on its content.
        assert cache.get(KEYS[0]) == (content if 4 <= place < 10 else None)
        assert cache.damaged == (0 if 4 <= place < 10 else 1)
        assert cache.get(KEYS[1]) == b"whole"


def test_a_process_that_is_killed_spoils_nothing(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from restore_recog.evaluation.cache.store import WorkCache\n"
        "cache = WorkCache(Path(sys.argv[1]))\n"
        f"cache.put({{{KEYS[0]!r}: b'kept'}})\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == -9
    assert WorkCache(tmp_path).get(KEYS[0]) == b"kept"


def test_runs_at_the_same_time_share_the_folder(tmp_path: Path) -> None:
    a, b = WorkCache(tmp_path), WorkCache(tmp_path)
    a.put({KEYS[0]: b"a"})
    b.put({KEYS[1]: b"b"})
    a.put({KEYS[2]: b"c"})
    assert [b.get(key) for key in KEYS[:3]] == [b"a", b"b", b"c"]
    code = (
        "import sys; from pathlib import Path\n"
        "from restore_recog.evaluation.cache.store import WorkCache\n"
        "cache = WorkCache(Path(sys.argv[1]))\n"
        f"for _ in range(50): cache.put({{{KEYS[3]!r}: sys.argv[2].encode() * 9999}})\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in ("x", "y")
    ]
    whole = {name * 9999 for name in (b"x", b"y")} | {None}
    while any(writer.poll() is None for writer in writers):
        assert a.get(KEYS[3]) in whole
    assert [writer.returncode for writer in writers] == [0, 0]
    assert a.get(KEYS[3]) in whole - {None} and a.damaged == 0 and len(files(tmp_path)) == 4


def test_the_folder_may_vanish(tmp_path: Path) -> None:
    cache = WorkCache(tmp_path / "cache")
    cache.put({KEYS[0]: b"gone"})
    shutil.rmtree(tmp_path / "cache")
    assert cache.get(KEYS[0]) is None and cache.damaged == 0
    cache.put({KEYS[0]: b"back"})
    assert cache.get(KEYS[0]) == b"back"


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="--no-cache"):
        WorkCache(tmp_path / "file")


# What it does for an evaluation.


def test_the_second_run_asks_no_net_and_says_the_same(tmp_path: Path) -> None:
    plain = ran(wanted(None))
    first = ran(wanted(tmp_path))
    assert min(CALLS["embed"], CALLS["restore"], CALLS["segment"]) > 0
    tiles = [first[0].tile(spec, face) for spec, face in _tiles(first[0])]
    CALLS.update(dict.fromkeys(CALLS, 0))
    second = ran(wanted(tmp_path))
    again = [second[0].tile(spec, face) for spec, face in _tiles(second[0])]
    assert set(CALLS.values()) == {0}
    same(plain, first)
    same(first, second)
    for a, b in zip(tiles, again, strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        assert (a[1] is None) == (b[1] is None) and np.array_equal(a[1], b[1])  # type: ignore[arg-type]
    assert any(f.stage == "restore" for f in second[2].failures)
    assert any("came from the cache" in note for note in second[0].notes)
    assert not any("cache" in note for note in first[0].notes)


def _tiles(session: Session) -> list:  # type: ignore[type-arg]
    faces = session.faces(session.plan.probes[:2])
    return [(spec, face) for spec in session.specs for face in faces.values()]


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    class Interrupted(CountedColours):
        blocks = 0

        def embed(self, images: Tensor) -> Tensor:
            type(self).blocks += 1
            if self.blocks == 4:
                raise KeyboardInterrupt
            return super().embed(images)

    made = wanted(tmp_path, arms=("occluded",))
    plain = ran(wanted(None, arms=("occluded",)))
    CALLS.update(dict.fromkeys(CALLS, 0))
    again = wanted(tmp_path, arms=("occluded",))
    object.__setattr__(made, "recognizer", Interrupted())
    object.__setattr__(again, "recognizer", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        ran(made)
    assert 0 < CALLS["embed"] < len(plain[0].gallery) + len(plain[0].found_probes)
    finished = ran(again)
    assert CALLS["embed"] == len(plain[0].gallery) + len(plain[0].found_probes)  # nothing twice
    same(plain, finished)


def test_a_cut_off_cache_is_made_whole_with_a_note(tmp_path: Path) -> None:
    first = ran(wanted(tmp_path))
    for path in files(tmp_path)[::2]:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    CALLS.update(dict.fromkeys(CALLS, 0))
    second = ran(wanted(tmp_path))
    assert CALLS["embed"] > 0
    same(first, second)
    assert any("cut off or damaged" in note for note in second[0].notes)
    CALLS.update(dict.fromkeys(CALLS, 0))
    same(first, ran(wanted(tmp_path)))
    assert set(CALLS.values()) == {0}


def test_only_what_a_change_touches_is_made_anew(tmp_path: Path) -> None:
    ran(wanted(tmp_path))
    total = sum(CALLS.values())

    def cost(made: EvalRequest) -> dict[str, int]:
        CALLS.update(dict.fromkeys(CALLS, 0))
        ran(made)
        return dict(CALLS)

    stronger = wanted(tmp_path)
    stronger.restorers[0].strength = 0.9  # type: ignore[attr-defined]
    changed = cost(stronger)
    assert changed["restore"] > 0 and changed["embed"] == 3 * 6  # the three arms that restore
    changed = cost(wanted(tmp_path, restorer_failure="fta"))
    assert changed["restore"] > 0

    class Redder(Squares):
        def read(self, samples: list[FaceSample]) -> list:  # type: ignore[type-arg,override]
            images = super().read(samples)
            for sample, image in zip(samples, images, strict=True):
                if sample.image_id == "00/m0":
                    image.pixels[0, 0] = 255  # type: ignore[union-attr]
            return images

    changed = cost(wanted(tmp_path, Redder(3, 4, occluded=2)))
    assert 0 < sum(changed.values()) < total
    assert cost(wanted(tmp_path, arms=("fill", "occluded"))) == dict.fromkeys(CALLS, 0)


def test_other_coverings_are_other_work(tmp_path: Path) -> None:
    arms = ("occluded",)
    ran(wanted(tmp_path, Squares(3, 4), arms=arms))
    CALLS.update(dict.fromkeys(CALLS, 0))
    session, _, _ = ran(wanted(tmp_path, Squares(3, 4), arms=arms))
    assert CALLS["embed"] == 0
    other = wanted(tmp_path, Squares(3, 4), arms=arms)
    fresh = Session(other, Ledger())
    fresh.studio = replace(fresh.studio, coverings=CoveringSpec("random", None, seed=99))
    fresh.run()
    assert CALLS["embed"] == len(session.plan.probes)


def test_landmarks_are_not_looked_for_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(self: FaceFinder, image: FaceImage) -> FaceImage:
        CALLS["find"] += 1
        if image.pixels[0, 0, 0] % 2:
            raise NoFaceError("No face.")
        points = np.array([[20.1, 23], [41, 23], [32, 35], [23, 44], [40, 44]], np.float32)
        return FaceImage(image.pixels, points)

    monkeypatch.setattr(FaceFinder, "locate", find)
    finder = FaceFinder("largest")
    images = [FaceImage(np.full((32, 32, 3), level, np.uint8)) for level in (2, 3)]
    for expected in (1, 1):
        locator = entries.RememberingLocator(finder, WorkCache(tmp_path))
        landmarks = locator.locate(images[0], Ledger()).landmarks
        assert CALLS["find"] == expected
        assert landmarks is not None and landmarks.dtype == np.float32
        assert landmarks[0, 0] == np.float32(20.1)
    for expected in (2, 2):
        locator = entries.RememberingLocator(finder, WorkCache(tmp_path))
        with pytest.raises(NoFaceError, match="No face."):
            locator.locate(images[1], Ledger())
        assert CALLS["find"] == expected
    other = entries.RememberingLocator(FaceFinder("one"), WorkCache(tmp_path))
    other.locate(images[0], Ledger())
    assert CALLS["find"] == 3


def test_a_net_that_cannot_be_built_stops_the_run(tmp_path: Path) -> None:
    class Unfit(CountedColours):
        def prepare(self) -> None:
            raise WeightsError("The file holds another network.")

    with pytest.raises(WeightsError, match="another network"):  # no face's failure, image by image
        ran(replace(wanted(tmp_path), recognizer=Unfit()))
    ran(wanted(tmp_path))
