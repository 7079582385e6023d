"""Templates planted by hand, and a session that does nothing but hand them over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from restore_recog.api import Plan, Recognizer
from restore_recog.evaluation.arms import ARMS
from restore_recog.evaluation.arms.choice import ArmSpec
from restore_recog.evaluation.figures.findings import Findings
from restore_recog.evaluation.image_quality import ImageQuality
from restore_recog.evaluation.run.probes import ArmRun
from restore_recog.evaluation.scores.design import Design
from restore_recog.evaluation.scores.normalisation import ScoreNorm
from restore_recog.types import FaceSample, Trial

Templates = NDArray[np.float64]


class Planted(Recognizer):
    """Stands for whoever made the templates, and makes none."""

    name = "planted"

    def embed(self, images: Tensor) -> Tensor:
        raise NotImplementedError


def unit(rows: Templates) -> Templates:
    """Return rows of length one; rows of NaN stay."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def people(n: int, length: int = 32, seed: int = 0) -> Templates:
    """Return (n, length) directions in space, one a person."""
    return unit(np.random.default_rng(seed).normal(size=(n, length)))


def near(centres: Templates, noise: float, seed: int) -> Templates:
    """Return templates beside their people's directions."""
    shape = centres.shape
    return unit(centres + np.random.default_rng(seed).normal(size=shape) * noise / shape[1] ** 0.5)


def sample(image_id: str, **attributes: str) -> FaceSample:
    """Return a sample called ``subject/...``; ``condition`` may be among the attributes."""
    condition = attributes.pop("condition", "clean")
    subject = image_id.partition("/")[0]
    return FaceSample(image_id, subject, condition=condition, attributes=attributes)


def simple_plan(n: int, shots: int = 2, references: int = 2, **options: object) -> Plan:
    """Return a search of n people, and one genuine and one impostor pair a probe."""
    refs = [f"{s:03d}/r{k}" for s in range(n) for k in range(references)]
    probes = [f"{s:03d}/p{k}" for s in range(n) for k in range(shots)]
    pairs = []
    for i, probe in enumerate(probes):
        own, other = i // shots, (i // shots + 1 + i % (n - 1)) % n
        pairs.append(Trial(f"{own:03d}/r0", probe, True))
        if own != other:
            pairs.append(Trial(f"{other:03d}/r0", probe, False))
    chosen = {f"{s:03d}": f"{s:03d}/r0" for s in range(n)}
    given = {"references": tuple(refs), "probes": tuple(probes), "pairs": tuple(pairs)}
    return Plan(**(given | {"cosine_references": chosen, "synthetic": False} | options))  # type: ignore[arg-type]


def board_of(plan: Plan) -> Design:
    """Return the design of a plan whose ids begin with the subject."""
    ids = {*plan.references, *plan.probes, *plan.cosine_references.values()}
    return Design.of(plan, {image_id: image_id.partition("/")[0] for image_id in ids})


def findings(
    plan: Plan,
    arms: Mapping[str, Templates],
    references: Templates | Mapping[str, Templates],
    *,
    samples: Sequence[FaceSample] = (),
    qualities: Mapping[str, Sequence[ImageQuality]] | None = None,
    enrolment: str = "max",
    recognizer: Recognizer | None = None,
    norm: ScoreNorm | None = None,
    weights: NDArray[np.float64] | None = None,
) -> Findings:
    """Return the findings of planted templates.

    Args:
        arms: Name, e.g. ``restored:x`` -> (P, D) templates of the probes.
        references: (R, D) of the design's columns, for all arms or by arm.
        samples: Those that are not plainly clean.
        qualities: Arm -> one a probe.
        recognizer: Who compares the templates; by default by their cosine.
        norm: How scores are normalised.
        weights: (R,) of the references.
    """
    design = board_of(plan)
    known = {image_id: sample(image_id) for image_id in (*design.columns, *plan.probes)}
    known |= {one.image_id: one for one in samples}
    specs = [ArmSpec(ARMS[(parts := name.split(":"))[0]], *parts[1:]) for name in arms]

    def of(spec: ArmSpec) -> Templates:
        return references[spec.name] if isinstance(references, Mapping) else references

    session = SimpleNamespace(
        design=design,
        asks_quality=False,
        specs=specs,
        source=SimpleNamespace(samples=known),
        request=SimpleNamespace(
            enrolment=enrolment, seed=0, limit=None, recognizer=recognizer or Planted()
        ),
        references=of,
        norm=lambda _: norm,
        weights=lambda: weights,
    )
    runs = {
        name: ArmRun(
            templates,
            {},
            dict(zip(plan.probes, (qualities or {}).get(name, ()), strict=False)),
            {},
        )
        for name, templates in arms.items()
    }
    return Findings.of(session, runs)  # type: ignore[arg-type]


def run() -> ArmRun:
    """Return a run without failures, for the parts of a report that count them."""
    return ArmRun(np.empty((0, 0)), {}, {}, {})


def dense(probes: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Return the table of scores as float32 holds them, -inf where one is missing."""
    table = (probes @ references.T).astype(np.float32).astype(float)
    return np.where(np.isnan(table), -np.inf, table)


def pairs_only(missing: int = 0) -> tuple[Plan, np.ndarray, np.ndarray]:
    """Return (plan, probes, references) of a list of 40 pairs in four folds."""
    centres = people(10, 24)
    ids = [f"{s:03d}/{k}" for s in range(10) for k in range(3)]
    pairs = [Trial(f"{s:03d}/0", f"{s:03d}/{1 + k}", True) for s in range(10) for k in range(2)]
    pairs += [
        Trial(f"{s:03d}/0", f"{(s + k) % 10:03d}/1", False) for s in range(10) for k in (1, 2)
    ]
    folds = tuple(1 + i % 4 for i in range(40))
    references = tuple(dict.fromkeys(t.reference_id for t in pairs))
    probes = tuple(dict.fromkeys(t.probe_id for t in pairs))
    lost = tuple((1, "no image") for _ in range(missing))
    plan = Plan(
        references, probes, tuple(pairs), {}, False, identification=False, folds=folds,
        missing_pairs=lost,
    )  # fmt: skip
    images = near(centres[[int(i[:3]) for i in ids]], 0.8, 4)
    place = {image_id: i for i, image_id in enumerate(ids)}
    chosen = [images[[place[i] for i in side]] for side in (probes, references)]
    return plan, chosen[0], chosen[1]
