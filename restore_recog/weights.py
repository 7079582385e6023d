"""Weights files: safetensors with a header that says whose weights they are.

A file never runs code. Tensors are stored in half precision by default and come
back as float32; integer tensors keep their type.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from restore_recog.errors import WeightsError
from restore_recog.system.atomic import whole_file

M = TypeVar("M", bound=torch.nn.Module)

FORMAT = "restore-recog-weights-1"
SHIPPED = Path(__file__).parent / "weights"


def save(
    path: Path,
    model: str,
    config: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    *,
    half: bool = True,
    note: str = "",
    training: Mapping[str, Any] | None = None,
) -> None:
    """Write a weights file, whole or not at all.

    Args:
        path: The file; an existing one is replaced.
        model: Plug-in name; :func:`load` refuses the file to any other.
        config: What is needed to build the network again, as plain JSON values.
        tensors: Named tensors on any device.
        half: Store floating-point tensors as float16.
        note: Further text for the header, which :func:`note` reads.
        training: What they were trained on, as plain JSON values, which :func:`training` reads.

    Raises:
        OutputError: The file cannot be written.
    """
    stored = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor)
        .detach()
        .cpu()
        .contiguous()
        for name, tensor in tensors.items()
    }
    header = {"format": FORMAT, "model": model, "config": json.dumps(dict(config), sort_keys=True)}
    if note:
        header["note"] = note
    if training:
        header["training"] = json.dumps(dict(training), sort_keys=True)
    with whole_file(path, failures=SafetensorError) as part:
        save_file(stored, part, metadata=header)


def load(path: Path, model: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read a weights file.

    Args:
        path: A file written by :func:`save`.
        model: Plug-in name that the file must have been written for.

    Returns:
        (config, tensors on the CPU, floating-point ones as float32).

    Raises:
        WeightsError: Missing, corrupt, not written by this package, or another model's.
    """
    if not path.is_file():
        raise WeightsError(f"There is no weights file {path}; check --weights.")
    with _opened(path) as file:
        header = file.metadata() or {}
        if header.get("format") != FORMAT:
            raise WeightsError(
                f"{path} is a safetensors file but was not written by restore-recog "
                f"(its header lacks format '{FORMAT}'); train or export it with this tool."
            )
        if header["model"] != model:
            raise WeightsError(
                f"{path} holds weights for '{header['model']}', not for '{model}'; "
                f"give the file that belongs to '{model}'."
            )
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        config: dict[str, Any] = json.loads(header["config"])
    floats = {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
    return config, floats


def note(path: Path) -> str:
    """Return the note in a weights file's header, ``""`` where there is none.

    Raises:
        WeightsError: The file is missing or corrupt.
    """
    with _opened(path) as file:
        return str((file.metadata() or {}).get("note", ""))


def training(path: Path) -> dict[str, Any]:
    """Return what the weights in a file were trained on, as far as its header says.

    Returns:
        ``covered``: the share of the images that got a synthetic covering, and ``coverings``: of
        which kinds; nothing for files that were written before this was recorded.

    Raises:
        WeightsError: The file is missing or corrupt.
    """
    with _opened(path) as file:
        facts: dict[str, Any] = json.loads((file.metadata() or {}).get("training", "{}"))
    return facts


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a safetensors file; what is wrong with its content becomes one sentence."""
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise WeightsError(
            f"{path} is not a readable safetensors file ({error}); it may be truncated or corrupt."
        ) from error


def load_into(module: torch.nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Copy tensors into a network; names and shapes must match exactly.

    Raises:
        WeightsError: Names or shapes differ; the message lists the first of them.
    """
    own = module.state_dict()
    wrong = sorted(set(own) ^ set(tensors)) or sorted(
        name for name in own if own[name].shape != tensors[name].shape
    )
    if wrong:
        raise WeightsError(
            f"{path} does not fit {type(module).__name__}: {len(wrong)} tensors are missing, "
            f"unexpected or of another shape, first '{wrong[0]}'."
        )
    module.load_state_dict(dict(tensors))


def ready(
    build: Callable[[Mapping[str, Any]], M], path: Path, model: str, device: str
) -> tuple[M, dict[str, Any]]:
    """Return a frozen network with its weights, in eval mode on a device, and its configuration.

    Args:
        build: Makes the network from the configuration.
        path, model: As for :func:`load`.
        device: Where it computes.

    Raises:
        WeightsError: As :func:`load` and :func:`load_into`.
    """
    config, tensors = load(path, model)
    net = build(config)
    load_into(net, tensors, path)
    net.eval().requires_grad_(False)
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net, config


def shipped(model: str) -> Path:
    """Return the weights file that comes with the package.

    Raises:
        WeightsError: None is shipped for this model.
    """
    path = SHIPPED / f"{model}.safetensors"
    if not path.is_file():
        raise WeightsError(
            f"No weights are shipped for '{model}'; train them and pass the file with --weights."
        )
    return path


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def teacher_mark(path: Path) -> str:
    """Return what tells a recogniser's file in the record of whom it taught: 12 hex digits."""
    return fingerprint(path)[:12]
