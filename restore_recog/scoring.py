"""From templates to figures: what each arm scored, and what it gained.

A comparison without a template scores -inf: it is never accepted, a miss at every
rank, and it stays in every denominator (usnistgov/frvt#133). Means of cosines have no
place for -inf; they leave it out and their n says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog.api import Plan
from restore_recog.errors import DataError
from restore_recog.likeness import QUALITIES, Quality
from restore_recog.metrics.identification import (
    Ranks,
    expected_rank_rate,
    hits,
    identification_ranks,
)
from restore_recog.metrics.uncertainty import (
    bootstrap_difference,
    bootstrap_mean,
    bootstrap_ratio,
    sign_flip_test,
)
from restore_recog.metrics.verification import equal_error_rate, fnmr_at_fmr
from restore_recog.metrics.verification_intervals import bootstrap_verification

FMR_TARGETS = (1e-2, 1e-3)

Vector = NDArray[np.float64]
Figure = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class ArmScores:
    """One arm, probe by probe; P probes in the plan's order, T trials.

    Attributes:
        ranks: Of every probe's own subject.
        cosine: (P,) to the subject's one random clean picture; NaN without both templates.
        impostor: (P,) mean cosine to those pictures of all other subjects; NaN likewise.
        trials: (T,) scores, -inf where a template is missing.
    """

    ranks: Ranks
    cosine: Vector
    impostor: Vector
    trials: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """Who is compared with whom, as indices.

    Attributes:
        probe_subjects: (P,) in the plan's order.
        columns: image_ids of the gallery and, behind them, of cosine references outside it.
        column_subjects: (R,) their subjects.
    """

    plan: Plan
    probe_subjects: NDArray[np.str_]
    columns: tuple[str, ...]
    column_subjects: NDArray[np.str_]

    @classmethod
    def of(cls, plan: Plan, subjects: Mapping[str, str]) -> Board:
        """Return the board of a plan; *subjects* maps every image_id to its subject.

        Raises:
            DataError: A probe's subject is not in the gallery.
        """
        inside = set(plan.references)
        extra = sorted(set(plan.cosine_references.values()) - inside)
        columns = (*plan.references, *extra)
        enrolled = {subjects[image_id] for image_id in plan.references}
        strangers = sorted(i for i in plan.probes if subjects[i] not in enrolled)
        if strangers:
            raise DataError(
                f"The protocol's probe '{strangers[0]}' has no reference of its subject; a "
                "closed-set search needs one."
            )
        if overlap := sorted(inside & set(plan.probes)):
            raise DataError(
                f"The protocol puts '{overlap[0]}' among the probes and into the gallery; "
                "a picture must not be searched in itself."
            )
        return cls(
            plan,
            np.array([subjects[i] for i in plan.probes]),
            columns,
            np.array([subjects[i] for i in columns]),
        )

    def trial_subjects(self) -> NDArray[np.str_]:
        """Return (T, 2) the subjects of each trial's reference and probe."""
        own = dict(zip(self.columns, self.column_subjects, strict=True))
        own |= dict(zip(self.plan.probes, self.probe_subjects, strict=True))
        return np.array([(own[t.reference_id], own[t.probe_id]) for t in self.plan.pairs])

    def score(self, probes: Vector, references: Vector) -> ArmScores:
        """Return the comparisons of one arm.

        Args:
            probes: (P, D) unit-length templates, NaN rows for failed ones.
            references: (R, D) the same for the columns.
        """
        table = probes @ references.T
        scores = np.where(np.isnan(table), -np.inf, table)
        gallery = len(self.plan.references)
        ranks = identification_ranks(
            scores[:, :gallery], self.probe_subjects, self.column_subjects[:gallery]
        )
        place = {image_id: i for i, image_id in enumerate(self.columns)}
        row = {image_id: i for i, image_id in enumerate(self.plan.probes)}
        chosen = self.plan.cosine_references
        cosine_columns = [place[image_id] for image_id in chosen.values()]
        sheet = table[:, cosine_columns]
        own = self.probe_subjects[:, None] == np.array(list(chosen))[None, :]
        trials = np.array(
            [scores[row[t.probe_id], place[t.reference_id]] for t in self.plan.pairs], dtype=float
        )
        return ArmScores(ranks, _row_means(sheet, own), _row_means(sheet, ~own), trials)


def _row_means(values: Vector, where: NDArray[np.bool_]) -> Vector:
    """Return the mean of the chosen known entries of every row, NaN where there is none."""
    known = where & ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0))


def figures(
    scores: ArmScores, qualities: Sequence[Quality], board: Board, seed: int
) -> dict[str, Figure]:
    """Return the figures of one arm by name; those that cannot be measured are absent."""
    found: dict[str, Figure] = {}
    people = board.probe_subjects
    rank1 = asdict(bootstrap_mean(hits(scores.ranks), people, seed=seed))
    references = len(board.plan.references)
    found["rank1"] = rank1 | {
        "tied_probes": scores.ranks.n_tied,
        "value_ties_at_random": expected_rank_rate(scores.ranks, 1),
        "gallery_subjects": scores.ranks.n_subjects,
        "references_per_subject": references / max(1, scores.ranks.n_subjects),
    }
    found["rank5"] = asdict(bootstrap_mean(hits(scores.ranks, 5), people, seed=seed))
    for name, values in (("cosine", scores.cosine), ("impostor_cosine", scores.impostor)):
        _add_mean(found, name, values, people, seed)
    found |= _verification(scores.trials, board, seed)
    for name in QUALITIES:
        column = np.array([getattr(quality, name) for quality in qualities], dtype=float)
        _add_mean(found, name, column, people, seed)
    return found


def _add_mean(
    found: dict[str, Figure], name: str, values: Vector, people: NDArray[np.str_], seed: int
) -> None:
    known = np.isfinite(values)
    if known.any():
        interval = bootstrap_mean(values[known], people[known], seed=seed)
        found[name] = asdict(interval) | {"left_out": int((~known).sum())}


def _verification(scores: Vector, board: Board, seed: int) -> dict[str, Figure]:
    genuine = np.array([trial.genuine for trial in board.plan.pairs], dtype=bool)
    if not genuine.any() or genuine.all():
        return {}
    people = board.trial_subjects()
    mated, other = scores[genuine], scores[~genuine]
    intervals = bootstrap_verification(
        mated, other, people[genuine, 0], people[~genuine], seed=seed, fmr_targets=FMR_TARGETS
    )
    counts = {"n_genuine": mated.size, "n_impostor": other.size}
    eer = equal_error_rate(mated, other)
    found: dict[str, Figure] = {
        "eer": asdict(intervals.eer) | {"fvc_low": eer.low, "fvc_high": eer.high} | counts
    }
    for target in FMR_TARGETS:
        point = asdict(fnmr_at_fmr(mated, other, target))
        del point["fnmr"]
        found[f"fnmr@fmr={target:g}"] = asdict(intervals.fnmr[target]) | point | counts
    return found


def gains(
    arm: ArmScores, floor: ArmScores, ceiling: ArmScores | None, people: NDArray[np.str_], seed: int
) -> dict[str, Figure]:
    """Return what an arm gained over another on the same probes, paired."""
    mine, theirs = hits(arm.ranks), hits(floor.ranks)
    rank1 = asdict(bootstrap_difference(mine, theirs, people, seed=seed))
    p = sign_flip_test(mine.astype(float) - theirs, people, seed)
    found: dict[str, Figure] = {
        "rank1_gain": rank1
        | {
            "p_sign_flip": p,
            "rescued": int((mine & ~theirs).sum()),
            "harmed": int((theirs & ~mine).sum()),
        }
    }
    both = np.isfinite(arm.cosine) & np.isfinite(floor.cosine)
    if both.any():
        pair = arm.cosine[both], floor.cosine[both]
        found["cosine_gain"] = asdict(bootstrap_difference(*pair, people[both], seed=seed))
    if ceiling is not None:
        ratio = bootstrap_ratio(mine, theirs, hits(ceiling.ranks), people, seed=seed)
        found["recovered"] = asdict(ratio)
    return found
