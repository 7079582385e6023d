"""The training of the gender classifier: binary cross-entropy, both genders equally often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restore_recog.classifiers.gender.networks import GenderNet
from restore_recog.classifiers.gender.presets import NAME, TRAININGS, configuration
from restore_recog.classifiers.gender.start import start
from restore_recog.classifiers.training import ClassifierTraining
from restore_recog.labels import GENDER


class GenderTraining(ClassifierTraining):
    """Everything that one training holds; a ``restore_recog.api.Trainable``.

    Args:
        preset: ``paper``, ``compact`` or ``tiny``.
        device: Where it trains.
        options: Overrides: :data:`restore_recog.classifiers.gender.presets.NETS` and
            :data:`~restore_recog.classifiers.gender.presets.TRAININGS`.

    Raises:
        TrainingError, WeightsError: As the parent, and as
            :func:`restore_recog.classifiers.gender.start.start`.
    """

    def __init__(self, preset: str = "compact", device: str = "cpu", **options: Any) -> None:
        known = configuration(preset)
        super().__init__(
            known,
            GenderNet,
            GENDER,
            model=NAME,
            device=device,
            options=options,
            defaults=TRAININGS[preset],
        )
        assert isinstance(self.net, GenderNet)
        self.preset = preset
        self.options["init"] = start(self.net, self.options["init"])

    def rate(self, progress: float) -> float:
        """Return the factor of the learning rate: the paper's stays as it is."""
        return 1.0 if self.options["schedule"] == "constant" else super().rate(progress)

    def describe(self) -> Mapping[str, Any]:
        """Return what a resumed run must agree on."""
        return {**super().describe(), "preset": self.preset}
