"""Which weights a restorer used, and on what they were trained, as far as their files tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from restore_recog import weights
from restore_recog.api import Restorer
from restore_recog.errors import DataError
from restore_recog.system import provenance
from restore_recog.system.text import read_json

RECORD = "run.json"
"""What a training writes into its folder beside the weights."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of a restorer's weights.

    Attributes:
        restorer: Its name in the run.
        file, sha256: None where the restorer has no weights.
        shipped: Whether they come with the package.
        preset: Of the training, or None where unknown.
        trained_on: In words; empty where nothing tells it.
        datasets: Names of the data sets of the training, or None where unknown.
        finished: False where the record says that the training was not.
        options: Those of the network, out of the file's header.
    """

    restorer: str
    file: str | None = None
    sha256: str | None = None
    shipped: bool = False
    preset: str | None = None
    trained_on: str = ""
    datasets: tuple[str, ...] | None = None
    finished: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)

    def sentence(self) -> str:
        """Return which weights were used and on what they were trained."""
        if self.file is None:
            return f"'{self.restorer}' has no weights: there is nothing to train."
        told = self.trained_on or "nothing beside the file says on what"
        preset = f", preset '{self.preset}'" if self.preset else ""
        kind = "come with the package" if self.shipped else "were given"
        return (
            f"The weights of '{self.restorer}' {kind}: {self.file} (SHA-256 "
            f"{(self.sha256 or 'unknown')[:12]}{preset}), trained on: {told}."
        )

    def obstacles(self, *wanted: str) -> tuple[str, ...]:
        """Return why figures made with them cannot reproduce a paper's.

        Args:
            wanted: Names of the data sets that the paper trained on.
        """
        if self.file is None:
            return ()
        reasons = []
        if self.shipped:
            reasons.append("these are the compact weights that come with the package")
        elif self.preset is None:
            reasons.append("nothing beside the weights says how they were trained")
        elif not self.preset.startswith("paper"):
            reasons.append(f"the weights are of preset '{self.preset}', not 'paper'")
        if not self.finished:
            reasons.append("their training is not finished")
        if self.datasets is not None and set(self.datasets) != set(wanted):
            theirs = " and ".join(wanted)
            reasons.append(f"trained on {' and '.join(self.datasets)}, the paper on {theirs}")
        elif self.datasets is None and self.preset is not None and not self.shipped:
            reasons.append("on what they were trained is not recorded")
        return tuple(reasons)


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """What is known of a run besides its report.

    Attributes:
        data: Names of the data sets; *rendered* where any of them is.
        origins: Restorer's name in the report -> where its weights come from.
    """

    data: tuple[str, ...]
    rendered: bool
    origins: Mapping[str, Origin]
    recognizer: str


def origin(name: str, restorer: Restorer) -> Origin:
    """Return what the weights file, its training's record or its model card tell."""
    facts = provenance.model(restorer)
    if facts["weights"] is None:
        return Origin(name)
    path = restorer.weights or weights.shipped(restorer.name)
    shipped = path.resolve().parent == weights.SHIPPED.resolve()
    base: dict[str, Any] = {
        "restorer": name,
        "file": path.name,
        "sha256": facts["sha256"],
        "shipped": shipped,
        "options": _options(path),
    }
    record = None if shipped else _record(path)
    if record is not None:
        return Origin(**base, **record)
    card = path.with_suffix(".md")
    told = _card(card.read_text(encoding="utf-8")) if card.is_file() else ""
    return Origin(**base, trained_on=told, preset="compact" if shipped else None)


def _options(path: Path) -> dict[str, Any]:
    """Return the options in the header of a weights file; no tensor is read."""
    try:
        with safe_open(path, framework="pt") as file:
            options = json.loads((file.metadata() or {}).get("config", "{}"))
    except (SafetensorError, OSError, ValueError):
        return {}  # another program's format; the restorer has read it in its own way
    return options if isinstance(options, dict) else {}


def _record(path: Path) -> dict[str, Any] | None:
    """Return what ``run.json`` in the weights' folder, or above ``kept``, tells."""
    folder = path.parent.parent if path.parent.name == "kept" else path.parent
    try:
        record = read_json(folder / RECORD)
        datasets = tuple(dict.fromkeys(str(d).partition(":")[0] for d in record["datasets"]))
        return {
            "preset": str(record["model"]["preset"]),
            "trained_on": (
                f"{record['pictures']:,} images of {' and '.join(datasets)}, as {RECORD} says"
            ),
            "datasets": datasets,
            "finished": bool(record.get("finished", True)) and path.parent == folder,
        }
    except (DataError, ValueError, KeyError, TypeError):
        return None


def _card(text: str) -> str:
    """Return the line ``data`` of a model card's table, or nothing."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 2 and cells[0] == "data":
            return cells[1].rstrip(".") + " (model card)"
    return ""
