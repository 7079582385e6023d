"""However many images are asked for, one file is decoded at a time."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from evaluation_fakes import Healer, Squares, request

from restore_recog.errors import RestoreRecogError
from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.run.faces import Source
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.types import FaceImage, FaceSample


class Files(Squares):
    """The same images as files; counts how many are alive when another is asked for."""

    def __init__(self, *args: int, **options: int) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.alive: list[weakref.ref[object]] = []
        self.most = 0
        self.blocks: list[int] = []

    def samples(self) -> Sequence[FaceSample]:
        return [replace(one, path=Path(one.image_id)) for one in super().samples()]

    def read(self, samples: Sequence[FaceSample]) -> list[FaceImage | RestoreRecogError]:
        self.blocks.append(len(samples))
        self.most = max(self.most, sum(one() is not None for one in self.alive))
        images = super().read(samples)
        self.alive += [weakref.ref(one.pixels) for one in images if isinstance(one, FaceImage)]
        return images


@pytest.mark.parametrize("occluded", [0, 2])
def test_a_file_is_gone_before_the_next_is_decoded(occluded: int) -> None:
    data = Files(4, 4, occluded=occluded)
    report = evaluate(request(data, Healer(), batch_size=16))
    assert set(data.blocks) == {1} and data.most == 0
    same = evaluate(request(Squares(4, 4, occluded=occluded), Healer(), batch_size=16))
    assert str(report.arms) == str(same.arms) and str(report.probes) == str(same.probes)


def test_what_is_rendered_is_made_together() -> None:
    data = Squares(2, 3)
    source, ledger = Source([data]), Ledger()
    images = source.read(list(source.samples), ledger)
    next(images)
    assert len(data.asked) == 6 and not ledger.timing()
    assert len(list(images)) == 5 and [count for count, _ in ledger.laps["read"]] == [6]


def test_several_data_sets_keep_the_order() -> None:
    first, second = Files(2, 2), Squares(2, 2, broken=["00/c1"])
    source, ledger = Source([first, second]), Ledger()
    ids = sorted(source.samples, key=lambda image_id: image_id.rpartition("/")[2])
    read = [sample.image_id for sample, _ in source.read(ids, ledger)]
    assert read == [image_id for image_id in ids if image_id != "squares-2/00/c1"]
    assert [failure.image_id for failure in ledger.failures] == ["squares-2/00/c1"]
