"""What recognisers that read a network from a file have in common."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor, inference_mode, nn

from restore_recog.api import Recognizer
from restore_recog.errors import PluginError, WeightsError
from restore_recog.recognizers.feeding import Feeding, feeding


class Fed(nn.Module):
    """A network behind what its images need: (N, 3, H, W) RGB in [0, 1] -> (N, D)."""

    def __init__(self, module: nn.Module, feeding: Feeding) -> None:
        super().__init__()
        self.module, self.feeding = module, feeding

    def forward(self, images: Tensor) -> Tensor:
        """Return what the network makes of the images; differentiable where it is."""
        return self.module(self.feeding.prepared(images))  # type: ignore[no-any-return]


class FileRecognizer(Recognizer):
    """A recogniser whose network is a file: ``name:FILE``.

    Args:
        argument: The file; or leave it out and give *weights*.
        weights: The file.
        device: Where templates are computed.
        settings: How the network wants its images: any of
            :data:`restore_recog.recognizers.feeding.SETTINGS`.

    Attributes:
        feeding: How images reach the network.
        settings: The same as plain JSON values, for the record of a run.

    Raises:
        WeightsError: There is no such file, or it holds no network of this kind.
        PluginError: A setting is wrong.
    """

    suffixes: ClassVar[tuple[str, ...]]
    """How names of its files end; the first one is shown in messages."""

    usual: ClassVar[Feeding] = Feeding()
    """How its networks are fed where nobody says otherwise."""

    def __init__(
        self,
        argument: str | None = None,
        *,
        weights: Path | None = None,
        device: str = "cpu",
        **settings: Any,
    ) -> None:
        self.weights: Path = self._file(argument, weights)
        super().__init__(argument, weights=self.weights, device=device)
        self.feeding = feeding(self.weights, settings, self.usual)
        self._open()

    @abstractmethod
    def _open(self) -> None:
        """Read the network from the file :attr:`weights`, and call :meth:`frame`."""

    def frame(self, size: tuple[int, int], **more: Any) -> None:
        """Settle the size (H, W) of the crops and how they are cut.

        Args:
            size: What the network takes.
            more: What else the record of a run should hold.

        Raises:
            PluginError: The template was made for crops of another shape.
        """
        if self.feeding.size not in (None, size):
            raise PluginError(
                f"{self.weights} takes crops of {size[0]} x {size[1]} (height, width), not of the "
                f"size {self.feeding.size} that was given; leave it out."
            )
        self.image_size = size
        template = self.feeding.crop_template(size, str(self.weights))
        self.template = None if self.feeding.template == "own" else template.array()
        self.settings = {**self.feeding.record(), "size": size, **more}
        self.notes = (self.feeding.sentence(f"{self.name}:{self.weights.name}"),)

    @abstractmethod
    def run(self, images: Tensor) -> Tensor:
        """Return what the network makes of (N, 3, H, W) images that are as it wants them."""

    def embed(self, images: Tensor) -> Tensor:
        """Return (N, D) unit-length templates of (N, 3, H, W) images in [0, 1].

        Raises:
            PluginError: What comes out is no template for each image.
        """
        with inference_mode():
            return F.normalize(self.unnormalised(images))

    def unnormalised(self, images: Tensor) -> Tensor:
        """Return (N, D) templates as the network makes them; see :meth:`embed`."""
        with inference_mode():
            prepared = self.feeding.prepared(images)
            templates = self._templates(prepared)
            if self.feeding.flip:
                templates = (templates + self._templates(prepared.flip(-1))) / 2
            return templates

    def _templates(self, prepared: Tensor) -> Tensor:
        templates, count = self.run(prepared), len(prepared)
        if templates.ndim != 2 or len(templates) != count:
            raise PluginError(
                f"The network in {self.weights} makes {tuple(templates.shape)} of {count} images; "
                f"a recogniser makes ({count}, D), one row of numbers for each image."
            )
        return templates

    @classmethod
    def _file(cls, argument: str | None, weights: Path | None) -> Path:
        given = [Path(argument).expanduser()] if argument else []
        given += [weights] if weights is not None else []
        if len(given) != 1:
            raise WeightsError(
                f"The recogniser '{cls.name}' needs one file and is given "
                f"{' and '.join(map(str, given)) or 'none'}; write --recognizer "
                f"{cls.name}:FILE{cls.suffixes[0]}."
            )
        if not given[0].is_file():
            raise WeightsError(f"There is no file {given[0]} for the recogniser '{cls.name}'.")
        return given[0]
