"""A restorer as a file that runs without this package: ONNX or ``torch.export``.

What is exported takes aligned crops and their masks and gives the restored crops; face search,
alignment and the search for the covering stay with the caller.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from restore_recog.api import Restorer
from restore_recog.errors import PluginError, first_line
from restore_recog.restoring.restoration import Restoration, run_restorer
from restore_recog.system.atomic import check_file, whole_file
from restore_recog.types import FaceBatch

FORMATS = ("onnx", "torch-export")
TOLERANCE = 1e-3
"""Largest difference of a pixel in [0, 1] from what the restorer itself gives."""

METADATA = "restore_recog"
"""Under this key an ONNX file says, as JSON, how it is fed, so that the restorer ``onnx`` knows."""

FED = {"inputs": ["image", "mask"], "range": [0, 1]}
"""What an exported file takes; see :mod:`restore_recog.restoring.feeding`."""

BATCH = 2
"""Images in the example that is traced; the file takes any number."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        difference: Largest difference of a pixel from the restorer's own result, in [0, 1].
        megabytes: Size of the file.
    """

    path: Path
    difference: float
    megabytes: float


class _Traced(nn.Module):
    """The restorer as a function of tensors alone."""

    def __init__(self, restorer: Restorer) -> None:
        super().__init__()
        self.restoration = Restoration(restorer)  # makes its networks parts of this module

    def forward(self, images: Tensor, masks: Tensor) -> Tensor:
        return self.restoration(images, masks)


def export(restorer: Restorer, path: Path, form: str) -> Exported:
    """Write a restorer as one file and check it against the restorer itself.

    The file takes ``images`` (N, 3, H, W) float32 in [0, 1] and ``masks`` (N, 1, H, W) in {0, 1}
    of the restorer's own size, for any N, and gives ``restored``, shaped like ``images``.

    Args:
        restorer: On the CPU.
        path: Where to; must not exist.
        form: One of :data:`FORMATS`.

    Raises:
        OutputError: The file exists or cannot be written.
        PluginError: A package is missing, the restorer cannot be exported, or the file's results
            differ by more than :data:`TOLERANCE`; nothing is left behind.
    """
    check_file(path)
    example = _example(restorer)
    with torch.no_grad():
        wanted = run_restorer(restorer, FaceBatch(*example))
    write = {"onnx": _onnx, "torch-export": _torch_export}[form]
    with whole_file(path, overwrite=False) as part:
        run = _quietly(write, restorer, example, part)
        difference = float((run(*example) - wanted).abs().max())
        if not difference <= TOLERANCE:
            raise PluginError(
                f"The exported '{restorer.name}' differs from the restorer by {difference:.2g} "
                f"(allowed: {TOLERANCE:g}); nothing was written. Use the other --format."
            )
    return Exported(path, difference, path.stat().st_size / 1e6)


def _example(restorer: Restorer) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(0)
    height, width = restorer.image_size
    images = torch.from_numpy(rng.random((BATCH, 3, height, width), np.float32))
    masks = torch.zeros(BATCH, 1, height, width)
    masks[0, :, height // 2 : height * 7 // 8, width // 4 : width * 3 // 4] = 1
    masks[1, :, height * 2 // 5 :, width // 8 : width * 7 // 8] = 1
    return images, masks


def _quietly(
    write: Callable[[nn.Module, tuple[Tensor, Tensor], Path], Callable[..., Tensor]],
    restorer: Restorer,
    example: tuple[Tensor, Tensor],
    path: Path,
) -> Callable[..., Tensor]:
    """Run an exporter without its chatter; its failure becomes one sentence."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return write(_Traced(restorer).eval(), example, path)
    except (PluginError, OSError):
        raise
    # The exporters raise nearly anything at a part that they do not know.
    except Exception as error:
        reason = first_line(error)
        raise PluginError(
            f"The restorer '{restorer.name}' cannot be exported ({reason}); its restore() must "
            "consist of PyTorch operations only."
        ) from error


def _dynamic() -> dict[str, dict[int, object]]:
    batch = torch.export.Dim("batch", min=1, max=4096)
    return {"images": {0: batch}, "masks": {0: batch}}


def _torch_export(
    model: nn.Module, example: tuple[Tensor, Tensor], path: Path
) -> Callable[..., Tensor]:
    program = torch.export.export(model, example, dynamic_shapes=_dynamic())
    torch.export.save(program, path)
    return torch.export.load(path).module()


def _onnx(model: nn.Module, example: tuple[Tensor, Tensor], path: Path) -> Callable[..., Tensor]:
    for package in ("onnx", "onnxscript", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            raise PluginError(
                f"Writing ONNX needs the package '{package}'; install the extra with "
                "pip install 'restore-recog[onnx]'."
            )
    import onnxruntime

    program = torch.onnx.export(
        model,
        example,
        dynamo=True,
        dynamic_shapes=_dynamic(),
        input_names=["images", "masks"],
        output_names=["restored"],
        verbose=False,
    )
    if program is None:
        raise PluginError("PyTorch's exporter returned nothing; use the other --format.")
    program.model.metadata_props[METADATA] = json.dumps(FED)
    program.save(path, external_data=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(images: Tensor, masks: Tensor) -> Tensor:
        restored = session.run(None, {"images": images.numpy(), "masks": masks.numpy()})[0]
        return torch.from_numpy(np.asarray(restored))

    return run
