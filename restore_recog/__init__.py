"""Measure whether restoring a masked face first helps a face recogniser.

Five lines in a notebook::

    from restore_recog import evaluate

    report = evaluate(restorer="fmodr", protocol="fmor", data="lfw:PATH")
    print(report.table())
    report.save("runs/lfw")

Every public name is imported when it is first used, so that the package itself costs nothing.
The contracts of plug-ins are in :mod:`restore_recog.api`.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from restore_recog.evaluation.request import EvalRequest
    from restore_recog.public import Report, evaluate
    from restore_recog.registry import register
    from restore_recog.restoring.restoration import Restoration, RestoredRecognizer

# In a checkout without links, as on Windows, the two folders beside this one are found by its path.
if not os.path.isdir(os.path.join(__path__[0], "restorers")):
    __path__.append(os.path.dirname(__path__[0]))

__version__ = "0.3.0"

__all__ = ["EvalRequest", "Report", "Restoration", "RestoredRecognizer", "evaluate", "register"]

_HOMES = {
    "EvalRequest": "restore_recog.evaluation.request",
    "Report": "restore_recog.public",
    "Restoration": "restore_recog.restoring.restoration",
    "RestoredRecognizer": "restore_recog.restoring.restoration",
    "evaluate": "restore_recog.public",
    "register": "restore_recog.registry",
}


def __getattr__(name: str) -> Any:
    """Import a public name where it is used first."""
    if name not in _HOMES:
        raise AttributeError(f"module 'restore_recog' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
