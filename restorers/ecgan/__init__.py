"""ECGAN, a restorer that is told the expression, and DeepGAN, the same without it.

Sources: Sola and Gera, "Unmasking Your Expression: Expression-Conditioned GAN for Masked Face
Inpainting", CVPR Workshops 2023; Ud Din, Javed, Bae and Yi, "A Novel GAN-Based Network for
Unmasking of Masked Face", IEEE Access 2020, 8, 44276-44287.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from restore_recog.errors import PluginError
from restore_recog.labels import EXPRESSION, EXPRESSIONS
from restore_recog.nn.masks import grow
from restore_recog.nn.restorer import NetRestorer
from restore_recog.restorers.ecgan.model import ECGANNets
from restore_recog.restorers.ecgan.presets import CONFIGURATION, DEEPGAN_CONFIGURATION

if TYPE_CHECKING:
    from torch import Tensor

    from restore_recog.restorers.ecgan.training import ECGANTraining
    from restore_recog.types import FaceBatch

PREDICTED, NO_LABEL, NO_MAP = "predicted", "no-label", "no-map"


class DeepGAN(NetRestorer):
    """Restore as Ud Din et al. 2020 do: by a U-Net that sees the covered face and the map.

    Deviation: their full text was not at hand. ECGAN's paper says that its own network without
    labels is theirs, and so does its code: this is ECGAN's network, training and losses, without
    label planes.

    Args:
        argument: ``no-map``: the trained network, its map withheld; None for what it is.
        weights: Weights file; None for the shipped one.
        device: Where to compute.

    Raises:
        PluginError: There is no such argument.
        WeightsError: As for :class:`restore_recog.nn.restorer.NetRestorer`.
    """

    name: ClassVar[str] = "deepgan"
    networks = ECGANNets
    configuration = DEEPGAN_CONFIGURATION
    arguments: ClassVar[tuple[str, ...]] = (NO_MAP,)
    nets: ECGANNets

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        if argument is not None and argument not in self.arguments:
            raise PluginError(
                f"The restorer '{self.name}' takes no argument '{argument}'; choose one of "
                f"{', '.join(self.arguments)}, or none."
            )
        super().__init__(weights=weights, device=device)
        self.argument = argument
        if argument == NO_MAP and not self.nets.map:
            raise PluginError(
                f"'{self.name}:{argument}' withholds a map that the networks in {self.weights} "
                f"have never seen; leave '{argument}' out."
            )

    def fill(self, occluded: Tensor, hole: Tensor, batch: FaceBatch) -> Tensor:
        """Return the generator's faces, (N, 3, H, W)."""
        return self.nets.generate(
            occluded, hole, self.labels(batch).get(EXPRESSION), told=self.argument != NO_MAP
        )

    @classmethod
    def trainable(
        cls, preset: str = "compact", device: str = "cpu", **options: Any
    ) -> ECGANTraining:
        """Return the training by phases.

        Raises:
            TrainingError: An option does not fit, or the perceptual network is not available.
        """
        from restore_recog.restorers.ecgan.training import TRAININGS

        return TRAININGS[cls.name](preset, device, **options)


class ECGAN(DeepGAN):
    """Restore with a generator that is told the covered face, the map and an expression.

    Deviation: the paper tells it the true expression at test. Here its own classifier says what
    the visible half looks like; the truth is taken from the batch's attribute ``expression``
    where an evaluation gives it, which only the arm ``restored-oracle-label`` does.

    Args:
        argument: Which expression: ``predicted`` (the default) or one of
            :data:`restore_recog.labels.EXPRESSIONS`; ``no-label`` and ``no-map`` are the trained
            network, that input withheld (section 4.4).
        weights, device: As for :class:`DeepGAN`.

    Raises:
        PluginError: There is no such argument, or the networks do not know that input.
        WeightsError: As for :class:`restore_recog.nn.restorer.NetRestorer`.
    """

    name: ClassVar[str] = "ecgan"
    configuration = CONFIGURATION
    arguments = (PREDICTED, *EXPRESSIONS, NO_LABEL, NO_MAP)
    needs: ClassVar[frozenset[str]] = frozenset({"masks", "expression"})

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        super().__init__(argument, weights=weights, device=device)
        if self.nets.planes is None and argument not in (None, NO_MAP):
            raise PluginError(
                f"The networks in {self.weights} were trained without labels, so that "
                f"'{self.name}:{argument}' means nothing; leave '{argument}' out."
            )
        if self.nets.planes is None or argument == NO_LABEL:
            self.needs = frozenset({"masks"})  # type: ignore[misc]

    @torch.inference_mode()
    def labels(self, batch: FaceBatch) -> Mapping[str, Tensor]:
        """Return the (N,) codes of the expressions that the generator is told; {} for none.

        Args:
            batch: As for ``restore``. Its attribute ``expression`` goes first where it is known.
        """
        if EXPRESSION not in self.needs:
            return {}
        if self.argument in EXPRESSIONS:
            code = EXPRESSIONS.index(self.argument)
            told = torch.full((len(batch.images),), code, device=batch.images.device)
        else:
            told = self.predictions(batch)
        truth = batch.attributes.get(EXPRESSION)
        return {EXPRESSION: told if truth is None else torch.where(truth >= 0, truth, told)}

    @torch.inference_mode()
    def predictions(self, batch: FaceBatch) -> Tensor:
        """Return the (N,) codes of what the classifier sees in the visible half.

        Raises:
            PluginError: The networks were trained without labels.
        """
        hole = grow((batch.masks > 0.5).float(), self.dilate)
        codes = self.nets.predicted(batch.images, hole)
        if codes is None:
            raise PluginError(
                f"The networks in {self.weights} were trained without labels and predict none."
            )
        return codes
