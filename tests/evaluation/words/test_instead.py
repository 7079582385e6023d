"""What one would do instead of restoring stands beside what restoring gives."""

from __future__ import annotations

from dataclasses import replace

import pytest
from evaluation_fakes import Colours, Healer, Squares, request

from restore_recog.evaluation.evaluate import evaluate
from restore_recog.evaluation.results import EvaluationReport
from restore_recog.evaluation.words.instead import instead


class Aware(Colours):
    """A recogniser whose file says that it was trained on covered faces."""

    name = "aware"
    settings = {"trained_on": {"covered": 0.5, "coverings": "random"}}


@pytest.fixture(scope="module")
def reports() -> dict[str, EvaluationReport]:
    made = {}
    for recognizer in (Colours(), Aware()):
        asked = replace(request(Squares(6, 4, occluded=2), Healer()), recognizer=recognizer)
        made[recognizer.name] = evaluate(asked)
    return made


def test_the_best_of_restoring_stands_beside_it(reports: dict[str, EvaluationReport]) -> None:
    (sentence,) = instead(reports)
    arms = {arm.name: arm.figures for arm in reports["colours"].arms}
    best = max(("restored:healer", "fused:healer"), key=lambda name: arms[name]["rank1"].value)
    floor = {arm.name: arm.figures for arm in reports["aware"].arms}["occluded"]["rank1"]
    assert sentence.startswith(
        "What one would do instead: with 'aware', of whose training faces 50 % were covered, "
        f"rank-1 on the occluded faces as they are is {100 * floor.value:.1f} % ("
    )
    assert f"is '{best}' with 'colours', {100 * arms[best]['rank1'].value:.1f} % (" in sentence


def test_there_is_nothing_to_say_where_all_or_none_were_trained_so(
    reports: dict[str, EvaluationReport],
) -> None:
    for name, report in reports.items():
        assert instead({name: report}) == []
    assert instead({"a": reports["aware"], "b": reports["aware"]}) == []


def test_a_report_without_a_common_figure_is_passed_over(
    reports: dict[str, EvaluationReport],
) -> None:
    bare = tuple(replace(arm, figures={}) for arm in reports["colours"].arms)
    assert instead({**reports, "colours": replace(reports["colours"], arms=bare)}) == []
