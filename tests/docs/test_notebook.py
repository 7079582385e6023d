"""The notebook is kept without outputs, and runs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from doc_pages import ROOT
from nbclient import NotebookClient

NOTEBOOK = ROOT / "examples" / "verdict.ipynb"
FEW = {"phantom:10x4": "phantom:4x3", '["fmodr", "telea"]': '["telea"]'}
"""What takes a minute in the notebook -> what a test has the seconds for."""


def test_it_is_kept_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


@pytest.mark.slow
def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    text = NOTEBOOK.read_text(encoding="utf-8")
    for said, run in FEW.items():
        assert said.replace('"', '\\"') in text
        text = text.replace(said.replace('"', '\\"'), run.replace('"', '\\"'))
    notebook = nbformat.reads(text, as_version=4)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    printed = [out for cell in notebook.cells for out in cell.get("outputs", ())]
    assert "restored:telea" in str(printed) and "cannot be told" in str(printed)
    assert sum("image/png" in out.get("data", ()) for out in printed) > 1
