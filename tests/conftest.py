"""What all tests share."""

from __future__ import annotations

import os

# Two workers of two threads each fight for two cores: fifty times slower at worst. These are read
# when torch and NumPy are loaded, and by every process that a test starts.
os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from restore_recog import registry
from restore_recog.api import Recognizer


class TinyRecognizer(Recognizer):
    """Compares coarse images; needs no weights and no time."""

    name = "tiny"
    image_size = (32, 32)

    def embed(self, images: Tensor) -> Tensor:
        """Return (N, 192) templates: 8 x 8 colours, their mean taken away."""
        coarse = F.adaptive_avg_pool2d(images, 8).flatten(1)
        return F.normalize(coarse - coarse.mean(1, keepdim=True) + 1e-6)


@pytest.fixture(scope="module")
def tiny_recognizer() -> Iterator[str]:
    """Register :class:`TinyRecognizer` for one test module and return its name."""
    registry.recognizers.add(TinyRecognizer.name, TinyRecognizer)
    yield TinyRecognizer.name
    registry.recognizers.remove(TinyRecognizer.name)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Take back what a command's ``--threads`` has set for the whole process."""
    yield
    torch.set_num_threads(1)


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
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
