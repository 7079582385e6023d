r"""From the name of a file to an id, a label and a cell of a table, and back.

Whatever a file system can hold is a name: any bytes, any Unicode form. A *label* is what the
project compares, prints and writes of it: Unicode in one form (NFC) without characters that cannot
be printed. These are written as escapes: a byte that is no UTF-8 as ``\xff``, a control character
or a lone surrogate as ``\u001b``, and a backslash before what looks like one as ``\u005c``, so
that :func:`unescaped` gives back what was there. Ordinary names are their own labels.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_UNPRINTABLE = (
    "\x00-\x1f\x7f-\x9f"  # control characters, which may steer a terminal
    "\u2028\u2029"  # separators of lines and paragraphs
    "\u202a-\u202e\u2066-\u2069"  # what turns the direction of writing for all that follows
    "\ud800-\udfff"  # bytes that are no UTF-8, as Python holds them, and lone surrogates
)
_ESCAPE = r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4})"
_TO_ESCAPE = re.compile(rf"[{_UNPRINTABLE}]|\\(?=x[0-9a-f]{{2}}|u[0-9a-f]{{4}})")
_ESCAPED = re.compile(_ESCAPE)
_UNPRINTED = re.compile(f"[{_UNPRINTABLE}]")

_FORMULA = re.compile(r"'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
"""What a spreadsheet takes for the start of a formula, full-width signs included; and the same
behind apostrophes, so that the one that :func:`cell` puts before it can be told from others."""
_FIRST = frozenset("'=+-@")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|nan)|-", re.ASCII)
_BLANKS = re.compile(r"[\s_\-]+")


def spelt(name: str) -> str:
    """Return a name from the file system in the one spelling (Unicode NFC) that is compared."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def label(name: str) -> str:
    """Return a name as it is compared, printed and written; :func:`unescaped` goes back."""
    return _TO_ESCAPE.sub(_escape, spelt(name))


def written(text: str) -> str:
    """Return a name out of a list as it is compared: labels as they are, names as their labels."""
    return printable(spelt(text), keep="")


def identifier(path: Path, root: Path) -> str:
    """Return a file's image_id: its place below the root, spelt alike on every machine."""
    return label(path.relative_to(root).as_posix())


def unescaped(text: str) -> str:
    """Return the name whose :func:`label` a text is, in NFC."""
    return _ESCAPED.sub(_unescape, text)


def printable(text: object, keep: str = "\n\t") -> str:
    """Return a sentence with the names in it escaped, but for some characters such as line ends."""
    return _UNPRINTED.sub(lambda match: match[0] if match[0] in keep else _escape(match), str(text))


def brief(text: str, most: int = 60) -> str:
    """Return a text for a sentence: of one that is very long, how it begins."""
    shown = label(text)
    return shown if len(shown) <= most else f"{shown[:most]}..."


def unmarked(text: str) -> str:
    r"""Return a label for a plot: matplotlib is not to read ``$...$`` as a formula."""
    return label(text).replace("$", r"\$")


def folded(name: str) -> str:
    """Return what names have in common that differ in case, form, blanks, ``_`` and ``-`` only."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return _BLANKS.sub(" ", plain).strip()


def cell(value: Any) -> Any:
    """Return a value for a CSV file: no text that a spreadsheet would run or a terminal obey.

    A text that begins like a formula gets an apostrophe before it, which :func:`from_cell` takes
    away again. Numbers, as such or as text, stay as they are.
    """
    if not isinstance(value, str):
        return value
    if value.isascii() and value.isprintable() and value[:1] not in _FIRST:
        return value  # nearly all
    if not (value.isascii() and value.isprintable()):
        value = printable(value, "\n\t\r")
    return f"'{value}" if _FORMULA.match(value) and not _NUMBER.fullmatch(value) else value


def from_cell(text: str) -> str:
    """Return the text that :func:`cell` was given."""
    return text[1:] if text[:1] == "'" and _FORMULA.match(text) else text


def listed(folder: Path, name: str) -> str:
    r"""Return what a list in a folder names as the file system spells it, with forward slashes.

    A backslash is a slash, as Windows writes it, unless a file has the name as it stands. Where no
    file has it, the other Unicode forms and the escapes of :func:`label` are tried.
    """
    slashed = name.replace("\\", "/")
    if name.isascii() and "\\" not in name:
        return name
    forms = (unicodedata.normalize(form, slashed) for form in ("NFC", "NFD"))
    written = (name, slashed, *forms, unescaped(name))
    return next((one for one in written if os.path.lexists(folder / one)), slashed)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def _unescape(match: re.Match[str]) -> str:
    code = int(match[0][2:], 16)
    return chr(0xDC00 + code) if match[0][1] == "x" else chr(code)


def numbered(names: Iterable[str]) -> list[str]:
    """Return names, the second one that is the same with ``-2`` behind it, and so on."""
    seen: Counter[str] = Counter()
    unlike: list[str] = []
    for name in names:
        seen[name] += 1
        other = name if seen[name] == 1 else f"{name}-{seen[name]}"
        while other in unlike:  # a name that was given looks like one of these
            seen[name] += 1
            other = f"{name}-{seen[name]}"
        unlike.append(other)
    return unlike
