"""Contract tests that every plug-in must pass; subclass one in your own test suite.

    from restore_recog.testing import RestorerContract

    class TestMine(RestorerContract):
        def create(self):
            return MyRestorer()

The checks need no data and no GPU, and no weights but what ``create`` loads.
"""

from __future__ import annotations

from restore_recog.testing.data import DatasetContract, ProtocolContract, people
from restore_recog.testing.models import (
    ClassifierContract,
    LandmarkerContract,
    RecognizerContract,
    RestorerContract,
    SegmenterContract,
    face_batch,
)

__all__ = [
    "ClassifierContract",
    "DatasetContract",
    "LandmarkerContract",
    "ProtocolContract",
    "RecognizerContract",
    "RestorerContract",
    "SegmenterContract",
    "face_batch",
    "people",
]
