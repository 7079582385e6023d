"""The network of an ONNX file in PyTorch, so that gradients pass through it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from restore_recog.errors import PluginError, WeightsError


def differentiable(path: Path) -> nn.Module:
    """Return the graph of an ONNX file as a frozen module for batches of any size.

    A file that was exported for a batch of one is opened up: its batch dimension is freed, and
    so is that of the shapes that it reshapes to.

    Raises:
        PluginError: The package that reads ONNX into PyTorch is missing.
        WeightsError: The file has operators that it does not know.
    """
    try:
        import onnx
        from onnx2torch import convert
    except ImportError as error:
        raise PluginError(
            f"Gradients through an ONNX file need the package '{error.name}'; install the extra "
            "with pip install 'restore-recog[teacher]'."
        ) from error
    try:
        model = onnx.load(str(path))
        _free_batch(model)
        net: nn.Module = convert(model)
    except Exception as error:  # both libraries raise their own, children of Exception alone
        raise WeightsError(
            f"PyTorch cannot read {path} ({type(error).__name__}: {error}), so no gradients pass "
            "through it."
        ) from error
    return net.eval().requires_grad_(False)


def _free_batch(model: Any) -> None:
    """Free the batch dimension in place, where it is one."""
    from onnx import numpy_helper

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    (images,) = (one for one in model.graph.input if one.name not in constants)
    batch = images.type.tensor_type.shape.dim[0]
    if batch.dim_value != 1:
        return
    batch.dim_param = "N"
    for node in model.graph.node:
        shape = constants.get(node.input[1]) if node.op_type == "Reshape" else None
        if shape is None:
            continue
        sizes = numpy_helper.to_array(shape).copy()
        if len(sizes) and sizes[0] == 1:
            sizes[0] = 0  # ONNX's sign for "as it is in the input"
            shape.CopyFrom(numpy_helper.from_array(sizes, shape.name))
