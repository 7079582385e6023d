"""Small recognisers as files, made in the test."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from dlib_files import dlib_file
from numpy.typing import NDArray

Shape = Sequence[int | str]


def projection(values: int, dimension: int = 16) -> NDArray[np.float32]:
    """Return the (values, dimension) matrix of the network that :func:`onnx_file` writes."""
    return np.random.default_rng(0).standard_normal((values, dimension)).astype(np.float32)


def onnx_file(
    path: Path, shape: Shape = ("n", 3, 16, 16), *, dimension: int = 16, half: bool = False
) -> Path:
    """Write a network that multiplies the flattened images with :func:`projection`.

    Args:
        path: Where to.
        shape: Of its input; texts are free sizes.
        dimension: Of its templates.
        half: Whether it computes in float16.
    """
    from onnx import TensorProto, helper

    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    values = int(np.prod([side for side in shape[1:] if isinstance(side, int)]))
    matrix = projection(values, dimension).astype(np.float16 if half else np.float32)
    nodes = [
        helper.make_node("Flatten", ["images"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "matrix"], ["templates"]),
    ]
    inputs = [helper.make_tensor_value_info("images", kind, shape)]
    outputs = [helper.make_tensor_value_info("templates", kind, [shape[0], dimension])]
    return write_graph(path, nodes, inputs, outputs, {"matrix": matrix})


def write_graph(
    path: Path,
    nodes: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    constants: Mapping[str, NDArray[Any]] = {},
) -> Path:
    """Write any ONNX graph."""
    import onnx
    from onnx import helper, numpy_helper

    held = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "small", inputs, outputs, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return path


def script(net: torch.nn.Module, path: Path) -> Path:
    """Write a network as TorchScript."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that TorchScript is no longer developed
        torch.jit.script(net.eval()).save(str(path))
    return path


def vgg_tensors(names: str = "own", *, people: int = 5, wide: int = 2) -> dict[str, torch.Tensor]:
    """Return the tensors of a narrow VGG-16, drawn by a seed.

    Args:
        names: ``own`` (conv1_1, fc6), ``underscore`` (conv_1_1, fc6) or ``torchvision``.
        people: Outputs of the last layer; 0 for none.
        wide: Channels of every map.
    """
    generator = torch.Generator().manual_seed(0)
    places = [(s, c) for s, count in enumerate((2, 2, 3, 3, 3), 1) for c in range(1, count + 1)]
    numbers = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)  # with rectifiers and maxima
    called = {
        "own": [f"conv{s}_{c}" for s, c in places] + ["fc6", "fc7", "fc8"],
        "underscore": [f"conv_{s}_{c}" for s, c in places] + ["fc6", "fc7", "fc8"],
        "torchvision": [f"features.{n}" for n in numbers] + [f"classifier.{n}" for n in (0, 3, 6)],
    }[names]
    shapes = [(wide, 3, 3, 3), *[(wide, wide, 3, 3)] * 12, (12, wide * 49), (8, 12), (people, 8)]
    held = {}
    for name, shape in list(zip(called, shapes, strict=True))[: 16 if people else 15]:
        size = int(np.prod(shape[1:]))
        held[f"{name}.weight"] = torch.randn(shape, generator=generator) * (2 / size) ** 0.5
        held[f"{name}.bias"] = torch.randn(shape[0], generator=generator) * 0.1
    return held


def _vggface(folder: Path) -> Path:
    torch.save(vgg_tensors(wide=8), folder / "vgg.pth")
    return folder / "vgg.pth"


def _onnx(folder: Path) -> Path:
    _need("onnx", "onnxruntime")
    return onnx_file(folder / "net.onnx")


def _torchscript(folder: Path) -> Path:
    net = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten())
    return script(net, folder / "net.pt")


def _dlib_native(folder: Path) -> None:
    _need("dlib", "face_recognition_models")


def _need(*packages: str) -> None:
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}")


FILES: Mapping[str, Callable[[Path], Path | None]] = {
    "onnx": _onnx,
    "torchscript": _torchscript,
    "dlib": lambda folder: dlib_file(folder / "net.dat"),
    "dlib-native": _dlib_native,
    "vggface": _vggface,
}
"""Recognisers whose file does not come with this package -> writes a small one in a folder."""
