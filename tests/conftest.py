"""What all tests share."""

from __future__ import annotations

import os

# Two workers of two threads each fight for two cores: fifty times slower at worst. These are read
# when torch and NumPy are loaded, and by every process that a test starts.
os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

# Tests start dozens of processes, each of which would compile the whole package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import sys
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from restore_recog.types import FaceSample

WHOLE_RUNS = {"benchmarks", "cli", "docs", "plugins", "published"}
"""Folders of tests for which it does not matter how often a phantom is rendered."""

sys.dont_write_bytecode = False

# The process that only hands the tests out to the workers reads this file too: nothing heavy here.


@pytest.fixture(scope="module")
def tiny_recognizer() -> Iterator[str]:
    """Register a recogniser of coarse colours for one test module and return its name."""
    from tiny_recognizer import TinyRecognizer

    from restore_recog import registry

    registry.recognizers.add(TinyRecognizer.name, TinyRecognizer)
    yield TinyRecognizer.name
    registry.recognizers.remove(TinyRecognizer.name)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Take back what a command's ``--threads`` has set for the whole process."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Do not wait until bytes are on the disk: no test cuts the power."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session")
def rendered() -> dict[tuple[int, str], Any]:
    """Return the phantoms that were rendered before, by size and name."""
    return {}


@pytest.fixture(autouse=True, scope="module")
def _phantoms_are_rendered_once(
    request: pytest.FixtureRequest, rendered: dict[tuple[int, str], Any]
) -> Iterator[None]:
    """Render each phantom once for all tests of whole runs; what it looks like others test."""
    if request.path.relative_to(Path(__file__).parent).parts[0] not in WHOLE_RUNS:
        yield
        return
    from restore_recog.datasets.phantom import Phantom
    from restore_recog.types import FaceImage

    read = Phantom.read

    def remembered(self: Phantom, samples: Sequence[FaceSample]) -> list[Any]:
        names = [(self.size, sample.image_id) for sample in samples]
        new = {n: one for n, one in zip(names, samples, strict=True) if n not in rendered}
        rendered.update(zip(new, read(self, list(new.values())), strict=True))
        found = (rendered[name] for name in names)
        return [deepcopy(one) if isinstance(one, FaceImage) else one for one in found]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Phantom, "read", remembered)
        yield


@pytest.fixture(scope="module")
def undrawn() -> Iterator[None]:
    """Leave plots out of results folders, where a module's tests ask about something else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("restore_recog.reporting.report_figures.images", lambda report: {})
        yield


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the made-up report, written once for all tests, which only read it."""
    from report_fakes import sample_report  # slow to import, and few tests need it

    from restore_recog.reporting.folder import write

    folder = tmp_path_factory.mktemp("sample") / "deep" / "monday"
    write(sample_report(), folder)
    return folder


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Return the folder of real photographs, or skip."""
    folder = os.environ.get("RESTORE_RECOG_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("set RESTORE_RECOG_DATA to the folder with lfw/ and rmfrd/")
    return Path(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine cannot run, saying why."""
    wanting = [item for item in items if item.get_closest_marker("gpu")]
    if not wanting:
        return
    import torch

    if not torch.cuda.is_available():
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
