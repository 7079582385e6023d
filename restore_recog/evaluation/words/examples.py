"""Before-and-after strips for the report: flips first, then probes drawn at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from restore_recog.evaluation.arms import Occluded
from restore_recog.evaluation.arms.arm import WHOLE
from restore_recog.evaluation.results import OUTCOMES, Example
from restore_recog.evaluation.run.faces import ProbeFace
from restore_recog.labels import KINDS
from restore_recog.types import Pixels

if TYPE_CHECKING:
    from restore_recog.evaluation.figures.findings import Findings
    from restore_recog.evaluation.run.session import Session

EXAMPLES = 12
FLIPS = 4
"""Most strips of probes that were rescued, and of probes that were harmed."""

IN_WORDS = {"both right": "right before and after", "both wrong": "wrong before and after"}
"""Outcomes that a caption calls otherwise."""


def examples(session: Session, findings: Findings) -> tuple[Example, ...]:
    """Return strips [clean | occluded | mask | restored ... | fill] of a dozen probes.

    A mask that several restorers were given is shown once.
    """
    lead = next((s.name for s in session.specs if s.arm.answers), Occluded.name)
    before, after = findings.right(Occluded.name), findings.right(lead)
    ranks = [findings.measured[name].scores.rank() for name in (Occluded.name, lead)]
    probes = session.plan.probes
    known = np.array([image_id in session.found_probes for image_id in probes])
    chosen = _choose(before, after, known, session.request.seed)
    faces = session.faces([probes[i] for i in chosen])
    strips = []
    for i in chosen:
        outcome = OUTCOMES.get((before[i], after[i]), "")
        caption = _caption(outcome, (int(ranks[0][i]), int(ranks[1][i])))
        if findings.asks_quality:
            caption = _told(findings, lead, i) or _quality(findings, i)
        strip = _strip(session, faces[probes[i]])
        strips.append(Example(probes[i], caption, *strip, about=lead, outcome=outcome))
    return tuple(strips)


def _choose(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    known: NDArray[np.bool_],
    seed: int,
) -> list[int]:
    """Return rows of probes: flips first, then random ones; *known* have a usable face."""
    order = [int(i) for i in np.random.default_rng(seed).permutation(len(known)) if known[i]]
    rescued = [i for i in order if after[i] == 1 and before[i] == 0][:FLIPS]
    harmed = [i for i in order if before[i] == 1 and after[i] == 0][:FLIPS]
    flips = rescued + harmed
    return (flips + [i for i in order if i not in flips])[:EXAMPLES]


def _caption(outcome: str, ranks: tuple[int, int]) -> str:
    """Return what happened to a probe, with its rank before and after."""
    kind = IN_WORDS.get(outcome, outcome) or "without a reference of its subject"
    return f"{kind}: rank {ranks[0]} -> {ranks[1]}" if min(ranks) > 0 else kind


def _told(findings: Findings, lead: str, row: int) -> str:
    """Return what a classifier told before and after, and the truth; nothing without one."""
    sides = [findings.measured[name].labelled for name in (Occluded.name, lead)]
    before, after = sides
    if before is None or after is None:
        return ""
    words = (*KINDS[before.kind], "nothing")  # UNKNOWN, -1, is the last
    true, *told = (words[codes[row]] for codes in (before.true, before.told, after.told))
    return f"{before.kind} {true}: {told[0]} told when occluded, {told[1]} when restored"


def _quality(findings: Findings, row: int) -> str:
    """Return how close a probe's images are to the ground truth inside the covering."""
    shown = [
        (name, arm.qualities[row].psnr_mask)
        for name, arm in findings.measured.items()
        if findings.specs[name].arm.answers or name == Occluded.name
    ]
    return "PSNR in the mask: " + ", ".join(
        f"{name} {value:.1f} dB" for name, value in shown if not np.isnan(value)
    )


def _strip(session: Session, face: ProbeFace) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    tiles: list[tuple[str, Pixels]] = []
    masks: list[Pixels] = []
    for spec in session.specs:
        if spec.arm.part != WHOLE or spec.arm.fuses:
            continue
        image, mask = session.tile(spec, face)
        shown = mask is None or any(np.array_equal(mask, other) for other in masks)
        if spec.arm.answers and mask is not None and not shown:
            masks.append(mask)
            tiles.append((f"mask for {spec.restorer}", np.stack([mask * 255] * 3, axis=2)))
        tiles.append((spec.name, image))
    return tuple(title for title, _ in tiles), np.concatenate([tile for _, tile in tiles], axis=1)
