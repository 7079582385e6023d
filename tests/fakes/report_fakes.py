"""A report made by hand: every figure, cohorts, spreads, flags, and figures that are missing."""

from __future__ import annotations

import dataclasses
from dataclasses import asdict
from typing import Any

import numpy as np

from restore_recog.evaluation.figure import Figure, FigureName, read_figures
from restore_recog.evaluation.image_quality import ImageQuality
from restore_recog.evaluation.results import (
    ArmReport,
    Cohort,
    EvaluationReport,
    Example,
    ProbeRow,
    Spread,
    Verdict,
)
from restore_recog.metrics.streaming_det import thinned
from restore_recog.metrics.uncertainty import bootstrap_difference, bootstrap_mean
from restore_recog.metrics.verification import det_curve
from restore_recog.types import Failure, Trial

PEOPLE, SHOTS, SIDE = 24, 5, 48
PROBES = [f"p{p:02d}/m{s}" for p in range(PEOPLE) for s in range(SHOTS)]
SUBJECTS = np.array([name[:3] for name in PROBES])
GENDER = np.where(np.arange(len(PROBES)) // SHOTS % 2, "female", "male")
SHIFTS = {
    "clean": 0.75,
    "occluded": 0.42,
    "restored:alpha": 0.55,
    "restored:beta": 0.36,
    "fill": 0.44,
    "upper-half": 0.40,
    "restored-clean:alpha": 0.74,
}


def parts(name: str) -> tuple[str, str | None]:
    """Return (arm, restorer) of an arm's name."""
    arm, _, restorer = name.partition(":")
    return arm, restorer or None


class Drawn:
    """Cosines and ranks of every arm, drawn at random so that they hang together."""

    def __init__(self, seed: int = 0, shifts: dict[str, float] | None = None) -> None:
        rng = np.random.default_rng(seed)
        people = np.repeat(rng.normal(0, 0.08, PEOPLE), SHOTS)
        self.cosine: dict[str, np.ndarray] = {}
        self.other: dict[str, np.ndarray] = {}
        self.ranks: dict[str, np.ndarray] = {}
        for name, shift in (shifts or SHIFTS).items():
            own = np.clip(shift + people + rng.normal(0, 0.08, len(PROBES)), -1, 1)
            other = np.clip(0.38 + rng.normal(0, 0.06, len(PROBES)), -1, 1)
            behind = 2 + (40 * np.clip(other - own, 0, 0.5)).astype(int)
            self.cosine[name], self.other[name] = own, other
            self.ranks[name] = np.where(own > other, 1, behind)
        self.rng = rng

    def hits(self, name: str) -> np.ndarray:
        return self.ranks[name] == 1


def mean(values: np.ndarray, subjects: np.ndarray = SUBJECTS, **more: Any) -> dict[str, Any]:
    """Return a figure with its interval."""
    return asdict(bootstrap_mean(values, subjects, seed=0, resamples=200)) | more


def gain(
    a: np.ndarray, b: np.ndarray, subjects: np.ndarray = SUBJECTS, **more: Any
) -> dict[str, Any]:
    """Return a paired difference with its interval."""
    return asdict(bootstrap_difference(a, b, subjects, seed=0, resamples=200)) | more


def figures(drawn: Drawn, name: str) -> dict[str, dict[str, Any]]:
    """Return the figures of one arm: all names that an evaluation gives."""
    hits, cosine = drawn.hits(name), drawn.cosine[name]
    values: dict[str, dict[str, Any]] = {
        "rank1": mean(hits, gallery_subjects=PEOPLE, references_per_subject=2.0, tied_probes=0),
        "rank5": mean(drawn.ranks[name] <= 5),
        "cosine": mean(cosine, left_out=0),
        "impostor_cosine": mean(drawn.other[name] - 0.3),
        "margin": mean(cosine - drawn.other[name]),
        "d_prime": {"value": 3.14159, "low": 2.9, "high": 3.4, "n": 840},
        "overlap": {"value": 0.125, "n": 840},
        "eer": {"value": 0.08, "low": 0.05, "high": 0.11, "n": 120},
        "zero_fmr": {"value": 0.6, "n": 120, "flag": "no errors: upper limit 3/n"},
        "fta": {"value": 2 / 120, "low": 0.0, "high": 0.04, "n": 120, "failed": 2},
        "fte": {"value": 0.0, "low": 0.0, "high": 0.06, "n": 48, "failed": 0},
    }
    for target, text in ((0.01, "0.01"), (0.001, "0.001")):
        values[f"fnmr@fmr={text}"] = {
            "value": 0.2, "low": 0.15, "high": 0.27, "n": 120, "threshold": 0.512345,
            "achieved_fmr": 0.9 * target, "false_accept_budget": int(720 * target),
            "supported": target > 0.005, "fnmr_completed": 0.19,
        }  # fmt: skip
        drift = {"threshold": 0.48, "calibrated_on": "clean", "n": 5520}
        values[f"fmr_frozen@fmr={text}"] = {"value": target * 1.5, "low": target, "high": 0.02}
        values[f"fmr_frozen@fmr={text}"] |= drift
        values[f"fnmr_frozen@fmr={text}"] = {"value": 0.3, "low": 0.25, "high": 0.35} | drift
        if name != "occluded":
            values[f"fmr_frozen_change@fmr={text}"] = {
                "value": target / 2, "low": -target / 9, "high": target, "n": 5520,
            }  # fmt: skip
    values["fmr_frozen@fmr=0.0001"] = {
        "value": 0.0,
        "n": 5520,
        "flag": "no errors: upper limit 3/n",
    }
    return values | _gains(drawn, name) | _likeness(name)


def _gains(drawn: Drawn, name: str) -> dict[str, dict[str, Any]]:
    if name == "occluded":
        return {}
    against = "clean" if name.startswith("restored-clean") else "occluded"
    now, was = drawn.hits(name), drawn.hits(against)
    counts: dict[str, Any] = {
        "rescued": int((now & ~was).sum()), "harmed": int((was & ~now).sum()),
        "both_right": int((now & was).sum()), "both_wrong": int((~now & ~was).sum()),
    }  # fmt: skip
    values = {
        "rank1_gain": gain(now, was, against=against, p_sign_flip=0.0123, **counts),
        "cosine_gain": gain(drawn.cosine[name], drawn.cosine[against], against=against),
        "recovered": {"value": 0.4, "low": np.nan, "high": np.nan, "straddles_zero": True},
    }
    if name.startswith("restored:"):
        values["rank1_gain_over_fill"] = gain(now, drawn.hits("fill"))
        values["quality_vs_recognition"] = {"value": 0.31, "low": 0.1, "high": 0.5, "n": 120}
    return values


def _likeness(name: str) -> dict[str, dict[str, Any]]:
    if name in ("clean", "upper-half", "restored-clean:alpha"):
        return {}
    values = {"psnr": 24.5, "ssim": 0.91, "l1": 0.02, "l2": 0.004, "psnr_mask": 17.2}
    values |= {"ssim_mask": 0.55, "l1_mask": 0.09, "l2_mask": 0.02}
    if name != "occluded":
        values |= {"dice": 0.97, "iou": 0.94}
    return {
        key: {"value": v, "low": 0.9 * v, "high": 1.1 * v, "n": 118} for key, v in values.items()
    }


def arm_report(drawn: Drawn, name: str) -> ArmReport:
    """Return one arm."""
    ranks = drawn.ranks[name]
    cmc = tuple(float((ranks <= k).mean()) for k in range(1, PEOPLE + 1))
    arm, restorer = parts(name)
    fallbacks = 3 if name == "restored:beta" else 0
    return ArmReport(
        name, arm, restorer, read_figures(figures(drawn, name)), cmc, fallbacks, misses=2
    )


def probe_rows(drawn: Drawn) -> tuple[ProbeRow, ...]:
    """Return every probe in every arm; one of them failed."""
    rows = []
    for name in drawn.ranks:
        for i, probe in enumerate(PROBES):
            likeness = ImageQuality(
                psnr=20 + i % 7, psnr_mask=15 + i % 5 + 4 * drawn.cosine[name][i]
            )
            failed = i == 7
            rows.append(
                ProbeRow(
                    arm=name,
                    probe_id=probe,
                    subject=str(SUBJECTS[i]),
                    covering="surgical" if i % 2 else "scarf",
                    rank=PEOPLE + 1 if failed else int(drawn.ranks[name][i]),
                    cosine=np.nan if failed else float(drawn.cosine[name][i]),
                    fallback=name == "restored:beta" and i < 3,
                    quality=ImageQuality() if failed or name == "clean" else likeness,
                    best_impostor=np.nan if failed else float(drawn.other[name][i]),
                )
            )
    return tuple(rows)


def cohorts(drawn: Drawn) -> tuple[Cohort, ...]:
    """Return two measured groups, two coverings, and one with too few people."""
    groups = []
    covering = np.where(np.arange(len(PROBES)) % 2, "surgical", "scarf")
    for column, labels in (("gender", GENDER), ("covering", covering)):
        for value in sorted(set(labels)):
            here = labels == value
            arms: dict[str, Any] = {}
            for name in drawn.ranks:
                arms[name] = {"rank1": mean(drawn.hits(name)[here], SUBJECTS[here])}
                if name != "occluded":
                    both = drawn.hits(name)[here], drawn.hits("occluded")[here]
                    arms[name]["rank1_gain"] = gain(*both, SUBJECTS[here])
                arms[name]["fmr_frozen@fmr=0.001"] = {"value": 0.0, "flag": "under 30 errors"}
            groups.append(
                Cohort(
                    column,
                    value,
                    int(here.sum()),
                    24 if column != "gender" else 12,
                    {arm: read_figures(made) for arm, made in arms.items()},
                )
            )
    groups.append(Cohort("covering", "helmet", 3, 2, {}))
    return tuple(groups)


def sample_report(
    seed: int = 0, shifts: dict[str, float] | None = None, **more: Any
) -> EvaluationReport:
    """Return the report; *more* replaces fields."""
    drawn = Drawn(seed, shifts)
    trials = [Trial(f"{s}/c0", p, True) for p, s in zip(PROBES, SUBJECTS, strict=True)]
    trials += [Trial(f"p{(k + 7 * j) % PEOPLE:02d}/c0", PROBES[5 * k], False)
               for k in range(PEOPLE) for j in range(1, 24) if (7 * j) % PEOPLE]  # fmt: skip
    impostors = len(trials) - len(PROBES)
    scores = {
        name: np.concatenate([drawn.cosine[name], drawn.rng.normal(0.1, 0.12, impostors)])
        for name in drawn.ranks
    }
    for row in scores.values():
        row[7] = -np.inf
    genuine = np.array([trial.genuine for trial in trials])
    names = list(drawn.ranks)
    spread = Figure(FigureName("rank1"), 0.08, -0.02, 0.17, n=120)
    strip = np.tile(np.arange(SIDE, dtype=np.uint8)[:, None, None] * 4, (1, 4 * SIDE, 3))
    fields: dict[str, Any] = {
        "verdicts": (
            Verdict("restored:alpha", "helps", "Restoring 'alpha' first helps 'tiny': it rises."),
            Verdict("restored:beta", "hurts", "Restoring 'beta' first hurts 'tiny': it falls."),
        ),
        "labels": ("synthetic coverings", "a restoration is a guess, not evidence"),
        "notes": ("Odd <notes> & signs are escaped.",),
        "arms": tuple(arm_report(drawn, name) for name in names),
        "setup": {
            "command": "restore-recog eval --restorer '<alpha>'",
            "seed": 0,
            "limit": None,
            "commit": "0" * 40,
            "protocol": {"name": "fmor", "version": 1},
            "data": [{"name": "phantom", "location": None, "rendered": True}],
            "data_sha256": "ab" * 32,
            "coverings": {"kind": "random", "colour": None},
            "recognizer": {"name": "tiny", "argument": None, "sha256": "cd" * 32},
            "restorers": {"alpha": {"name": "alpha"}, "beta": {"name": "beta"}},
            "peak_memory_mib": {"process": 812.4, "cuda": None},
        },
        "timing": {
            stage: {
                "images": 120,
                "ms_per_image": ms,
                "ms_median": 0.9 * ms,
                "ms_p95": 2 * ms,
                "images_per_s": 1000 / ms,
            }
            for stage, ms in (("read", 2.0), ("detect", 30.0), ("restore", 25.0), ("embed", 8.0))
        },  # fmt: skip
        "trials": tuple(trials),
        "scores": scores,
        "curves": {
            name: thinned(det_curve(row[genuine], row[~genuine])) for name, row in scores.items()
        },
        "probes": probe_rows(drawn),
        "failures": (
            Failure("restore", "p00/m0", "p00", "Too dark, said the restorer."),
            Failure("restore", "p00/m0", "p00", "Too dark, said the other."),
            Failure("restore", "p00/m1", "p00", "Too dark."),
            Failure("read", "p01/m2", "p01", 'The file is "damaged", alas.'),
        ),
        "examples": (
            Example(
                PROBES[0],
                "rescued: rank 7 -> 1",
                ("clean", "occluded", "mask for alpha", "restored:alpha"),
                strip,
                "restored:alpha",
                "rescued",
            ),
            Example(
                PROBES[9],
                "harmed: rank 1 -> 3",
                ("clean", "occluded", "mask for alpha", "restored:alpha"),
                strip,
                "restored:alpha",
                "harmed",
            ),
        ),  # fmt: skip
        "cohorts": cohorts(drawn),
        "spreads": (
            Spread("gender", "occluded", FigureName("rank1"), "male", "female", spread, 1.2),
            Spread(
                "gender",
                "restored:alpha",
                FigureName("fnmr_frozen", 0.001),
                "male",
                "female",
                dataclasses.replace(spread, name=FigureName("fnmr_frozen", 0.001)),
                np.nan,
                {"fdr": 0.97, "garbe": 0.02},
            ),
        ),  # fmt: skip
        "protocol": {
            "for_enrolling.csv": "path,subject\r\np00/c0,p00\r\n",
            "eval/for_probing.csv": "path,subject\np00/m0,p00\n",
        },
    }
    return EvaluationReport(**fields | more)
