"""How many of several recognisers a restorer helps, in words."""

from __future__ import annotations

from collections.abc import Mapping

from restore_recog.evaluation.results import EvaluationReport


def summary(reports: Mapping[str, EvaluationReport]) -> list[str]:
    """Return a sentence for each restorer: how many recognisers it helps, and what of each.

    Args:
        reports: By the names of the recognisers, of the same restorers.
    """
    answers: dict[str, dict[str, str]] = {}
    for recognizer, report in reports.items():
        for verdict in report.verdicts:
            answers.setdefault(verdict.arm.partition(":")[2], {})[recognizer] = verdict.answer
    return [_sentence(restorer, given, reports) for restorer, given in answers.items()]


def _sentence(
    restorer: str, answers: Mapping[str, str], reports: Mapping[str, EvaluationReport]
) -> str:
    helped = sum(answer == "helps" for answer in answers.values())
    taught = [name for name in answers if restorer in reports[name].setup.get("taught", ())]
    told = {name: "; it taught this restorer" if name in taught else "" for name in answers}
    each = ", ".join(f"{name} ({answer}{told[name]})" for name, answer in answers.items())
    return (
        f"Restoring with '{restorer}' first helps {helped} of {len(answers)} recognisers: {each}."
    )
