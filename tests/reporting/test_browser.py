"""Pages in Chromium: nothing is cut at either width, in either scheme, and heads sort."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from report_fakes import SHIFTS, sample_report

from restore_recog.reporting import comparison_files, several
from restore_recog.reporting.compare import compare
from restore_recog.reporting.leaderboard import files, rows
from restore_recog.reporting.pages.report import page
from restore_recog.reporting.pairing import Run

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

CUT = """() => {
  document.querySelectorAll("details").forEach(one => { one.open = true; });
  return [...document.querySelectorAll("html, main, .wide, table, pre, .answer, figure")]
    .filter(one => one.scrollWidth > one.clientWidth)
    .map(one => `${one.tagName} ${one.innerText.slice(0, 40)}: ${one.scrollWidth}`);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        # Chromium's own sandbox does not start as root, as which containers run.
        one = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield one
        one.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return name -> page: a report of two restorers, a comparison, recognisers, a leaderboard."""
    before = sample_report()
    after = sample_report(shifts=SHIFTS | {"restored:alpha": 0.40, "restored:beta": 0.60})
    board = rows.leaderboard([rows.Run("fmor", "tiny", one) for one in (before, after)])
    folder = tmp_path_factory.mktemp("pages")
    texts = {
        "report": page(before),
        "compare": comparison_files.page(compare([Run("one", before), Run("two", after)])),
        "several": several.page({"first": before, "second": after}),
        "leaderboard": files.page(board),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_cut(browser: Any, pages: dict[str, Path], width: int, tmp_path: Path) -> None:
    tab = browser.new_page(viewport={"width": width, "height": 800})
    paper = "() => getComputedStyle(document.body).backgroundColor"
    for name, file in pages.items():
        tab.goto(file.as_uri())
        for scheme, colour in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(18, 18, 18)")):
            tab.emulate_media(color_scheme=scheme)
            assert tab.evaluate(CUT) == [], (name, scheme)
            assert tab.evaluate(paper) == colour
            shown = tab.screenshot(path=tmp_path / f"{name}-{scheme}.png")
            assert shown[:4] == b"\x89PNG" and len(shown) > 10_000
    tab.close()


def test_a_click_on_a_head_sorts(browser: Any, pages: dict[str, Path], tmp_path: Path) -> None:
    """On a narrow screen too, where rows are cards; with the keyboard as well."""
    tab = browser.new_page(viewport={"width": 1280, "height": 800})
    tab.goto(pages["leaderboard"].as_uri())
    keys = "() => [...document.querySelectorAll('td[data-head=Gain]')].map(e => e.dataset.key)"
    before = [float(key) for key in tab.evaluate(keys)]
    assert len(before) == 4 and before != sorted(before)
    head = tab.locator("#board button", has_text=re.compile("^Gain$"))
    head.click()
    assert [float(key) for key in tab.evaluate(keys)] == sorted(before)
    assert head.locator("..").get_attribute("aria-sort") == "ascending"
    head.press("Enter")
    assert [float(key) for key in tab.evaluate(keys)] == sorted(before, reverse=True)
    tab.set_viewport_size({"width": 400, "height": 800})
    head.click()
    assert [float(key) for key in tab.evaluate(keys)] == sorted(before)
    shown = tab.screenshot(path=tmp_path / "sorted.png")
    assert shown[:4] == b"\x89PNG" and len(shown) > 10_000
    tab.close()


def test_a_print_is_dark_on_white(browser: Any, pages: dict[str, Path]) -> None:
    """On an upright A4 page, which cuts nothing."""
    tab = browser.new_page(viewport={"width": 794, "height": 1123}, color_scheme="dark")
    tab.emulate_media(media="print", color_scheme="dark")
    for name in ("compare", "report"):
        tab.goto(pages[name].as_uri())
        assert tab.evaluate(CUT) == [], name
    look = """() => [getComputedStyle(document.body).backgroundColor,
        getComputedStyle(document.querySelector("nav")).display,
        getComputedStyle(document.querySelector(".plot > img")).filter]"""
    assert tab.evaluate(look) == ["rgb(255, 255, 255)", "none", "none"]
    assert tab.pdf()[:5] == b"%PDF-"
    tab.close()
