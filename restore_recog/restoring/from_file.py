"""What inpainters have in common whose network is a file that any program wrote."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from restore_recog import specs
from restore_recog.api import Restorer
from restore_recog.errors import PluginError, WeightsError
from restore_recog.images import to_uint8
from restore_recog.names import label, printable
from restore_recog.restoring.by_image import change, in_bytes, mostly, put_back, swapped
from restore_recog.restoring.feeding import Feeding, checked
from restore_recog.restoring.slots import Described, settled
from restore_recog.system.model_settings import beside

if TYPE_CHECKING:
    from restore_recog.types import FaceBatch

SLACK = 0.25
"""So far outside [0, 1] results may lie, which are then clipped; what lies farther is of another
range. A network without a last activation overshoots a little."""

FLAT = 0.02
"""Results that differ by less over a whole batch, whose crops do not, are of a smaller range."""

NOTED = 16.0
"""Mean change of uncovered pixels, in grey levels, from which on the report mentions it."""


class FileRestorer(Restorer):
    """An inpainter whose network is a file: ``name:FILE`` or ``name:"SETTING=VALUE ... FILE"``.

    Pixels outside the mask are put back bit for bit; images without covering are not given to it.

    Args:
        argument: Settings and file; see :mod:`restore_recog.restoring.feeding`.
        weights: The file, where *argument* does not name it.
        device: Where it computes.

    Attributes:
        feeding: How crops reach the network.
        settings: The same as plain JSON values, for the record of a run.

    Raises:
        WeightsError: There is no such file, or it holds no network of this kind.
        PluginError: A setting is wrong, or one is needed and missing.
    """

    suffixes: ClassVar[tuple[str, ...]]
    """How names of its files end; the first one is shown in messages."""

    own: ClassVar[tuple[str, ...]] = ()
    """Settings of this kind of file alone."""

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        said, file = self._said(argument, weights)
        super().__init__(weights=file, device=device)
        self.file, self.argument = file, label(file.name)
        written, where = beside(file)
        own = {key: value for key, value in (written | said).items() if key in self.own}
        settings = self._checked(written, f"in {where}") | self._checked(said, "given")
        described = self._open(settings.get("output"), **own)
        settings = checked(described.own, f"in {file}") | settings
        self.feeding = settled(Feeding(**settings), described, file)
        self._by_names = "inputs" not in settings
        side = self.feeding.size or 0
        self.image_size = (side, side)
        self.settings: Mapping[str, Any] = {**self.feeding.record(), **own}
        self._changed, self._seen, self._most = 0, 0, 0.0
        self._note()
        self._try()

    @abstractmethod
    def _open(self, output: str | int | None, **own: Any) -> Described:
        """Read the network from :attr:`file` and return what the file says of it.

        Args:
            output: Which of several is the restored image.
            own: The settings that :attr:`own` names.
        """

    @abstractmethod
    def run(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return what the network makes of inputs that are as it wants them, (N, C, H, W) each.

        Returns:
            Of any shape; it is looked at by whoever asks.
        """

    def restore(self, batch: FaceBatch) -> Tensor:
        """Return the images with what the network makes of the covered part.

        Raises:
            PluginError: The network fails, reads the masks the other way round, or what it gives
                is no image or of another range than was said.
        """
        covered = (batch.masks > 0.5).flatten(1).any(1)  # (N,)
        restored = batch.images.clone()
        if not bool(covered.any()):
            return restored
        crops, masks = batch.images[covered], batch.masks[covered]
        results = self._results(crops, masks)
        if float(crops.max() - crops.min()) > 10 * FLAT:
            self._look_at_range(results)
        finite = results.isfinite()
        # What is no number stays none, and is a failure of its image.
        restored[covered] = torch.where(finite, results.clamp(0, 1), torch.nan)
        sound = finite.flatten(1).all(1)  # (N,)
        looked_at = replace(batch, images=crops[sound], masks=masks[sound])
        self._look_at_change(looked_at, restored[covered][sound])
        return put_back(batch, restored)

    def _results(self, crops: Tensor, masks: Tensor) -> Tensor:
        """Return (N, 3, H, W) results for crops, in [0, 1] where the range is right."""
        with torch.inference_mode():
            inputs = self.feeding.prepared(crops, masks)
            made = self.run(inputs)
        shape = (len(crops), 3, *inputs[0].shape[-2:])
        if tuple(made.shape) != shape:
            raise PluginError(
                f"The network in {self.file} makes {tuple(made.shape)} of {len(crops)} images; an "
                f"inpainter makes {shape}, images of the size that it was given."
            )
        return self.feeding.read(made.to(crops.device), crops).clone()

    def _look_at_range(self, results: Tensor) -> None:
        """Refuse results that cannot lie in the range that was said."""
        known = results[results.isfinite()]
        if not known.numel():
            return
        low, high = float(known.min()), float(known.max())
        if low >= -SLACK and high <= 1 + SLACK and high - low >= FLAT:
            return
        black, white = self.feeding.output_range or (0.0, 1.0)
        first, last = (black + x * (white - black) for x in (low, high))
        raise PluginError(
            f"The network in {self.file} gives values from {first:.3g} to {last:.3g}, which do not "
            f"look like images in [{black:g}, {white:g}]; say in {self._toml()} beside it in which "
            "range its results are: output_range = [0, 1], or [-1, 1], or [0, 255]. They may also "
            "be wrong because 'range' or 'inputs' is."
        )

    def _look_at_change(self, batch: FaceBatch, restored: Tensor) -> None:
        """Refuse results in which the wrong part was restored, and note how much else changed."""
        verdicts = []
        for before, hole, after in zip(*in_bytes(batch), to_uint8(restored), strict=True):
            gap = change(before, after)
            verdicts.append(swapped(gap, hole))
            outside = float(gap[hole == 0].mean()) if not hole.all() else 0.0
            self._seen += 1
            self._changed += outside > NOTED
            self._most = max(self._most, outside)
        if verdicts and mostly(verdicts):
            raise PluginError(
                f"The network in {self.file} changed the uncovered part of the images and left the "
                "covered part as it was: it reads masks the other way round; exchange mask and "
                f"keep in 'inputs', which is {list(self.settings['inputs'])}."
            )
        self._note()

    def _note(self) -> None:
        who = f"{self.name}:{self.argument}"
        named = " (by the names of the model's inputs)" if self._by_names else ""
        self.notes = [self.feeding.sentence(who, named)]
        if self._changed:
            self.notes.append(
                f"{who}: the network changed the uncovered part of {self._changed} of {self._seen} "
                f"images by more than {NOTED:g} grey levels on average (at most {self._most:.0f}); "
                "the crops' pixels were put back there. If it is meant to keep them, its range, "
                "colours or inputs are not as was said."
            )

    def _try(self) -> None:
        """Run one grey image, so that what cannot work is told before the first face."""
        crop = torch.full((1, 3, *self.image_size), 0.5, device=self.device)
        hole = torch.zeros(1, 1, *self.image_size, device=self.device)
        hole[..., self.image_size[0] // 2 :, :] = 1
        self._results(crop, hole)

    def _toml(self) -> str:
        return self.file.with_suffix(".toml").name

    def _checked(self, said: Mapping[str, Any], where: str) -> dict[str, Any]:
        return checked({k: v for k, v in said.items() if k not in self.own}, where)

    @classmethod
    def _said(cls, argument: str | None, weights: Path | None) -> tuple[dict[str, Any], Path]:
        """Return the settings and the file of an argument.

        Raises:
            PluginError, WeightsError: There is not one file.
        """
        said: dict[str, Any] = {}
        words = [argument] if argument else []
        if argument and not os.path.isfile(os.path.expanduser(argument)):
            texts, words = specs.settings(argument)
            said = {key: specs.value(text) for key, text in texts.items()}
        files = [Path(word).expanduser() for word in words]
        files += [weights] if weights is not None else []
        if len(files) != 1:
            given = " and ".join(f"'{printable(file)}'" for file in files)
            raise WeightsError(
                f"The restorer '{cls.name}' needs one file and is given {given or 'none'}; write "
                f"--restorer {cls.name}:FILE{cls.suffixes[0]}, in quotation marks where its name "
                "has spaces."
            )
        if not os.path.isfile(files[0]):
            raise WeightsError(
                f"There is no file {printable(files[0])} for the restorer '{cls.name}'."
            )
        return said, files[0]
