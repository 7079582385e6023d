"""A shared folder may hold anything: whole entries that mean nothing are computed again."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_fakes import Squares, request

from restore_recog.errors import NoFaceError
from restore_recog.evaluation.cache import packing
from restore_recog.evaluation.cache.packing import Outcome
from restore_recog.evaluation.cache.store import LARGEST, WorkCache
from restore_recog.evaluation.image_quality import ImageQuality
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.masks import pack
from restore_recog.evaluation.run.session import Session

KEY = b"k" * 32
ROW = np.eye(1, 4)[0]
MASK = pack(np.eye(8, dtype=np.uint8))
SOUND = packing.packed(
    Outcome(ROW, False, ImageQuality(psnr=20.0), MASK), [("restore", "Too dark.")]
)


def with_head(**changes: Any) -> bytes:
    """Return the sound entry with another head."""
    line, _, rest = SOUND.partition(b"\n")
    return json.dumps(json.loads(line) | changes).encode() + b"\n" + rest


FOREIGN = [
    b"",
    b"not JSON\n",
    b"[" * 5000,
    b"\xff\xfe\n",
    b"{}\n",
    b"[]\n",
    b"7\n",
    SOUND + b"more",
    SOUND[:-1],
    with_head(template=3),
    with_head(template=-1),
    with_head(template="4"),
    with_head(template=10**12),
    with_head(features=1),
    with_head(mask=None),
    with_head(mask=-4),
    with_head(fallback="no"),
    with_head(quality=[1.0]),
    with_head(quality=["good"] * 13),
    with_head(quality=None),
    with_head(weight="heavy"),
    with_head(failures=[["restore"]]),
    with_head(failures=[[1, 2]]),
    with_head(failures=7),
    packing.packed(Outcome(2 * ROW, False, ImageQuality()), []),
    packing.packed(Outcome(ROW * math.nan, False, ImageQuality()), []),
    packing.packed(Outcome(ROW, False, ImageQuality(), b"no mask"), []),
]


def test_what_was_written_is_understood() -> None:
    outcome, failures = packing.unpacked(SOUND)
    assert outcome.template is not None and outcome.template.tolist() == ROW.tolist()
    assert outcome.quality.psnr == 20.0 and math.isnan(outcome.quality.ssim)
    assert failures == [("restore", "Too dark.")]


@pytest.mark.parametrize("content", FOREIGN, ids=range(len(FOREIGN)))
def test_what_was_not_is_missing(content: bytes, tmp_path: Path) -> None:
    cache = WorkCache(tmp_path)
    cache.put({KEY: content})
    assert cache.read(KEY, packing.unpacked) is None
    assert cache.damaged == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"[2, 2]\n", b"[2, 2]\n" + b"x" * 13, b"[0, 0]\n", b"[-2, -2]\n" + b"x" * 12, b"[1]\n",
     b'["2", 2]\n' + b"x" * 12, b"null\n", b"[1e400, 2]\n"],
)  # fmt: skip
def test_the_same_of_images(content: bytes, tmp_path: Path) -> None:
    cache = WorkCache(tmp_path)
    cache.put({KEY: content})
    assert cache.read(KEY, packing.unpacked_tile) is None and cache.damaged == 1


@pytest.mark.parametrize(
    "content",
    ["", "7", "[]", '["", [[1, 2]]]', '["", [[1, 2], [NaN, 1], [1, 1], [1, 1], [1, 1]]]',
     '["SystemExit", "out"]', '["NoFaceError", 7]', '["", "five"]', '["", [1, 2, 3, 4, 5]]'],
)  # fmt: skip
def test_the_same_of_landmarks(content: str, tmp_path: Path) -> None:
    cache = WorkCache(tmp_path)
    cache.put({KEY: content.encode()})
    assert cache.read(KEY, packing.unpacked_place) is None and cache.damaged == 1


def test_landmarks_and_their_absence_come_back() -> None:
    points = np.linspace(0, 9, 10, dtype=np.float32).reshape(5, 2)
    back = packing.unpacked_place(packing.packed_place(points))
    assert isinstance(back, np.ndarray) and back.tobytes() == points.tobytes()
    reason = packing.unpacked_place(packing.packed_place(NoFaceError("No face.")))
    assert isinstance(reason, NoFaceError) and str(reason) == "No face."


def test_an_entry_under_another_name_is_missing(tmp_path: Path) -> None:
    cache = WorkCache(tmp_path)
    cache.put({KEY: SOUND})
    path = next(path for path in tmp_path.rglob("*.gz"))
    other = tmp_path / path.parent.name / ("0" * 62 + ".gz")
    path.rename(other)
    moved = bytes.fromhex(other.parent.name + "0" * 62)
    assert cache.get(moved) is None and cache.damaged == 1


def test_an_entry_that_would_fill_the_memory_is_missing(tmp_path: Path) -> None:
    cache = WorkCache(tmp_path)
    cache.put({KEY: b""})
    path = next(path for path in tmp_path.rglob("*.gz"))
    with gzip.open(path, "wb", 1) as file:
        file.write(KEY)
        for _ in range(LARGEST // 2**22 + 1):
            file.write(bytes(2**22))
    assert path.stat().st_size < 2**22
    assert cache.get(KEY) is None and cache.damaged == 1


@pytest.mark.parametrize("change", [lambda _: b"{}", lambda content: content[:-3]])
def test_an_evaluation_computes_foreign_entries_again(
    change: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    def run() -> tuple[Session, dict[str, bytes]]:
        session = Session(request(Squares(3, 4, occluded=2), cache=tmp_path), Ledger())
        return session, {name: arm.templates.tobytes() for name, arm in session.run().items()}

    _, wanted = run()
    cache = WorkCache(tmp_path)
    keys = [bytes.fromhex(p.parent.name + p.stem) for p in sorted(tmp_path.rglob("*.gz"))]
    assert len(keys) > 4
    for key in keys[::2]:
        cache.put({key: change(cache.get(key) or b"")})
    session, again = run()
    assert again == wanted
    assert any("not its own, and were computed again" in note for note in session.notes)
    session, again = run()
    assert again == wanted and not any("computed again" in note for note in session.notes)
