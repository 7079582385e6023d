"""Several recognisers in one run: each as if it were alone, and every image made once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_fakes import Breaker, Colours, Healer, KeyDetector, Squares, request
from torch import Tensor
from torch.nn import functional as F

from restore_recog.api import Recognizer
from restore_recog.errors import DataError
from restore_recog.evaluation.evaluate import evaluate, evaluate_each
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.results import EvaluationReport, Verdict
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.sharing import Once
from restore_recog.evaluation.words.several import summary
from restore_recog.names import numbered
from restore_recog.protocols.quality import Quality
from restore_recog.types import FaceBatch, FaceSample


class Means(Recognizer):
    """Another recogniser, with its own size; blind to dark images."""

    name = "means"
    image_size = (16, 16)

    def embed(self, images: Tensor) -> Tensor:
        means = F.adaptive_avg_pool2d(images, 2).flatten(1)
        return F.normalize(means) * (images.mean((1, 2, 3)) > 0.445)[:, None]


class CountedDetector(KeyDetector):
    count = 0

    def segment(self, images: Tensor) -> Tensor:
        CountedDetector.count += len(images)
        return super().segment(images)


class CountedHealer(Healer):
    count = 0

    def segmenter(self) -> KeyDetector:
        return CountedDetector()

    def restore(self, batch: FaceBatch) -> Tensor:
        CountedHealer.count += len(batch.images)
        return super().restore(batch)


def wanted(**options: object) -> EvalRequest:
    data = Squares(6, 4, occluded=2, broken=["00/m0", "01/c2"])
    restorers = CountedHealer(), Breaker(fail_below=0.5)
    return request(data, *restorers, batch_size=4, **options)


def same(ours: EvaluationReport, alone: EvaluationReport) -> None:
    """Compare two reports of one recogniser, all but costs, the time, and corrected p-values."""
    assert ours.failures == alone.failures
    for one, other in zip(ours.verdicts, alone.verdicts, strict=True):
        assert [replace(t, p_corrected=0) for t in one.tests] == [
            replace(t, p_corrected=0) for t in other.tests
        ]
        assert all(
            a.p_corrected >= b.p_corrected for a, b in zip(one.tests, other.tests, strict=True)
        )
    assert ours.notes == alone.notes and str(ours.probes) == str(alone.probes)
    assert str(ours.arms) == str(alone.arms)  # NaN equals NaN as text
    assert ours.scores.keys() == alone.scores.keys()
    for name, scores in alone.scores.items():
        np.testing.assert_array_equal(ours.scores[name], scores)
    assert ours.setup["recognizer"] == alone.setup["recognizer"]
    assert ours.setup["faces_sha256"] == alone.setup["faces_sha256"]


def made(asked: EvalRequest, *recognizers: Recognizer) -> tuple[list[EvaluationReport], list[int]]:
    """Return the reports, and how many images were read, segmented and restored for them."""
    CountedHealer.count = CountedDetector.count = 0
    asked.datasets[0].asked.clear()  # type: ignore[attr-defined]
    reports = evaluate_each(asked, recognizers)
    read = len(asked.datasets[0].asked)  # type: ignore[attr-defined]
    return reports, [read, CountedDetector.count, CountedHealer.count]


def test_each_recogniser_gets_the_report_that_it_gets_alone() -> None:
    both, once = made(wanted(), Colours(), Means())
    counts = []
    for recognizer, ours in zip((Colours(), Means()), both, strict=True):
        (alone,), count = made(wanted(), recognizer)
        same(ours, alone)
        counts.append(count)
    assert both[0].family == both[1].family and "behind 4 verdicts" in both[0].family
    assert {f.stage for f in both[1].failures} == {"read", "restore", "embed"}
    assert both[0].failures != both[1].failures
    # Only the strips of the report are made again, of the probes that each one's flips choose:
    # read with their counterparts, both segmented, restored with either mask and bare.
    strips = len(both[1].examples)
    more = [2 * strips, 2 * strips, 3 * strips]
    assert counts[0] == counts[1] and once == [a + b for a, b in zip(counts[0], more, strict=True)]
    assert both[1].timing.keys() >= {"read", "segment", "restore:healer", "embed"}
    assert both[1].timing["restore:healer"]["images"] > 0


def test_the_cache_serves_every_recogniser(tmp_path: Path) -> None:
    asked = wanted(cache=tmp_path)
    first = evaluate(asked)
    both, _ = made(asked, Colours(), Means())  # the second one finds nothing that was kept
    again, (_, segmented, restored) = made(asked, Means(), Colours())
    assert (segmented, restored) == (0, 0)
    for ours, other in ((both[0], first), (again[1], first), (again[0], both[1])):
        assert str(ours.probes) == str(other.probes) and ours.failures == other.failures
    assert all(report.timing.get("embed") is None for report in again)


def test_a_question_about_images_has_one_recogniser() -> None:
    asked = replace(wanted(), protocol=Quality())
    with pytest.raises(DataError, match="name one only"):
        evaluate_each(asked, [Colours(), Means()])


def test_what_is_made_once_is_kept_until_the_last_has_taken_it() -> None:
    once, calls = Once(), []

    def make(ledger: Ledger) -> list[int]:
        def work() -> list[int]:
            calls.append(1)
            ledger.fail("read", FaceSample("a", "a"), "lost")
            return [7]

        return once.of("crops", ("a",), ledger, work)

    alone = Ledger()
    assert make(alone) == make(alone) == [7] and len(calls) == 2 and len(alone.failures) == 2
    once.users = 3
    ledgers = [Ledger() for _ in range(4)]
    kept = [make(ledger) for ledger in ledgers]
    assert kept[0] is kept[1] is kept[2] and kept[3] is not kept[0]
    assert len(calls) == 4 and [len(one.failures) for one in ledgers] == [1, 1, 1, 1]
    assert once.of("crops", ("b",), ledgers[0], lambda: [8]) == [8]


def test_the_summary_counts_who_is_helped() -> None:
    report = evaluate(request(Squares(4, 4, occluded=2), arms=("occluded", "restored")))

    def said(*answers: str) -> EvaluationReport:
        given = zip(("restored:a", "restored:b"), answers, strict=True)
        return replace(report, verdicts=tuple(Verdict(arm, answer, "") for arm, answer in given))

    sentences = summary({"x": said("helps", "hurts"), "y": said("helps", "cannot tell")})
    assert sentences == [
        "Restoring with 'a' first helps 2 of 2 recognisers: x (helps), y (helps).",
        "Restoring with 'b' first helps 0 of 2 recognisers: x (hurts), y (cannot tell).",
    ]
    taught = replace(said("helps", "hurts"), setup={**report.setup, "taught": ["a"]})
    assert summary({"x": taught, "y": said("helps", "hurts")})[0].endswith(
        "2 of 2 recognisers: x (helps; it taught this restorer), y (helps)."
    )


def test_numbered_names_are_never_alike() -> None:
    assert numbered(["a", "a", "a-2", "b", "a"]) == ["a", "a-2", "a-2-2", "b", "a-3"]
