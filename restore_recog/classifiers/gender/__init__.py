"""``gender``: tells whether a face, covered or not, is a woman's or a man's.

Source: the landmark-gender model (section III-E) chooses between two generators by it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from restore_recog import weights as weights_file
from restore_recog.api import Classifier
from restore_recog.classifiers.gender.networks import GenderNet
from restore_recog.classifiers.gender.presets import NAME, configuration
from restore_recog.errors import PluginError, TrainingError
from restore_recog.labels import GENDER
from restore_recog.names import brief
from restore_recog.nn.building import ready

if TYPE_CHECKING:
    from restore_recog.classifiers.gender.training import GenderTraining

TRAIN = f"restore-recog train-classifier --classifier {NAME} --data utkface:PATH --output RUN"
"""The command that makes its weights."""


class GenderClassifier(Classifier):
    """Tell female from male by a backbone and dense layers; trained on covered faces too.

    It knows two words because its data do. Whom it takes for what differs by age and race; the
    protocol ``gender`` says how much.

    Deviation: the paper's backbone is not shipped; ``compact`` is a narrow ResNet-18.

    Args:
        argument: Must be None.
        weights: Weights file; None for the shipped one.
        device: Where it computes.

    Raises:
        PluginError: There is an argument.
        WeightsError: The file is missing, corrupt or another model's.
    """

    name = NAME
    label = GENDER

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        if argument is not None:
            raise PluginError(
                f"The classifier '{NAME}' takes no argument '{brief(argument)}'; leave it out."
            )
        super().__init__(None, weights=weights or weights_file.shipped(NAME, TRAIN), device=device)
        assert self.weights is not None
        self.net, config = ready(
            GenderNet, self.weights, NAME, device, configuration("paper").of_file
        )
        self.image_size = (config["image_size"], config["image_size"])
        self.settings = {"backbone": config["backbone"], "width": config["width"]}

    @torch.inference_mode()
    def classify(self, images: Tensor) -> Tensor:
        """Return (N, 2) probabilities of female and male."""
        return self.net(images).softmax(1)  # type: ignore[no-any-return]

    @torch.inference_mode()
    def features(self, images: Tensor) -> Tensor:
        """Return (N, D) what its last layer sees."""
        return self.net.features(images)

    @classmethod
    def trainable(
        cls,
        argument: str | None = None,
        device: str = "cpu",
        *,
        preset: str = "compact",
        **options: Any,
    ) -> GenderTraining:
        """Return the training; ``preset`` is ``paper``, ``compact`` or ``tiny``.

        Raises:
            TrainingError: An option does not fit, or what it starts from cannot be had.
        """
        from restore_recog.classifiers.gender.training import GenderTraining

        if argument not in (None, GENDER):
            raise TrainingError(
                f"The classifier '{NAME}' cannot be trained for '{brief(argument)}'; train "
                f"'{NAME}', or 'resnet18:LABEL'."
            )
        return GenderTraining(preset, device, **options)
