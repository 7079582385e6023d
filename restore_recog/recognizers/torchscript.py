"""``torchscript:FILE``: any recogniser that ``torch.jit.save`` has written.

Colour order, range and template do not stand in the file, and neither does the size of its
images: see :mod:`restore_recog.recognizers.feeding`. A TorchScript file holds a program of tensor
operations, not Python; load only files whose origin you trust.
"""

from __future__ import annotations

import torch
from torch import Tensor

from restore_recog.errors import PluginError, WeightsError, first_line
from restore_recog.recognizers.from_file import Fed, FileRecognizer
from restore_recog.system import torchscript


class TorchScriptRecognizer(FileRecognizer):
    """Recogniser from a TorchScript file: images in, one row of numbers for each out.

    Args:
        argument: The file; or leave it out and give *weights*.
        weights: The file.
        device: Where templates are computed.
        settings: As for :class:`~restore_recog.recognizers.from_file.FileRecognizer`. Without
            ``size`` crops are as large as those the template was made for.

    Attributes:
        net: (N, 3, H, W) images in [0, 1] -> (N, D), not normalised.

    Raises:
        WeightsError: The file holds no TorchScript module, or one that is no recogniser.
        PluginError: A setting is wrong.
    """

    name = "torchscript"
    suffixes = torchscript.ENDINGS

    def _open(self) -> None:
        if self.feeding.output is not None:
            raise PluginError("A TorchScript network has one output; 'output' is for ONNX files.")
        self._module = torchscript.load(self.weights, self.device, "images")
        self.net = Fed(self._module, self.feeding)
        self.frame(self.feeding.own_size())
        self._try()

    def run(self, images: Tensor) -> Tensor:
        """Return (N, D) of (N, 3, H, W)."""
        return torchscript.run(self._module, images)  # type: ignore[no-any-return]

    def _try(self) -> None:
        """Run two grey images.

        Raises:
            WeightsError: What comes out are no templates.
        """
        height, width = self.image_size
        try:
            with torch.inference_mode():
                rows = self.run(torch.zeros(2, 3, height, width, device=self.device))
        # TorchScript raises whatever the operations inside it raise.
        except Exception as error:
            raise WeightsError(
                f"{self.weights} fails on two images of {width} x {height} pixels "
                f"({first_line(error)}); if it wants another size, say it with "
                "--recognizer-input size=160."
            ) from error
        if not isinstance(rows, Tensor) or rows.ndim != 2 or len(rows) != 2 or rows.shape[1] < 2:
            what = list(rows.shape) if isinstance(rows, Tensor) else f"a {type(rows).__name__}"
            raise WeightsError(
                f"{self.weights} makes {what} of two images, and a recogniser makes (2, D): one "
                "row of D numbers for each image. Is it a detector or a classifier?"
            )
