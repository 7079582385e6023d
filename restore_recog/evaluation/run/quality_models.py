"""What looks at the images beside the recogniser: FID, LPIPS, NIQE, BRISQUE, VGG, a classifier.

Weights come from files that the user names, or from where the libraries' own loaders have put
them on this machine. What is missing leaves its column empty, and the report says why.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog import weights
from restore_recog.api import Classifier, Plan, answers
from restore_recog.errors import DataError, PluginError
from restore_recog.evaluation.arms.arm import WHOLE
from restore_recog.evaluation.arms.choice import ArmSpec
from restore_recog.evaluation.request import EvalRequest
from restore_recog.evaluation.run.faces import ProbeFace
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.vgg import Vgg
from restore_recog.images import to_tensor
from restore_recog.labels import UNKNOWN
from restore_recog.metrics import naturalness
from restore_recog.metrics.perceptual import Brisque, Inception, Lpips, Niqe
from restore_recog.registry import DEFAULT_CLASSIFIERS, classifiers
from restore_recog.restoring.restoration import resize
from restore_recog.system import provenance
from restore_recog.types import FaceSample, Pixels

Scores = NDArray[np.float64]

TITLES = {
    "fid": "FID",
    "lpips": "LPIPS",
    "niqe": "NIQE",
    "brisque": "BRISQUE",
    "vgg": "Likeness by VGG-19",
}
"""Every model, and what it is called in tables."""

USUAL = ("fid", "lpips", "niqe", "brisque")
"""Those of every run about quality; VGG-19 is for runs about a label, or where it is named."""

DOWNLOADED = {
    "fid": ("weights-inception-2015-12-05-6726825d.pth",),
    "lpips": ("alexnet-owt-7be5be79.pth", "vgg16-397923af.pth"),
    "vgg": ("vgg19-dcbb9e9d.pth",),
}
"""What the libraries' loaders call their files in PyTorch's folder of weights."""

INSTALL = "pip install 'restore-recog[quality]'"


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What the models make of one image.

    Attributes:
        scores: By their name in :class:`~restore_recog.evaluation.image_quality.ImageQuality`.
        features: (D,) for FID, or None.
        told: The code of the class that the classifier sees; -1 without one.
        confidence: How likely it takes that class to be; NaN without one.
        seen, vgg: (G,) features by which it decides, (512,) of VGG-19; or None.
    """

    scores: Mapping[str, float] = field(default_factory=dict)
    features: NDArray[np.float32] | None = None
    told: int = UNKNOWN
    confidence: float = math.nan
    seen: NDArray[np.float32] | None = None
    vgg: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class QualityModels:
    """The models that score the images of every arm.

    Attributes:
        fid: Gives the features (N, D) of images, or None.
        lpips: Gives the distances (N,) of images and their clean counterparts, or None.
        alone: Name -> what gives (N,) scores of images by themselves.
        missing: Name -> why that model is not available.
        files: Name -> the weights file in use.
        classifier: Tells a label of every image, half faces included, or None.
        vgg: Gives perceptual losses (N,) and features (N, 512) of images, or None.
    """

    fid: Callable[[Sequence[Pixels]], NDArray[np.float32]] | None = None
    lpips: Callable[[Sequence[Pixels], Sequence[Pixels]], Scores] | None = None
    alone: Mapping[str, Callable[[Sequence[Pixels]], Scores]] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    classifier: Classifier | None = None
    vgg: Vgg | None = None

    def score(
        self,
        spec: ArmSpec,
        faces: Sequence[ProbeFace],
        images: Sequence[Pixels],
        ledger: Ledger,
    ) -> list[Scored]:
        """Return the scores of every image of one arm; of half a face, only what is told."""
        told = self._told(images, ledger)
        if spec.arm.part != WHOLE or not images:
            return [Scored({}, None, *one) for one in told]
        clean = [face.clean if spec.arm.quality else None for face in faces]
        scores = self._scores(images, clean, ledger)
        features = self._features(images, ledger)
        looks: Sequence[NDArray[np.float32] | None] = [None] * len(images)
        if self.vgg is not None:
            with ledger.timed("vgg", len(images), self.vgg.device):
                scores["perceptual"], seen = self.vgg(images, clean)
            looks = list(seen)
        return [
            Scored(
                {name: float(column[i]) for name, column in scores.items()},
                features[i],
                *told[i],
                looks[i],
            )
            for i in range(len(images))
        ]

    def _told(
        self, images: Sequence[Pixels], ledger: Ledger
    ) -> Sequence[tuple[int, float, NDArray[np.float32] | None]]:
        """Return the class that the classifier sees in each image, how likely, its features."""
        if self.classifier is None or not images:
            return [(UNKNOWN, math.nan, None)] * len(images)
        with ledger.timed("classify", len(images), device := self.classifier.device):
            fed = resize(to_tensor(images).to(device), self.classifier.image_size)
            chances = answers.classified(self.classifier, fed)  # (N, C)
            features = self.classifier.features(fed).float().cpu().numpy()  # (N, G)
        likely, codes = chances.float().max(1)
        return list(zip(codes.tolist(), likely.tolist(), features, strict=True))

    def _scores(
        self, images: Sequence[Pixels], clean: Sequence[Pixels | None], ledger: Ledger
    ) -> dict[str, Scores]:
        """Return name -> (N,) scores; NaN where an image has no clean counterpart."""
        scores: dict[str, Scores] = {}
        for name, model in self.alone.items():
            with ledger.timed(name, len(images)):
                scores[name] = model(images)
        pairs = [(a, b) for a, b in zip(images, clean, strict=True) if b is not None]
        if self.lpips is not None and pairs:
            with ledger.timed("lpips", len(pairs)):
                values = self.lpips([a for a, _ in pairs], [b for _, b in pairs])
            scores["lpips"] = np.full(len(images), np.nan)
            scores["lpips"][[b is not None for b in clean]] = values
        return scores

    def _features(
        self, images: Sequence[Pixels], ledger: Ledger
    ) -> Sequence[NDArray[np.float32] | None]:
        """Return the (D,) features of every image, or None for each without a network."""
        if self.fid is None or not images:
            return [None] * len(images)
        with ledger.timed("fid features", len(images)):
            return list(self.fid(images))

    def facts(self) -> dict[str, Any]:
        """Return which models and weights were used, for the record: plain JSON values."""
        return {
            name: {"missing": self.missing[name]}
            if name in self.missing
            else {"weights": self.files[name].name, "sha256": weights.fingerprint(self.files[name])}
            for name in TITLES
            if name in self.missing or name in self.files
        }

    def told_by(self) -> dict[str, Any]:
        """Return the classifier for the record, where there is one: plain JSON values."""
        return {} if self.classifier is None else {"told_by": provenance.model(self.classifier)}

    def notes(self) -> list[str]:
        """Return a sentence for every model that is not available."""
        return [f"{TITLES[name]} is not measured: {why}" for name, why in self.missing.items()]


def asks_quality(plan: Plan, samples: Mapping[str, FaceSample]) -> bool:
    """Return whether a plan sets every probe against its own unoccluded image, and no more.

    Such pairs say how near an image comes to another one of the same moment; nothing about
    recognition follows from them.
    """
    own = all(
        trial.reference_id == (samples[trial.probe_id].clean_id or trial.probe_id)
        for trial in plan.pairs
    )
    return bool(plan.pairs) and not plan.identification and own


def of_run(request: EvalRequest, plan: Plan, asks_quality: bool, side: int) -> QualityModels:
    """Return the models of a run: where they are asked for, or the protocol is about quality.

    Raises:
        PluginError: The protocol asks for a label, and the classifier tells another.
        As :func:`gather`.
    """
    models = QualityModels()
    if request.judge_weights or asks_quality:
        names = tuple(TITLES) if plan.label else USUAL
        models = gather(request.judge_weights, side, request.device, names)
    if not plan.label:
        return models
    name = DEFAULT_CLASSIFIERS[plan.label] if request.classifier is None else request.classifier
    classifier = classifiers.obtain(name, device=request.device)
    if classifier.label != plan.label:
        raise PluginError(
            f"The classifier '{classifier.name}' tells a face's {classifier.label}, and the "
            f"protocol asks for its {plan.label}; name another with --classifier."
        )
    return replace(models, classifier=classifier)


def gather(
    files: Mapping[str, Path], side: int, device: str, names: Collection[str] = USUAL
) -> QualityModels:
    """Return the models that are available.

    Args:
        files: Name -> weights file that the user gave.
        side: Of the crops, in pixels.
        device: Where the networks compute.
        names: Those to look for beside the ones that have a file.

    Raises:
        WeightsError: A file that was given is missing or belongs to another network.
        DataError: A file is given for an unknown model, or for one whose library is missing.
    """
    unknown = sorted(set(files) - set(TITLES))
    if unknown:
        raise DataError(
            f"There is no image-quality model '{unknown[0]}'; there are {', '.join(TITLES)}."
        )
    models: dict[str, Any] = {}
    missing: dict[str, str] = {}
    used: dict[str, Path] = {}
    for name in [one for one in TITLES if one in names or one in files]:
        path = files.get(name) or _downloaded(name)
        why = _too_small(name, side) or (_no_weights(name) if path is None else "")
        if not why:
            assert path is not None
            try:
                models[name], used[name] = _load(name, path, device), path
            except ImportError as error:
                why = f"the library '{error.name}' is not installed; {INSTALL}."
        if why:
            missing[name] = why
        if why and name in files:
            raise DataError(f"{TITLES[name]} cannot be measured with the given weights: {why}")
    alone: dict[str, Any] = {name: models[name] for name in ("niqe", "brisque") if name in models}
    fid, lpips, vgg = (models.get(name) for name in ("fid", "lpips", "vgg"))
    return QualityModels(fid, lpips, alone, missing, used, vgg=vgg)


def _load(name: str, path: Path, device: str) -> Any:
    if name in ("niqe", "brisque"):
        return {"niqe": Niqe, "brisque": Brisque}[name](path)
    return {"fid": Inception, "lpips": Lpips, "vgg": Vgg}[name](path, device)


def _downloaded(name: str) -> Path | None:
    """Return the weights that a library's own loader has left on this machine, or None."""
    import torch

    folder = Path(torch.hub.get_dir()) / "checkpoints"
    return next(
        (folder / file for file in DOWNLOADED.get(name, ()) if (folder / file).is_file()), None
    )


def _no_weights(name: str) -> str:
    what = {
        "fid": f"torch-fidelity's {DOWNLOADED['fid'][0]}",
        "lpips": f"torchvision's {DOWNLOADED['lpips'][0]}",
        "niqe": "the modelparameters.mat of the authors' release",
        "brisque": "the allmodel and allrange of the authors' release",
        "vgg": f"torchvision's {DOWNLOADED['vgg'][0]}",
    }[name]
    return f"its weights are not on this machine; give {what} with --judge {name}=FILE."


def _too_small(name: str, side: int) -> str:
    """Return why images of a side cannot be scored, or nothing."""
    least = {"niqe": 2 * naturalness.BLOCK, "lpips": 64}.get(name, 16)
    if side >= least:
        return ""
    return (
        f"it needs images of {least} x {least} pixels, and the crops have {side} x {side}; give "
        f"--crop-size {least}."
    )
