"""Opening a pipeline of Diffusers, and what it says of itself."""

from __future__ import annotations

import hashlib
import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from restore_recog.errors import PluginError, WeightsError, first_line
from restore_recog.names import printable


def loaded(path: str, half: bool) -> Any:
    """Return the inpainting pipeline at a path, on the CPU.

    Raises:
        WeightsError: There is none.
    """
    from diffusers import AutoPipelineForInpainting, DiffusionPipeline
    from diffusers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    _quiet_transformers()
    options = {
        "use_safetensors": True,
        "torch_dtype": torch.float16 if half else torch.float32,
        "safety_checker": None,
        "requires_safety_checker": False,
    }
    try:
        try:
            pipeline = AutoPipelineForInpainting.from_pretrained(path, **options)
        except ValueError:  # of a kind that it does not know
            pipeline = DiffusionPipeline.from_pretrained(path, **options)
    # Missing files, a hub that cannot be reached, another format: each raises its own.
    except Exception as error:
        raise WeightsError(
            f"There is no pipeline of Diffusers in safetensors at '{printable(path)}' "
            f"({first_line(error)}); give a folder that save_pretrained has written, or the name "
            "of one on the hub."
        ) from error
    if "mask_image" not in inspect.signature(pipeline.__call__).parameters:
        raise WeightsError(
            f"The pipeline at '{printable(path)}' is a {type(pipeline).__name__}, which takes no "
            "mask_image; give one for inpainting."
        )
    return pipeline


def fingerprint(pipeline: Any) -> str:
    """Return the SHA-256 of the weights of a pipeline and of how its other parts are set."""
    sha256 = hashlib.sha256()
    for name, part in sorted(pipeline.components.items()):
        sha256.update(f"{name} {type(part).__name__}\n".encode())
        if isinstance(part, torch.nn.Module):
            for key, tensor in sorted(part.state_dict().items()):
                sha256.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
                sha256.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy())
        else:
            sha256.update(repr(sorted(getattr(part, "config", {}).items())).encode())
    return sha256.hexdigest()


def _quiet_transformers() -> None:
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep back what Diffusers and Transformers say about their own future."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def side_of(pipeline: Any, size: int | None, who: str) -> int:
    """Return the side of the crops: as was said, else what the pipeline was trained on.

    Raises:
        PluginError: It is not known, or no multiple of what the pipeline shrinks images by.
    """
    scale = getattr(pipeline, "vae_scale_factor", 1)
    if size is None:
        network = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
        sample = getattr(getattr(network, "config", None), "sample_size", None)
        sample = getattr(pipeline, "default_sample_size", sample)
        if type(sample) is not int:
            raise PluginError(
                f"The pipeline '{who}' does not say for which size of images it was trained; say "
                "it: size=512 before its path."
            )
        return sample * scale
    if size % scale:
        raise PluginError(
            f"The pipeline '{who}' takes images whose side is a multiple of {scale}; size={size} "
            "is none."
        )
    return size
