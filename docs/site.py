"""What turns the repository's Markdown into a site: a hook of MkDocs and an extension of Griffe.

Files link to each other where they lie. The site has those outside ``docs/`` too, at places of its
own, and every link is turned to where its target went; one without a target stops the build.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]

API = (
    *("restore_recog.public", "restore_recog.registry", "restore_recog.types"),
    *("restore_recog.api.models", "restore_recog.api.plugins", "restore_recog.api.training"),
    *("restore_recog.testing", "restore_recog.errors", "restore_recog.evaluation.request"),
    *("restore_recog.metrics.verification", "restore_recog.metrics.identification"),
    *("restore_recog.metrics.uncertainty", "restore_recog.metrics.quality"),
)
"""Modules whose docstrings the page of the API shows."""

_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?(?=\))")
_ROLE = re.compile(r":(?:\w+:)?(?:mod|class|func|meth|attr|data|exc|obj):`[~!.]*([^`<]+)`")


def _moved() -> dict[str, str]:
    """Return where each file of the repository lies in the site, both as paths from the top."""
    places = {"README.md": "index.md", "CHANGELOG.md": "CHANGELOG.md"}
    places["CONTRIBUTING.md"] = "CONTRIBUTING.md"
    for file in sorted(ROOT.glob("restorers/*/README.md")):
        places[f"restorers/{file.parent.name}/README.md"] = f"restorers/{file.parent.name}.md"
    for file in sorted(ROOT.glob("restore_recog/weights/*.md")):
        places[f"restore_recog/weights/{file.name}"] = f"weights/{file.name}"
    for file in sorted((*ROOT.glob("gpu/*.toml"), *ROOT.glob("examples/*/*.py"), ROOT / "LICENSE")):
        place = file.relative_to(ROOT).as_posix()
        places[place] = f"{place}.txt" if file.suffix != ".toml" else place
    places["CITATION.cff"] = "CITATION.cff"
    places["examples/verdict.ipynb"] = "examples/verdict.ipynb"
    return places


_MOVED = _moved()
_FOLDERS = {"restore_recog/weights": "weights/index.md", "restorers": "restorers/index.md"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what lies outside ``docs/``, the lists of cards and methods, and the page of the API."""
    for source, place in _MOVED.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / source)))
    for kind, title, words in (
        ("weights", "Model cards", "What each shipped weights file was trained on, and its worth."),
        (
            "restorers",
            "Methods",
            "Each restorer that is trained: its paper, its parts, departures.",
        ),
    ):
        pages = [place for place in _MOVED.values() if place.startswith(f"{kind}/")]
        rows = [f"* [{Path(page).stem}]({Path(page).name})" for page in pages]
        text = "\n".join([f"# {title}", "", words, "", *rows, ""])
        files.append(File.generated(config, f"{kind}/index.md", content=text))
    shown = "\n\n".join(f"::: {module}" for module in API)
    files.append(File.generated(config, "api.md", content=f"# Python\n\n{shown}\n"))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page with its links turned to the site's places."""
    place = page.file.src_uri
    source = next((s for s, moved in _MOVED.items() if moved == place), f"docs/{place}")
    if place == "api.md" or place in _FOLDERS.values():
        return markdown

    def turned(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link[1]))
        return posixpath.relpath(_in_site(target, source), posixpath.dirname(place) or ".") + (
            link[2] or ""
        )

    return "".join(
        part if number % 2 else _LINK.sub(turned, part)
        for number, part in enumerate(re.split(r"(^```.*?^```$)", markdown, flags=re.S | re.M))
    )


def _in_site(target: str, source: str) -> str:
    """Return where a file or folder of the repository lies in the site."""
    if target in _MOVED:
        return _MOVED[target]
    if target in _FOLDERS:
        return _FOLDERS[target]
    if target.startswith("docs/") and (ROOT / target).is_file():
        return target.removeprefix("docs/")
    inside = [moved for path, moved in _MOVED.items() if path.startswith(f"{target}/")]
    if not inside:
        raise PluginError(f"{source} links to '{target}', which the site does not have.")
    return min(inside)


class PlainRoles(griffe.Extension):
    """Shows what docstrings refer to as code, since the site knows no Sphinx roles."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change one object's docstring."""
        if obj.docstring is not None:
            obj.docstring.value = _ROLE.sub(r"`\1`", obj.docstring.value)
