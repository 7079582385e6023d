"""What holds for every plan, whatever the protocol."""

from __future__ import annotations

from collections.abc import Sequence

from restore_recog.api import EvaluationProtocol, Plan
from restore_recog.types import FaceSample


def check_sound(plan: Plan, samples: Sequence[FaceSample], *, closed: bool = True) -> None:
    """Nothing leaks, everything exists, every label is right."""
    known = {sample.image_id: sample for sample in samples}
    references, probes, training = set(plan.references), set(plan.probes), set(plan.training)
    assert len(references) == len(plan.references) and len(probes) == len(plan.probes)
    assert references | probes | training <= known.keys()
    assert not references & probes
    twins = {known[image_id].clean_id for image_id in references | probes}
    assert not training & (references | probes | twins)
    assert not {known[image_id].clean_id for image_id in probes} & references
    if closed:
        people = {known[image_id].subject for image_id in references}
        assert {known[image_id].subject for image_id in probes} <= people
    assert len(set(plan.pairs)) == len(plan.pairs)
    for pair in plan.pairs:
        assert pair.reference_id in references and pair.probe_id in probes
        one, other = known[pair.reference_id], known[pair.probe_id]
        assert pair.genuine == (one.subject == other.subject)
    for subject, image_id in plan.cosine_references.items():
        assert image_id in references and known[image_id].subject == subject
        assert known[image_id].condition == "clean"


def check_choices(protocol: EvaluationProtocol, samples: Sequence[FaceSample]) -> None:
    """The order plays no part, the seed does, a smaller limit takes a part of a larger one."""
    plan = protocol.plan(samples, seed=5)
    assert plan == protocol.plan(sorted(samples, key=lambda s: s.image_id[::-1]), seed=5)
    assert protocol.plan(samples, seed=6).pairs != plan.pairs
    previous: set[str] = set()
    for limit in (1, 3, len(plan.probes) - 1, len(plan.probes)):
        part = protocol.plan(samples, seed=5, limit=limit)
        assert len(part.probes) == limit and previous <= set(part.probes) <= set(plan.probes)
        assert part.references == plan.references and part.training == plan.training
        assert part.cosine_references == plan.cosine_references
        previous = set(part.probes)
