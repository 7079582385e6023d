"""What a run depends on: software, commit, weights. Everything needed to repeat it."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from restore_recog import hub, weights
from restore_recog.api import Classifier, Recognizer, Restorer
from restore_recog.errors import WeightsError

PACKAGES = (
    "restore-recog",
    "torch",
    "torchvision",
    "numpy",
    "opencv-python-headless",
    "timm",
    "facenet-pytorch",
)


def versions(*further: str) -> dict[str, str]:
    """Return the versions of Python, the platform and the packages on which the figures depend.

    Args:
        further: Packages besides :data:`PACKAGES`.
    """
    numbers = {"python": platform.python_version(), "platform": platform.platform()}
    for name in (*PACKAGES, *further):
        try:
            numbers[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            numbers[name] = "not installed as a package"
    return numbers


def commit() -> str | None:
    """Return the git commit of the source tree, with ``+changes`` where files differ from it.

    None where there is no git, or where this file is not part of a checkout: a package that is
    installed inside somebody else's checkout is not.
    """
    here = Path(__file__).resolve()
    try:
        _git(here.parent, "ls-files", "--error-unmatch", here.name)
        head = _git(here.parent, "rev-parse", "HEAD")
        changed = _git(here.parent, "status", "--porcelain", "--untracked-files=no", ":/")
    except (OSError, subprocess.SubprocessError):
        return None
    return head + ("+changes" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()


def model(plugin: Restorer | Recognizer | Classifier) -> dict[str, Any]:
    """Return name, weights file and its SHA-256 (None without weights), image size, settings.

    Weights from the Hugging Face hub come with their repository and commit.
    """
    path = plugin.weights
    if path is None:
        try:
            path = weights.shipped(plugin.name)
        except WeightsError:
            path = None
    digest = weights.fingerprint(path) if path is not None and path.is_file() else None
    # In the record only where there are any.
    settings = dict(getattr(plugin, "settings", {}))
    source = {} if path is None else hub.origin(path)
    return {
        "name": plugin.name,
        "argument": getattr(plugin, "argument", None),
        "weights": None if path is None else path.name,
        "sha256": digest,
        **({"hub": source} if source else {}),
        "image_size": list(plugin.image_size),
        **({"settings": settings} if settings else {}),
    }


def peak_memory() -> dict[str, float]:
    """Return the peak memory of this process so far, in MiB.

    Returns:
        ``host``: resident memory, where the system tells; ``cuda``: allocated by PyTorch on
        the GPU that it used most, where one was used.
    """
    most: dict[str, float] = {}
    try:
        import resource
    except ImportError:  # not on Windows
        pass
    else:
        unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB elsewhere
        most["host"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    import torch

    used = [torch.cuda.max_memory_allocated(i) for i in range(torch.cuda.device_count())]
    if any(used):
        most["cuda"] = max(used) / 2**20
    return most
