"""Every plug-in that comes with the package says what a paper cites for it, or that nothing is."""

from __future__ import annotations

import re

from restore_recog.registry import GROUPS
from restore_recog.reporting.paper import _entries

KINDS = ("restorers", "recognizers", "protocols", "datasets")

WITHOUT = {
    *("restorer-onnx", "restorer-torchscript", "restorer-diffusers"),  # whatever the file holds
    *("recognizer-gpca", "dataset-insightface"),
}
"""Without one paper: a run that uses one says so."""


def test_every_plug_in_is_named() -> None:
    known = _entries()
    for group in KINDS:
        for name in GROUPS[group].names():
            key = f"{group[:-1]}-{name}"
            assert (key in known) != (key in WITHOUT), key


def test_entries_are_whole() -> None:
    entries = {entry for own in _entries().values() for entry in own}
    keys = [re.match(r"@\w+\{([\w-]+),\n", entry)[1] for entry in entries]  # type: ignore[index]
    assert len(set(keys)) == len(keys)
    for entry in entries:
        assert entry.count("{") == entry.count("}") and entry.endswith("\n}\n")
        assert re.search(r"^  title = ", entry, re.M) and re.search(
            r"^  year = \{\d{4}\}", entry, re.M
        )
