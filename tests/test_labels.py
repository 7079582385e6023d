"""Words of labels and their codes."""

from __future__ import annotations

import pytest

from restore_recog.datasets import ar, ferplus, rafdb, utkface
from restore_recog.labels import EXPRESSIONS, KINDS, UNKNOWN, code, codes


@pytest.mark.parametrize("kind", KINDS)
def test_a_code_is_the_place_of_its_word(kind: str) -> None:
    assert [code(kind, word) for word in KINDS[kind]] == list(range(len(KINDS[kind])))


def test_the_order_is_that_of_rafdb() -> None:
    """Weights depend on it."""
    assert EXPRESSIONS == (
        "surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral",
    )  # fmt: skip
    assert KINDS["gender"] == ("female", "male")


@pytest.mark.parametrize("word", ["", "contempt", "Happiness", "male"])
def test_other_words_are_unknown(word: str) -> None:
    assert code("expression", word) == UNKNOWN == -1


def test_codes_of_images() -> None:
    known = codes([{"expression": "fear"}, {"gender": "male", "age": "7"}, {}])
    assert {kind: values.tolist() for kind, values in known.items()} == {
        "expression": [1, -1, -1],
        "gender": [-1, 1, -1],
    }
    assert all(values.dtype == "int64" for values in known.values())


def test_data_sets_turn_what_their_files_say_into_these_words() -> None:
    assert [code("expression", rafdb.EXPRESSIONS[str(n + 1)]) for n in range(7)] == list(range(7))
    assert sorted(code("expression", word) for word in ferplus.COLUMNS) == [*[-1] * 3, *range(7)]
    assert [code("gender", utkface._GENDERS[digit]) for digit in "10"] == [0, 1]
    assert [code("expression", word) for word in ar._EXPRESSIONS.values()] == [3, 5, UNKNOWN]
