"""The tutorials, run as they stand; what they print is what the pages show, but for numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import doc_pages
import doc_shell
import pytest
from doc_pages import Block, blocks

from restore_recog import registry

LONG = "docs/tutorial.md"
"""Its output is of 40 people, whom a test has not the time for."""

FEW = {
    LONG: {"fmor-40": "fmor-3", "--restorer fmodr ": "--restorer telea "},
    "docs/tutorials/restorer.md": {"phantom:8x3": "phantom:4x3", "images=96": "images=24"},
    "docs/tutorials/onnx-recogniser.md": {"phantom:8x3": "phantom:4x3"},
    "docs/tutorials/paper-table.md": {"phantom:8x3": "phantom:4x3"},
    "docs/tutorials/night.md": {"phantom:8x3": "phantom:4x3"},
}
"""What takes minutes on a page -> what a test has the seconds for."""

LEFT = "lfw:PATH"
"""Commands with data that a reader has and the tests have not; test_pages reads their options."""

PAGES = [page for page in doc_pages.PAGES if "tutorial" in page and blocks(page, "sh")]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in an empty folder with the U-Net as if it were installed."""
    monkeypatch.chdir(tmp_path)
    with doc_pages.examples_on_the_path(tmp_path):
        registry.restorers.add("unet", import_module("restore_recog_unet").UNet)
        yield tmp_path
        registry.restorers.remove("unet")


def test_all_of_them_are_in_the_list() -> None:
    index = doc_pages.read("docs/tutorials/index.md")
    for page in PAGES:
        link = page.removeprefix("docs/tutorials/").replace("docs/", "../")
        assert f"]({link})" in index
    assert len(PAGES) == 6


SLOW = "docs/tutorials/two-machines.md"


@pytest.mark.parametrize(
    "page", [pytest.param(p, marks=pytest.mark.slow if p == SLOW else ()) for p in PAGES]
)
def test_it_runs_and_prints_what_it_shows(page: str, here: Path, undrawn: None) -> None:
    printed, everything = "", ""
    for block in blocks(page):
        if block.left or LEFT in block.text:
            continue
        if block.language == "sh":
            printed = doc_shell.run(smaller(block, page))
            everything += printed
        elif block.language == "python":
            exec(block.text, {})
        elif page != LONG and not block.text.startswith("photos/"):
            assert_shown(block, printed)
    if page == SLOW:
        assert_two_have_trained(everything)


def assert_two_have_trained(printed: str) -> None:
    """``torchrun`` has: one of the two speaks, and every loss of the model is on record."""
    assert printed.startswith("Finished: runs/two/weights.safetensors\n")
    assert printed.count("Finished") == 1
    record = json.loads(Path("runs/two/run.json").read_text())
    assert (record["processes"], record["finished"]) == (2, True)
    assert set(record["losses"]) == {"D", "C1", "C2", "C3", "R1", "R2", "R3", "R4"}


def smaller(block: Block, page: str) -> Block:
    text = block.text
    for said, run in FEW.get(page, {}).items():
        assert said in doc_pages.read(page)
        text = text.replace(said, run)
    return Block(block.line, block.language, text, block.left)


def assert_shown(block: Block, printed: str) -> None:
    """What stands between two lines of ``...`` was printed in these words, in this order."""
    place = 0
    for shown in map(words_only, re.split(r"^\.\.\.$", block.text, flags=re.M)):
        place = words_only(printed).find(shown, place)
        assert place >= 0, f"line {block.line}: {shown}"


def words_only(text: str) -> str:
    """Return a text with every number as 0, and any white space as one blank."""
    return " ".join(re.sub(r"[+-]?\d[\d.,]*", "0", text).split())
