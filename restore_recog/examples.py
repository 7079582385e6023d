"""Before-and-after strips for the report: flips first, then whatever the seed draws."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from restore_recog.arms import ArmSpec, Painter, Pixels
from restore_recog.faces import ProbeFace
from restore_recog.ledger import Ledger
from restore_recog.metrics.identification import Ranks, hits
from restore_recog.report import Example

if TYPE_CHECKING:
    from restore_recog.session import Session

EXAMPLES = 12
FLIPS = 4
"""At most so many strips of probes that were rescued, and as many that were harmed."""


def examples(session: Session, ranks: Mapping[str, Ranks]) -> tuple[Example, ...]:
    """Return strips [clean | occluded | map | restored ... | fill] of a dozen probes."""
    lead = next((s.name for s in session.specs if s.arm == "restored"), "occluded")
    before, after, probes = ranks["occluded"], ranks[lead], session.plan.probes
    chosen = _choose(before, after, probes, session.found, session.request.seed)
    faces = session.faces([probes[i] for i in chosen])
    found = []
    for i in chosen:
        face = faces[probes[i]]
        painter = session.painter([face], Ledger())  # not to be counted twice
        strip = _strip(session.specs, face, painter)
        found.append(Example(probes[i], _caption(before, after, i), *strip))
    return tuple(found)


def _choose(
    before: Ranks, after: Ranks, ids: Sequence[str], known: Container[str], seed: int
) -> list[int]:
    order = [
        int(i) for i in np.random.default_rng(seed).permutation(len(ids)) if ids[int(i)] in known
    ]
    was, now = hits(before), hits(after)
    rescued = [i for i in order if now[i] and not was[i]][:FLIPS]
    harmed = [i for i in order if was[i] and not now[i]][:FLIPS]
    flips = rescued + harmed
    return (flips + [i for i in order if i not in flips])[:EXAMPLES]


def _caption(before: Ranks, after: Ranks, i: int) -> str:
    was, now = bool(hits(before)[i]), bool(hits(after)[i])
    kind = {
        (False, True): "rescued",
        (True, False): "harmed",
        (True, True): "found before and after",
        (False, False): "missed before and after",
    }[was, now]
    return f"{kind}: rank {before.pessimistic[i]} -> {after.pessimistic[i]}"


def _strip(
    specs: Sequence[ArmSpec], face: ProbeFace, painter: Painter
) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    tiles: list[tuple[str, Pixels]] = []
    for spec in specs:
        if spec.arm == "upper-half":
            continue
        if spec.arm == "restored":
            found = painter.maps(spec, face)
            if found is not None:
                tiles.append((f"map for {spec.restorer}", np.stack([found * 255] * 3, axis=2)))
        tiles.append((spec.name, painter.paint(spec, [face]).pictures[0]))
    return tuple(title for title, _ in tiles), np.concatenate([tile for _, tile in tiles], axis=1)
