"""Every code block of the README and the guides: Python runs, commands and settings are read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import doc_pages
import pytest
from doc_pages import PAGES, ROOT, blocks

from restore_recog import registry
from restore_recog.cli import main

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LANGUAGES = {"", "sh", "python", "toml", "json"}
FEW = {'data="lfw:PATH"': 'data="phantom:4x4", limit=4, progress=False, cache=None'} | {
    "limit=100": 'limit=4, data="phantom:4x4", segmenter="true", progress=False, cache=None',
    'restorer="fmodr", protocol="fmor"': 'restorer="telea", protocol="fmor", segmenter="true"',
    'preset="compact"': 'preset="tiny"',
    'create("phantom")': 'create("phantom:6x2")',
    "TrainingSettings(ema": "TrainingSettings(images_scale=1e-6, ema",
    "share=0.05": "share=0.4",
}
"""What the guides say -> what a test has the seconds for; each is the same call."""


def pages_with(*languages: str) -> list[str]:
    return [page for page in PAGES if blocks(page, *languages)]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in an empty folder; plug-ins that a page registers are gone afterwards."""
    monkeypatch.chdir(tmp_path)
    kinds = (registry.restorers, registry.recognizers, registry.segmenters)
    before = [set(kind.names()) for kind in kinds]
    with doc_pages.examples_on_the_path(tmp_path):
        yield tmp_path
    for kind, names in zip(kinds, before, strict=True):
        for name in set(kind.names()) - names:
            kind.remove(name)


@pytest.mark.parametrize("page", PAGES)
def test_code_stands_in_fences_with_a_language_that_the_tests_know(page: str) -> None:
    assert {block.language for block in blocks(page)} <= LANGUAGES
    outside = "".join(doc_pages.read(page).split("```")[::2])
    assert "\n    restore-recog " not in outside and "\n    from " not in outside
    for block in blocks(page, ""):
        assert not block.text.startswith(("restore-recog ", "torchrun ", "python "))


def test_few_blocks_are_left_out_and_each_says_why() -> None:
    left = [block for page in PAGES for block in blocks(page) if block.left]
    assert len(left) <= 3 and all(len(block.left.split()) > 2 for block in left)


@pytest.mark.parametrize("page", pages_with("sh"))
def test_every_command_is_one_that_there_is(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its options exist and their values convert, though the files on the page do not exist."""
    monkeypatch.setattr(click.Path, "convert", lambda self, value, param, ctx: Path(value))
    for block in blocks(page, "sh"):
        for step in doc_pages.steps(block):
            for program, arguments in doc_pages.commands(doc_pages.words(step)):
                parse(program, arguments)


def parse(program: str, arguments: list[str]) -> None:
    """Read a command's options and convert their values, without running it."""
    if program == "gpu":
        from gpu.__main__ import main as command
    else:
        command = main
    parents: click.Context | None = None
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        parents = click.Context(command, info_name=program, parent=parents)
        name, *arguments = arguments
        below = command.get_command(parents, name)
        assert below is not None, f"There is no command {name}."
        command, program = below, name
    try:
        command.make_context(program, arguments, parent=parents)
    except click.exceptions.Exit as shown:  # --help
        assert shown.exit_code == 0


@pytest.mark.parametrize("page", [p for p in pages_with("python") if "tutorial" not in p])
def test_python_runs(page: str, here: Path, undrawn: None) -> None:
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks(page, "python"):
        if block.left:
            continue
        first, _, rest = block.text.partition("\n")
        if first.startswith("# ") and first.endswith(".py"):
            (here / first[2:]).write_text(rest, encoding="utf-8")
        text = block.text
        for said, run in FEW.items():
            text = text.replace(said, run)
        exec(compile("\n" * (block.line - 1) + text, page, "exec"), names)


def settings(page: str, language: str, number: int = 0) -> str:
    return blocks(page, language)[number].text


def test_the_settings_of_a_restorer_and_of_a_recogniser_are_read(here: Path) -> None:
    from restore_recog.recognizers.feeding import Feeding, feeding
    from restore_recog.restoring.feeding import checked
    from restore_recog.system.model_settings import beside

    (here / "lama.toml").write_text(settings("docs/outside-restorers.md", "toml"))
    written, _ = beside(here / "lama.onnx")
    assert checked(written, "on the page")["output_range"] == (0.0, 255.0)
    (here / "net.toml").write_text(settings("docs/recognisers.md", "toml"))
    read = feeding(here / "net.onnx", {}, Feeding())
    assert (read.input, read.mean) == ("bgr", (127.0, 127.0, 127.0))


@pytest.mark.parametrize("number", [0, 1])
def test_the_plans_of_trainings_are_read(number: int, here: Path) -> None:
    from gpu.train import read_plan

    (here / "plan.toml").write_text(settings("docs/gpu.md", "toml", number))
    runs = read_plan(here / "plan.toml", here)
    assert [run.name for run in runs] == ["ganmasker", "fmodr"]
    for run in runs:
        parse("restore-recog", ["train-restorer", "-r", run.restorer, "-o", "out", *run.options])


def test_the_anchors_of_a_covering_are_read(here: Path) -> None:
    import numpy as np
    from PIL import Image

    from restore_recog.coverings.template import files

    pixels = np.full((400, 400, 4), 255, np.uint8)
    pixels[:100] = 0  # above the covering nothing is to be seen
    Image.fromarray(pixels).save(here / "mask.png")
    (here / "mask.json").write_text(settings("docs/coverings.md", "json"))
    assert files(str(here / "mask.png")) == (here / "mask.png",)


def test_every_block_of_settings_is_read_by_one_of_these() -> None:
    there = {page: len(blocks(page, "toml", "json")) for page in pages_with("toml", "json")}
    packages = ("docs/add-a-recogniser.md", "docs/add-a-restorer.md")  # tests/plugins installs them
    for page in packages:
        for block in blocks(page, "toml"):
            name = tomllib.loads(block.text)["project"]["name"]
            text = (ROOT / "examples" / name / "pyproject.toml").read_text(encoding="utf-8")
            assert block.text == f"# pyproject.toml\n{text}"
    read = {"docs/outside-restorers.md": 1, "docs/recognisers.md": 1, "docs/gpu.md": 2}
    assert there == read | {"docs/coverings.md": 1} | dict.fromkeys(packages, 1)
