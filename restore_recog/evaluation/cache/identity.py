"""What a plug-in is, as a hash: its class, its sources, its weights and its settings.

Finished work may only be used again where nothing that made it has changed. A file's name or
date does not tell; its content does.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import sys
import uuid
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch

from restore_recog import weights


def identity(thing: object) -> str:
    """Return the SHA-256 of an object: class, source files, and everything it holds.

    Tensors, arrays, settings and the files that paths lead to count by content; a method by its
    object, a function by what it took from around it. The number of a GPU does not count, nor does
    what a ``cached_property`` keeps, which follows from the rest and may not be there yet.
    Whatever shows nothing of itself (a session of a foreign runtime) counts by its class.
    """
    digest = hashlib.sha256()
    kinds = [kind for kind in type(thing).__mro__ if kind is not object]
    for kind in kinds:
        digest.update(f"{kind.__module__}.{kind.__qualname__}\n".encode())
    digest.update(sources({kind.__module__ for kind in kinds}).encode())
    for chunk in _content(thing, set()):
        digest.update(chunk)
    return digest.hexdigest()


def sources(modules: set[str]) -> str:
    """Return the SHA-256 of modules and of what they use of their own packages.

    A module without a source file (a notebook's cell) has no content to go by: its hash is a
    different one in every process.
    """
    files: dict[str, str] = {}
    waiting = [name for name in sorted(modules) if not _foreign(name)]
    while waiting:
        name = waiting.pop()
        if name in files:
            continue
        module = sys.modules.get(name)
        file = None if module is None else getattr(module, "__file__", None)
        readable = file is not None and Path(file).is_file()
        files[name] = weights.fingerprint(Path(file)) if readable and file else _PROCESS
        if module is not None:
            waiting += _siblings(module)
    listing = "\n".join(f"{name} {files[name]}" for name in sorted(files))
    return hashlib.sha256(listing.encode()).hexdigest()


_PROCESS = uuid.uuid4().hex


def _foreign(module: str) -> bool:
    """Return whether a module belongs to PyTorch or to Python, whose versions are recorded."""
    top = module.partition(".")[0]
    return top == "torch" or top in sys.stdlib_module_names - {"__main__"}


def _siblings(module: ModuleType) -> Iterator[str]:
    """Yield the modules of the same top-level package that a module refers to.

    The modules inside a package are its attributes as soon as anyone has imported them, so
    those of a package itself do not count.
    """
    top = module.__name__.partition(".")[0]
    for value in list(vars(module).values()):
        if isinstance(value, ModuleType):
            name = None if hasattr(module, "__path__") else value.__name__
        else:
            name = getattr(value, "__module__", None)
        if isinstance(name, str) and name.partition(".")[0] == top and name in sys.modules:
            yield name


@cache
def _derived(kind: type) -> set[str]:
    """Return the names of a class's cached properties."""
    members = (item for base in kind.__mro__ for item in vars(base).items())
    return {name for name, member in members if isinstance(member, cached_property)}


def _content(value: Any, seen: set[int]) -> Iterator[bytes]:
    """Yield bytes that tell a value from any other."""
    if value is None or isinstance(value, (bool, int, float, complex, bytes, str)):
        text = re.sub(r"^cuda(:\d+)?$", "cuda", value) if isinstance(value, str) else value
        yield f"{type(value).__name__} {text!r};".encode()
    elif isinstance(value, torch.device):
        yield f"device {value.type};".encode()
    elif isinstance(value, Path):
        yield f"file {weights.fingerprint(value) if value.is_file() else value};".encode()
    elif isinstance(value, torch.Tensor):
        array = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        yield f"tensor {value.dtype} {tuple(value.shape)};".encode()
        yield array.numpy().tobytes()
    elif isinstance(value, np.ndarray) and value.dtype != object:
        yield f"array {value.dtype} {value.shape};".encode()
        yield value.tobytes()
    elif isinstance(value, type):
        yield f"{value.__module__}.{value.__qualname__};".encode()
    elif id(value) not in seen:
        seen.add(id(value))
        yield from _parts(value, seen)


def _parts(value: Any, seen: set[int]) -> Iterator[bytes]:
    yield f"{type(value).__module__}.{type(value).__qualname__}(".encode()
    if isinstance(value, Mapping):
        parts = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)):
        parts = [(str(i), item) for i, item in enumerate(value)]
    elif isinstance(value, (set, frozenset)):
        parts = [("", item) for item in sorted(value, key=repr)]
    elif isinstance(value, MethodType):
        parts = [("function", value.__func__), ("self", value.__self__)]
    elif isinstance(value, FunctionType):
        yield f"{value.__module__}.{value.__qualname__};".encode()
        parts = list(inspect.getclosurevars(value).nonlocals.items())
    elif isinstance(value, (ModuleType, CodeType)) or inspect.isgenerator(value):
        parts = []
    else:
        slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
        parts = [(name, getattr(value, name)) for name in slots if hasattr(value, name)]
        own = getattr(value, "__dict__", {})
        derived = _derived(type(value))  # type: ignore[arg-type]
        parts += sorted((name, own[name]) for name in own.keys() - derived)
    for name, item in parts:
        yield f"{name}=".encode()
        yield from _content(item, seen)
    yield b")"
