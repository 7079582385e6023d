"""The documentation site is built, with warnings as errors."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="needs the extra 'docs'"),
]


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "-d", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for guide in (ROOT / "docs").glob("**/*.md"):
        place = guide.relative_to(ROOT / "docs").with_suffix("")
        assert (
            tmp_path / (place.parent if place.name == "index" else place) / "index.html"
        ).is_file()
    for card in (ROOT / "restore_recog" / "weights").glob("*.md"):
        assert (tmp_path / "weights" / card.stem / "index.html").is_file()
    api = (tmp_path / "api" / "index.html").read_text(encoding="utf-8")
    assert 'id="restore_recog.public.evaluate"' in api and ":func:" not in api
