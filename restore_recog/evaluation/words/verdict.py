"""The verdict on a restorer in plain words, by what a recogniser makes of its images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from restore_recog.evaluation.figure import FigureName
from restore_recog.evaluation.figures.chance import at_chance
from restore_recog.evaluation.results import ArmReport, Cohort, Test, Verdict
from restore_recog.evaluation.words import remarks
from restore_recog.evaluation.words.grounds import CANNOT_TELL, Ground, Tests, grounds, points
from restore_recog.labels import KINDS


def verdict(
    arm: ArmReport,
    floor: ArmReport,
    recognizer: str,
    where: str = "",
    *,
    cohorts: Sequence[Cohort] = (),
    fused: Iterable[ArmReport] = (),
    tests: Tests | None = None,
) -> Verdict:
    """Return the verdict on one restorer, with what must be known with it.

    It is based on the paired differences in rank-1 (where nobody is searched, in the accuracy on
    pairs) and in the FNMR at the fixed threshold. It helps where one of them is for the better by
    its corrected p and none for the worse, and hurts the other way round; else it cannot be told.

    Args:
        arm: A restored arm.
        floor: The occluded arm.
        recognizer: Its name.
        where: What the probes were, to follow the recogniser's name.
        cohorts: All groups that were measured.
        fused: The arms that fuse what was restored.
        tests: What is told and what is not; nothing is, by default.
    """
    bases, known = grounds(arm), tests or Tests()
    restoring, whom = f"with '{arm.restorer}' first", f"'{recognizer}'{where}"
    if not bases:
        return Verdict(
            arm.name,
            CANNOT_TELL,
            f"Whether restoring {restoring} helps {whom} cannot be told: there is neither a "
            "search, nor a balanced list of pairs, nor a supported threshold for these probes.",
        )
    answer, words = _answer(arm, floor, bases, known)
    said = [_ground(arm, floor, base, answer, known) for base in bases]
    base, others = bases[0], list(fused)
    sentences = [
        f"{words.format(restoring, whom)}: {'; '.join(said)}.",
        remarks.beside_fill(arm, base, known),
        remarks.drift(arm, known),
        remarks.harm(arm, base, cohorts, known),
        *(remarks.fusion(one, arm, base, known) for one in others),
    ]
    behind = [test for one in (arm, *others) for test in known.of(one)]
    behind += [
        Test(arm.name, base.gain, gain["p_sign_flip"], known.groups[arm.name, group], group)
        for group, gain in remarks.group_gains(arm, base, cohorts).items()
    ]
    return Verdict(arm.name, answer, " ".join(s for s in sentences if s), tuple(behind))


def _answer(
    arm: ArmReport, floor: ArmReport, bases: Sequence[Ground], tests: Tests
) -> tuple[str, str]:
    """Return the answer, and the clause that gives it, with places for what helps whom."""
    directions = {_counted(arm, base, tests) for base in bases}
    if all(at_chance(one, bases[0].rate) for one in (arm, floor)):
        return CANNOT_TELL, (
            "Whether restoring {} helps {} cannot be told, for these probes measure nothing: it "
            "does no better than chance on them, occluded or restored"
        )
    if {1, -1} <= directions:
        return CANNOT_TELL, "Whether restoring {} helps {} depends on what it is used for"
    if 1 in directions:
        return "helps", "Restoring {} helps {}"
    if -1 in directions:
        return "hurts", "Restoring {} hurts {}"
    return CANNOT_TELL, "Whether restoring {} helps {} cannot be told from these probes"


def _counted(arm: ArmReport, base: Ground, tests: Tests) -> int:
    """Return the direction of a difference, 0 for a fall of the FNMR that impostors share."""
    direction = tests.direction(arm, base.gain, base.sign)
    return 0 if direction > 0 and _lets_more_in(arm, base) else direction


def _lets_more_in(arm: ArmReport, base: Ground) -> bool:
    """Return whether, at the threshold of an FNMR, more impostors may pass than before."""
    if base.rate.rate != "fmr":
        return False
    change = arm.figures.get(FigureName("fmr_frozen_change", base.rate.target))
    return change is not None and change.low > 0


def _ground(arm: ArmReport, floor: ArmReport, base: Ground, answer: str, tests: Tests) -> str:
    """Return one rate before and after, and how far it carries the answer."""
    gain = arm.figures[base.gain]
    before, after = floor.figures[base.rate].value, arm.figures[base.rate].value
    kind = "probes" if base.rate in ("rank1", *KINDS) else "comparisons"
    kind = "searches" if base.rate.kind == "dir" else kind
    direction = tests.direction(arm, base.gain, base.sign)
    note = {1: "is better", -1: "is worse", 0: "alone cannot be told"}[direction]
    if direction != _counted(arm, base, tests):
        note += ", but more impostors pass there, too"
    elif answer == CANNOT_TELL and not direction:
        note = ""
    return (
        f"{base.words} goes from {100 * before:.1f} % to {100 * after:.1f} %, a difference of "
        f"{points(gain)} ({tests.words(arm, base.gain)}; {gain.n} {kind} of {gain.n_subjects} "
        f"subjects, {gain['rescued']} rescued, {gain['harmed']} harmed)"
        + (f", which {note}" if note else "")
    )
