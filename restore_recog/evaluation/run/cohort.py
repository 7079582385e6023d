"""The people with whom scores are normalised: of the training split, neither enrolled nor searched.

See :mod:`restore_recog.evaluation.scores.normalisation` for what is done with them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from restore_recog.api import Plan
from restore_recog.errors import DataError
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.run.faces import Source
from restore_recog.evaluation.run.sharing import merged
from restore_recog.evaluation.run.templates import GalleryBlock
from restore_recog.evaluation.scores.normalisation import ScoreNorm

MOST = 200
"""People of a cohort at most, drawn where there are more; one image of each."""

LEAST = 10
"""With fewer, a mean and a standard deviation say too little."""


def drawn(request: EvalRequest, plan: Plan) -> Source | None:
    """Return a source of the cohort's images, one a person; None where none is asked for.

    They are unoccluded images of a training split, or left for training by the protocol.

    Raises:
        DataError: There are too few such people, or the protocol compares nobody.
    """
    if request.score_norm is None:
        return None
    if not plan.pairs and not plan.identification:
        raise DataError("--score-norm normalises scores, and the protocol compares no two images.")
    source = Source(request.datasets, training=True)
    used = (*plan.references, *plan.probes, *plan.cosine_references.values())
    known, left = {source.samples[image_id].subject for image_id in used}, set(plan.training)
    people: dict[str, list[str]] = {}
    for image_id, sample in source.samples.items():
        training = image_id in left or sample.attributes.get("split") == "train"
        if training and sample.condition == "clean" and sample.subject not in known:
            people.setdefault(sample.subject, []).append(image_id)
    _check(len(people), "the data has")
    rng = np.random.default_rng(request.seed)
    chosen = rng.permutation(sorted(people))[:MOST]
    return source.only([people[name][rng.integers(len(people[name]))] for name in chosen])


def norm_of(kind: str, blocks: Sequence[GalleryBlock], part: str) -> ScoreNorm:
    """Return how scores are normalised with the blocks of a cohort.

    Args:
        kind: ``z``, ``t`` or ``s``.
        blocks: All of the cohort.
        part: By which part of its faces.

    Raises:
        DataError: Too few of them have a template.
    """
    rows = merged(block.templates[part] for block in blocks)
    known = [row for _, row in sorted(rows.items()) if row is not None]
    _check(len(known), "templates could be made of only")
    return ScoreNorm(kind, np.stack(known))


def _check(count: int, words: str) -> None:
    if count < LEAST:
        raise DataError(
            f"--score-norm needs a cohort of at least {LEAST} people of the training split, with "
            f"an unoccluded image each and neither in the gallery nor among the probes; {words} "
            f"{count}. Leave the option out, or add data with such people."
        )
