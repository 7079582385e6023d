"""A restorer that is led by landmarks, with a generator for each gender.

Source: Modak et al., "A Deep Learning Framework to Reconstruct Face under Mask", American
International University-Bangladesh. The mask comes from any segmenter (the paper's is Mask R-CNN).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from restore_recog.api import Classifier, Landmarker, answers
from restore_recog.errors import ImageError, PluginError
from restore_recog.labels import GENDER, GENDERS, UNKNOWN
from restore_recog.nn.restorer import NetRestorer
from restore_recog.restorers.landmark_gender.dots import dot_map, known
from restore_recog.restorers.landmark_gender.model import CODES, POOLED, LandmarkGenderNets
from restore_recog.restorers.landmark_gender.parts import classifier_of, landmarker_of
from restore_recog.restorers.landmark_gender.presets import CONFIGURATION
from restore_recog.restoring.landmarking import located
from restore_recog.restoring.restoration import resize

if TYPE_CHECKING:
    from torch import Tensor

    from restore_recog.restorers.landmark_gender.training import LandmarkGenderTraining
    from restore_recog.types import FaceBatch

PREDICTED, NO_LANDMARKS, NO_ATTENTION = "predicted", "no-landmarks", "no-attention"
WITHHELD = (NO_LANDMARKS, NO_ATTENTION)

UNSURE = 0.1
"""The pooled generator serves where the probability of male is nearer to 0.5 than this."""


class LandmarkGender(NetRestorer):
    """Restore with the generator of the gender that a classifier sees, led by 98 landmarks.

    Gender and landmarks are what the registered parts named in the weights file find on the
    occluded face: a landmarker, and a classifier of gender. The weights of each are looked for
    beside the restorer's (``hourglass.safetensors``, ``gender.safetensors``), then in the package.
    A face with an empty mask is returned as it is, whatever is found on it.

    Deviation: the paper decides at a probability of 0.5. Here a pooled generator serves where the
    classifier is unsure: a wrong gender paints the wrong face.

    Args:
        argument: Which generator: ``predicted`` (the default), perhaps with the band of the unsure
            (``predicted@0.2``), or ``male``, ``female`` or ``pooled``; ``no-landmarks`` and
            ``no-attention`` are the trained networks, that part withheld.
        weights: Weights file; None for the shipped one.
        device: Where to compute.

    Attributes:
        unsure: Half the width of the band around 0.5 in which the pooled generator serves.

    Raises:
        PluginError: There is no such argument, or the networks do not know what it withholds.
        WeightsError: As for :class:`restore_recog.nn.restorer.NetRestorer`, or a part is missing.
    """

    name: ClassVar[str] = "landmark_gender"
    networks = LandmarkGenderNets
    configuration = CONFIGURATION
    needs: ClassVar[frozenset[str]] = frozenset({"masks", GENDER, "landmarks98"})
    nets: LandmarkGenderNets

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        self.unsure = _read(argument)
        super().__init__(weights=weights, device=device)
        assert self.weights is not None
        self.argument = argument
        self._check_known()
        self.chosen = argument if argument in CODES else None
        if self.nets.split == "one":
            self.chosen = POOLED
        needs = {"masks"} if self.chosen == POOLED else {"masks", GENDER}
        self.classifier: Classifier | None = None
        if self.chosen is None:
            self.classifier = classifier_of(self.config["classifier"], self.weights, device)
        self.landmarker: Landmarker | None = None
        if self.nets.scheme != "none" and argument != NO_LANDMARKS:
            needs.add("landmarks98")
            self.landmarker = landmarker_of(self.config["landmarker"], self.weights, device)
        nets = [getattr(part, "net", None) for part in (self.classifier, self.landmarker)]
        # Beside the generators, so that an exported file holds them too.
        self.part_nets = nn.ModuleList([net for net in nets if isinstance(net, nn.Module)])
        self.needs = frozenset(needs)  # type: ignore[misc]

    def fill(self, occluded: Tensor, hole: Tensor, batch: FaceBatch) -> Tensor:
        """Return the generators' faces, (N, 3, H, W).

        Raises:
            ImageError: No landmarks are found on a face that has a mask.
        """
        dots = self._dots(batch, hole)
        looks = self.argument != NO_ATTENTION
        told = GENDER in batch.attributes and GENDER in self.needs
        if self.chosen is not None and self.chosen in self.nets.generators and not told:
            return self.nets.made_by(self.chosen, occluded, hole, dots, looks=looks)
        return self.nets.made(occluded, hole, dots, self.labels(batch)[GENDER], looks=looks)

    @torch.inference_mode()
    def labels(self, batch: FaceBatch) -> Mapping[str, Tensor]:
        """Return the (N,) codes of the genders whose generator each face has; -1 for the pooled.

        Args:
            batch: As for ``restore``. Its attribute ``gender`` goes first where it is known.
        """
        if GENDER not in self.needs:
            return {}
        if self.chosen is not None:
            count, code = batch.images.shape[0], CODES[self.chosen]
            codes = torch.full((count,), code, device=batch.images.device)
        else:
            male = self.probability(batch)
            codes = torch.full_like(male, UNKNOWN, dtype=torch.int64)
            codes = codes.masked_fill(male <= 0.5 - self.unsure, CODES["female"])
            codes = codes.masked_fill(male >= 0.5 + self.unsure, CODES["male"])
        truth = batch.attributes.get(GENDER)
        return {GENDER: codes if truth is None else torch.where(truth >= 0, truth, codes)}

    @torch.inference_mode()
    def probability(self, batch: FaceBatch) -> Tensor:
        """Return the (N,) probabilities of male that the classifier sees in the occluded faces.

        Raises:
            PluginError: The argument says whose generator is taken, and nobody is asked.
        """
        if self.classifier is None:
            raise PluginError(
                f"'{self.name}:{self.argument}' asks no classifier; leave the argument out."
            )
        seen = resize(batch.images, self.classifier.image_size)
        return answers.classified(self.classifier, seen)[:, GENDERS.index("male")]

    def _dots(self, batch: FaceBatch, hole: Tensor) -> Tensor | None:
        """Return the (N, 1, H, W) map of the landmarks; None where the networks are shown none."""
        if self.landmarker is None:
            return None
        points = batch.landmarks98
        if points is None:
            points = located(self.landmarker, batch.images)  # (N, 98, 2)
        elif not bool(known(points).all()):
            untold = ~known(points)[:, None, None]
            points = torch.where(untold, located(self.landmarker, batch.images), points)
        if not torch.compiler.is_compiling():
            lost = ~known(points) & (hole.flatten(1).amax(1) > 0)
            if bool(lost.any()):
                raise ImageError(
                    "No landmarks were found on the face, which this restorer is led by; "
                    f"'{self.name}:{NO_LANDMARKS}' does without them."
                )
        return dot_map(points, hole.shape[2:], self.nets.scheme)

    def _check_known(self) -> None:
        """Refuse an argument that means nothing to the networks.

        Raises:
            PluginError: It chooses by gender, or withholds, what they have never had.
        """
        argument, never = self.argument, ""
        if self.nets.split == "one" and argument not in (None, POOLED, *WITHHELD):
            never = "were trained without regard to gender"
        elif argument == NO_LANDMARKS and self.nets.scheme == "none":
            never = "have never seen a landmark"
        elif argument == NO_ATTENTION and not self.config["attention"]:
            never = "have no attention"
        if never:
            raise PluginError(
                f"The networks in {self.weights} {never}, so that '{self.name}:{argument}' means "
                f"nothing; leave '{argument}' out."
            )

    @classmethod
    def trainable(
        cls, preset: str = "compact", device: str = "cpu", **options: Any
    ) -> LandmarkGenderTraining:
        """Return the training by phases.

        Raises:
            TrainingError: An option does not fit, or a network that it needs is not available.
        """
        from restore_recog.restorers.landmark_gender.training import LandmarkGenderTraining

        return LandmarkGenderTraining(preset, device, **options)


def _read(argument: str | None) -> float:
    """Return the band of the unsure that an argument asks for.

    Raises:
        PluginError: There is no such argument.
    """
    word, at, band = (argument or PREDICTED).partition("@")
    try:
        unsure = float(band) if at else UNSURE
    except ValueError:
        unsure = -1.0
    if word not in (PREDICTED, *CODES, *WITHHELD) or (at and word != PREDICTED):
        unsure = -1.0
    if argument == "" or not 0 <= unsure <= 0.5:
        words = ", ".join((PREDICTED, f"{PREDICTED}@U with U from 0 to 0.5", *CODES, *WITHHELD))
        raise PluginError(
            f"The restorer '{LandmarkGender.name}' takes no argument '{argument}'; choose one of "
            f"{words}, or none."
        )
    return unsure
