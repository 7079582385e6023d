"""Weights files: safetensors with a header that says whose weights they are.

A file never runs code. Tensors are stored in half precision by default and come
back as float32; integer tensors keep their type. Their checksum is in the header, so
that a flipped bit is noticed; files from before that have none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from restore_recog.errors import WeightsError, first_line
from restore_recog.system.atomic import whole_file

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
        half: Store floating-point tensors as float16, but for those with numbers too large for it.
        note: Further text for the header, which :func:`note` reads.
        training: What they were trained on, as plain JSON values, which :func:`training` reads.

    Raises:
        OutputError: The file cannot be written.
        WeightsError: A tensor holds NaN or infinity; nothing is written.
    """
    check_finite(tensors, f"The weights of '{model}' for {path}")
    stored = {
        name: (_halved(tensor) if half else tensor).detach().cpu().contiguous()
        for name, tensor in tensors.items()
    }
    header = {"format": FORMAT, "model": model, "config": json.dumps(dict(config), sort_keys=True)}
    header["sha256"] = checksum(stored)
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
        (config, tensors on the CPU, floating-point ones as float32). What the configuration says
        is for the model to check.

    Raises:
        WeightsError: Missing, corrupt, not written by this package, another model's, or with
            numbers that are not finite.
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
        if header.get("model") != model:
            raise WeightsError(
                f"{path} holds weights for '{header.get('model')}', not for '{model}'; "
                f"give the file that belongs to '{model}'."
            )
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    config = _json(header, "config", path)
    if header.get("sha256", "") not in ("", checksum(tensors)):
        raise WeightsError(
            f"{path} is damaged: its tensors do not have the checksum in its header; get the file "
            "again from where it came."
        )
    check_finite(tensors, str(path))
    floats = {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
    return config, floats


def foreign(path: Path) -> dict[str, Tensor]:
    """Return the tensors of another program's file, by their names there; no code in it is run.

    Args:
        path: safetensors, or what ``torch.save`` wrote of a ``state_dict``, alone or under that
            name.

    Raises:
        WeightsError: It is missing, unreadable, holds something else or numbers not finite.
    """
    if not path.is_file():
        raise WeightsError(f"There is no weights file {path}.")
    try:
        held = load_file(path) if path.suffix == ".safetensors" else _unpickled(path)
    except Exception as error:  # a damaged zip or pickle raises nearly anything
        raise WeightsError(
            f"{path} is no readable file of PyTorch weights ({first_line(error)}); give "
            "safetensors, or a state_dict written by torch.save that holds nothing but tensors."
        ) from error
    tensors = held.get("state_dict", held) if isinstance(held, Mapping) else held
    if not isinstance(tensors, Mapping) or not all(map(torch.is_tensor, tensors.values())):
        raise WeightsError(
            f"{path} holds no table of tensors; write one with torch.save(net.state_dict(), FILE)."
        )
    named = {str(name): tensor for name, tensor in tensors.items()}
    check_finite(named, str(path))
    return named


def _unpickled(path: Path) -> Any:
    return torch.load(path, map_location="cpu", weights_only=True)


def checksum(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 over names, types, shapes and numbers of tensors on the CPU."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def check_finite(tensors: Mapping[str, Tensor], what: str) -> None:
    """Refuse tensors with numbers that are not finite.

    Raises:
        WeightsError: The message begins with *what* and names the first of them.
    """
    wrong = [name for name, tensor in tensors.items() if not bool(tensor.isfinite().all())]
    if wrong:
        raise WeightsError(
            f"{what} cannot be used: {len(wrong)} of {len(tensors)} tensors hold NaN or infinite "
            f"numbers, first '{wrong[0]}'; the training diverged or the file is damaged."
        )


def _halved(tensor: Tensor) -> Tensor:
    """Return floating-point numbers as float16 where all of them have a place there."""
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    return half if bool(half.isfinite().all()) else tensor


def header(path: Path) -> dict[str, str]:
    """Return what the header of a weights file says, as texts; no tensor is read.

    Raises:
        WeightsError: The file is missing or corrupt.
    """
    with _opened(path) as file:
        return dict(file.metadata() or {})


def note(path: Path) -> str:
    """Return the note in a weights file's header, ``""`` where there is none.

    Raises:
        WeightsError: The file is missing or corrupt.
    """
    return header(path).get("note", "")


def training(path: Path) -> dict[str, Any]:
    """Return what the weights in a file were trained on, as far as its header says.

    Returns:
        ``covered``: the share of the images that got a synthetic covering, and ``coverings``: of
        which kinds; nothing for files that were written before this was recorded.

    Raises:
        WeightsError: The file is missing or corrupt.
    """
    facts = _json({"training": "{}"} | header(path), "training", path)
    covered = facts.get("covered", 0.0)
    if type(covered) not in (int, float) or not 0 <= covered <= 1:
        raise WeightsError(
            f"The header of {path} is damaged: 'covered' is a share in [0, 1], not "
            f"{str(covered)[:40]}; get the file again from where it came."
        )
    return facts


def _json(header: Mapping[str, str], key: str, path: Path) -> dict[str, Any]:
    """Return the JSON object in a header's entry."""
    try:
        content = json.loads(header.get(key, ""))
    except (ValueError, RecursionError) as error:
        raise WeightsError(
            f"The header of {path} has no readable '{key}' ({type(error).__name__}); get the file "
            "again from where it came."
        ) from error
    if not isinstance(content, dict):
        raise WeightsError(
            f"The header of {path} is damaged: '{key}' is a {type(content).__name__} and no set "
            "of options; get the file again from where it came."
        )
    return content


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
    """Copy tensors into a network; names, shapes and kinds of number must match exactly.

    Raises:
        WeightsError: They differ; the message lists the first of them.
    """
    check_fit(module, tensors, path)
    module.load_state_dict(dict(tensors))


def check_fit(module: torch.nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Refuse tensors that are not those of a network; raises as :func:`load_into`."""
    own = module.state_dict()
    wrong = sorted(set(own) ^ set(tensors)) or sorted(
        name for name in own if _form(own[name]) != _form(tensors[name])
    )
    if wrong:
        raise WeightsError(
            f"{path} does not fit {type(module).__name__}: {len(wrong)} tensors are missing, "
            f"unexpected or of another shape, first '{wrong[0]}'."
        )


def _form(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.shape, tensor.is_floating_point(), tensor.is_complex()


def shipped(model: str, train: str = "") -> Path:
    """Return the weights file that comes with the package.

    Args:
        model: The plug-in's name.
        train: The command that trains it, where its file is named as ``NAME=FILE``.

    Raises:
        WeightsError: None is shipped for this model.
    """
    path = SHIPPED / f"{model}.safetensors"
    if not path.is_file():
        how = "train them and pass the file with --weights."
        if train:
            how = f"train them with '{train}' and name the file: {model}=RUN/best.safetensors."
        raise WeightsError(f"No weights are shipped for '{model}'; {how}")
    return path


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def teacher_mark(path: Path) -> str:
    """Return what tells a recogniser's file in the record of whom it taught: 12 hex digits."""
    return fingerprint(path)[:12]
