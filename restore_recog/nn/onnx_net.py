"""An ONNX recogniser as a PyTorch network that gradients pass through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from restore_recog.errors import TrainingError

ARCFACE = (
    np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655],
              [70.7299, 92.2041]]) + 0.5
) / 112  # fmt: skip
"""(5, 2) where the five points lie in ArcFace's 112 x 112 crops, in units of the side.

Source: the alignment of insightface; pixel centres lie at half pixels here.
"""

TOLERANCE = 1e-3
"""By which a template of unit length may differ from ONNX Runtime's."""


class OnnxNet(nn.Module):
    """(N, 3, S, S) images in [0, 1] -> (N, D), as the ONNX file computes it.

    Args:
        net: The file's graph.
        size: (S, S) of its input.
        mean, std: Taken off, and divided by, on the scale 0 to 255.
    """

    def __init__(
        self, net: nn.Module, size: tuple[int, int], mean: float = 127.5, std: float = 127.5
    ) -> None:
        super().__init__()
        self.net, self.size, self.mean, self.std = net, size, mean, std

    def forward(self, images: Tensor) -> Tensor:
        """Return embeddings, not normalised."""
        return self.net((images * 255 - self.mean) / self.std)  # type: ignore[no-any-return]


def differentiable(path: Path) -> OnnxNet:
    """Return the network of an ONNX recogniser, for batches of any size.

    A file that was exported for a batch of one is opened up: its batch dimension is freed, and
    so is that of the shapes that it reshapes to. Its outputs are compared with ONNX Runtime's.

    Raises:
        TrainingError: The file or a package is missing, it has operators that PyTorch's reading
            does not know, another input than one RGB image, or other outputs than ONNX Runtime's.
    """
    try:
        import onnx
        import onnxruntime
        from onnx2torch import convert
    except ImportError as error:
        raise TrainingError(
            f"A teacher from an ONNX file needs {error.name}; pip install 'restore-recog[teacher]'."
        ) from error
    if not path.is_file():
        raise TrainingError(f"There is no ONNX file {path}; check the teachers' names.")
    try:
        model = onnx.load(str(path))
        size = _free_batch(model)
        net = OnnxNet(convert(model).eval(), size)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except TrainingError:
        raise
    except Exception as error:  # each of the three libraries raises its own
        raise TrainingError(
            f"{path} cannot be read as a teacher ({type(error).__name__}: {error})."
        ) from error
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    name = session.get_inputs()[0].name
    inputs = ((images * 255 - net.mean) / net.std).numpy()
    wanted = np.concatenate([session.run(None, {name: one[None]})[0] for one in inputs])
    with torch.no_grad():
        found = net(images)
    gap = torch.nn.functional.normalize(found) - torch.nn.functional.normalize(
        torch.from_numpy(wanted)
    )
    if float(gap.abs().max()) > TOLERANCE:
        raise TrainingError(
            f"{path} computes something else in PyTorch than in ONNX Runtime (templates differ by "
            f"{float(gap.abs().max()):.2g}), so it cannot teach."
        )
    return net


def _free_batch(model: object) -> tuple[int, int]:
    """Free the batch dimension in place and return the input's (height, width)."""
    from onnx import numpy_helper

    graph = model.graph  # type: ignore[attr-defined]
    constants = {tensor.name: tensor for tensor in graph.initializer}
    inputs = [one for one in graph.input if one.name not in constants]
    sides = [d.dim_value for d in inputs[0].type.tensor_type.shape.dim]
    if len(inputs) != 1 or len(sides) != 4 or sides[1] != 3 or not sides[2] or not sides[3]:
        raise TrainingError(
            "A teacher takes one input (N, 3, height, width) of a known size; this file has "
            f"{[one.name for one in inputs]}, the first of {sides}."
        )
    inputs[0].type.tensor_type.shape.dim[0].dim_param = "N"
    for node in graph.node:
        shape = constants.get(node.input[1]) if node.op_type == "Reshape" else None
        if shape is None:
            continue
        sizes = numpy_helper.to_array(shape).copy()
        if sides[0] == 1 and len(sizes) and sizes[0] == 1:
            sizes[0] = 0  # ONNX: as it is in the input
            shape.CopyFrom(numpy_helper.from_array(sizes, shape.name))
    return sides[2], sides[3]
