"""``dlib-native``: dlib's recogniser, run by dlib itself, to check ``dlib`` against."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from restore_recog.api import Recognizer
from restore_recog.errors import PluginError, WeightsError
from restore_recog.recognizers.crop_templates import DLIB
from restore_recog.recognizers.dlib_file import COSINE, model_file


class DlibNative(Recognizer):
    """dlib's face recogniser, run by dlib itself on the CPU; slow, for comparison with ``dlib``.

    Args:
        argument: None.
        weights: dlib's file; None for that of the package face_recognition_models.
        device: Not used: dlib's wheel computes on the CPU.

    Raises:
        WeightsError: There is no such file, or dlib cannot read it.
        PluginError: dlib is not installed, or an argument is given.
    """

    name = "dlib-native"
    image_size = DLIB.size
    template = DLIB.array()
    notes = (COSINE,)
    judges = True

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        if importlib.util.find_spec("dlib") is None:
            raise PluginError(
                "The recogniser 'dlib-native' needs the package 'dlib-bin'; install the extra with "
                "pip install 'restore-recog[dlib]', or use 'dlib', which does without it."
            )
        import dlib

        self.weights: Path = model_file(self.name, argument, weights)
        super().__init__(argument, weights=self.weights, device="cpu")
        try:
            self._model = dlib.face_recognition_model_v1(str(self.weights))
        except RuntimeError as error:
            raise WeightsError(f"dlib cannot read {self.weights}: {error}") from error

    def embed(self, images: Tensor) -> Tensor:
        """Return (N, 128) unit-length templates of (N, 3, 150, 150) images in [0, 1]."""
        return F.normalize(self.descriptors(images))

    def descriptors(self, images: Tensor) -> Tensor:
        """Return the (N, 128) descriptors as dlib gives them, not of unit length."""
        pixels = (images.permute(0, 2, 3, 1) * 255).round().byte().cpu().numpy()  # (N, H, W, 3)
        rows = self._model.compute_face_descriptor(list(np.ascontiguousarray(pixels)), 0)
        return torch.tensor(np.array(rows), dtype=torch.float32)
