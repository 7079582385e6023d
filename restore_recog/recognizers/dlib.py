"""``dlib``: the recogniser of dlib and of the Python package face_recognition, run by PyTorch.

Of the two ways to run it, dlib's own code and a reading of its weights into PyTorch, this is the
second: the descriptors are the same to 1e-6, it runs on any device, and on one CPU thread it is
ten times as fast as the wheel of dlib (which is built without a GPU). Its network is
differentiable, so it can teach a restorer. ``dlib-native`` runs dlib itself.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from restore_recog.api import Recognizer
from restore_recog.recognizers.crop_templates import DLIB
from restore_recog.recognizers.dlib_file import COSINE, model_file
from restore_recog.recognizers.dlib_net import load


class DlibRecognizer(Recognizer):
    """dlib's face recogniser of 2017 (99.38 % on LFW), its weights read into PyTorch.

    Crops are cut by five points, as dlib's own chips of 150 pixels are on average; see
    :data:`restore_recog.recognizers.crop_templates.DLIB`.

    Args:
        argument: None.
        weights: dlib's file; None for that of the package face_recognition_models.
        device: Where templates are computed.

    Attributes:
        net: (N, 3, 150, 150) images in [0, 1] -> (N, 128) descriptors as dlib gives them, not of
            unit length; differentiable.

    Raises:
        WeightsError: There is no such file, or it holds another network.
        PluginError: An argument is given.
    """

    name = "dlib"
    template = DLIB.array()
    notes = (COSINE,)
    judges = True

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        self.weights: Path = model_file(self.name, argument, weights)
        super().__init__(argument, weights=self.weights, device=device)
        self.net = load(self.weights).to(device)
        self.image_size = self.net.size

    def embed(self, images: Tensor) -> Tensor:
        """Return (N, 128) unit-length templates of (N, 3, 150, 150) images in [0, 1]."""
        with torch.inference_mode():
            return F.normalize(self.net(images))
