"""ONNX Runtime under any plug-in: where it computes, opening a file, running it."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from restore_recog.errors import DeviceError, PluginError, WeightsError, first_line

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""Of ONNX Runtime, by what ``provider=`` takes."""


def place(who: str, provider: str | None, device: str, option: str) -> str:
    """Return the device that ONNX Runtime computes on.

    Args:
        who: Who needs it, for messages: ``The recogniser 'onnx'``.
        provider: One of :data:`PROVIDERS`, or None for that of *device*.
        device: ``cpu`` or ``cuda[:N]``.
        option: How ``provider=cpu`` is asked for.

    Raises:
        DeviceError: It is a GPU, and this ONNX Runtime has none.
        PluginError: There is no ONNX Runtime, or no such provider.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        raise PluginError(
            f"{who} needs the package 'onnxruntime'; install the extra with "
            "pip install 'restore-recog[onnx]'."
        )
    if provider not in (None, *PROVIDERS):
        raise PluginError(
            f"ONNX Runtime is asked for the provider {provider!r}; choose cpu or cuda."
        )
    if provider == "cpu" or (provider is None and not device.startswith("cuda")):
        return "cpu"
    import onnxruntime

    if PROVIDERS["cuda"] not in onnxruntime.get_available_providers():
        raise DeviceError(
            "The ONNX Runtime that is installed cannot use a GPU (it has no "
            f"{PROVIDERS['cuda']}); install the package onnxruntime-gpu in place of onnxruntime, "
            f"or let it compute on the CPU with {option}."
        )
    return device if device.startswith("cuda") else "cuda:0"


def session(file: Path, device: str, option: str) -> Any:
    """Return a session of ONNX Runtime, with as many threads as PyTorch has.

    Args:
        file: The model.
        device: As :func:`place` returns it.
        option: As there.

    Raises:
        DeviceError: The GPU's libraries do not load.
        WeightsError: The file cannot be read.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors; a missing GPU library is told of below
    kind, _, index = device.partition(":")
    chosen: Any = PROVIDERS[kind]
    if kind == "cuda":
        chosen = (chosen, {"device_id": int(index or 0)})
    try:
        opened = onnxruntime.InferenceSession(str(file), options, providers=[chosen])
    except Exception as error:
        raise WeightsError(f"{file} is no readable ONNX file: {first_line(error)}") from error
    if PROVIDERS[kind] not in opened.get_providers():
        raise DeviceError(
            f"ONNX Runtime has a {PROVIDERS[kind]}, but its CUDA libraries do not load on this "
            f"machine; install those that its version needs, or let it compute on the CPU with "
            f"{option}."
        )
    return opened


def run(
    opened: Any, file: Path, feed: Mapping[str, NDArray[Any]], output: str, batch: int | None
) -> NDArray[Any]:
    """Return one output of a model, in the number of images at a time that it takes.

    Args:
        opened: A session.
        file: Its file, for messages.
        feed: Name of each input -> array whose first dimension counts the N images.
        output: Its name.
        batch: How many images the model takes at a time, or None for any number; a last batch
            that is smaller is filled up with its last image.

    Raises:
        PluginError: The model fails.
    """
    count = len(next(iter(feed.values())))
    step = batch or count
    parts = []
    for start in range(0, count, step):
        some = {name: array[start : start + step] for name, array in feed.items()}
        given = min(step, count - start)
        if given < step:
            some = {
                name: np.concatenate([array, np.repeat(array[-1:], step - given, axis=0)])
                for name, array in some.items()
            }
        packed = {name: np.ascontiguousarray(array) for name, array in some.items()}
        try:
            made = np.asarray(opened.run([output], packed)[0])
        # ONNX Runtime has its own exceptions, children of nothing but Exception.
        except Exception as error:
            raise PluginError(f"{file} fails on {step} images: {first_line(error)}") from error
        parts.append(made[: len(made) - (step - given)])
    return np.concatenate(parts)


def names(values: Any) -> str:
    """Return the names and shapes of a model's inputs or outputs, for a sentence."""
    return ", ".join(f"{value.name} {list(value.shape)}" for value in values)
