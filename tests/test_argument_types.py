from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Optional, Union

import numpy as np
import pytest
from torch import Tensor

from sdd.argument_types import fits, in_words


@pytest.mark.parametrize(
    ("annotation", "fitting", "others"),
    [
        (int, [0, -3, np.int64(2)], [np.float32(1), 1.0, True, "1", None, [1]]),
        (float, [0.5, 1, np.float32(1), np.int32(1)], [True, "0.5", None]),
        (bool, [True, False], [0, "true", None]),
        (str, ["a"], [1, None, ["a"]]),
        (None, [None], [0, ""]),
        (Path, ["a", Path("a")], [1]),
        (Optional[int], [None, 2], ["2", 2.5]),  # noqa: UP045
        (Union[int, str], [2, "2"], [2.5]),  # noqa: UP007
        (float | None, [None, 2], ["2"]),
        (Literal["a", 1], ["a", 1], ["b", True, 2]),
        (list[int], [[], [1, 2], (1,)], [1, [1.5], "12", {1: 2}]),
        (Sequence[str], [["a"]], ["a", [1]]),
        (list, [[1, "a"]], ["a", 3]),
        (tuple[int, float], [[1, 2.5], np.array([1, 2])], [[1], [1, 2, 3], [2.5, 1]]),
        (tuple[int, ...], [[1, 2, 3], []], [[1.5]]),
        (dict[str, float], [{"a": 1}], [{"a": "b"}, [1]]),
        (Mapping, [{"a": "b"}], ["a"]),
        (Any, [None, 1, "a"], []),
        (Tensor, [[1.0]], []),
        (Callable[[int], int], ["math.sqrt"], []),
        (Tensor | None, [None, [1.0]], []),
    ],
    ids=str,
)
def test_a_plain_value_fits_or_does_not(annotation, fitting, others):
    assert [value for value in fitting if not fits(value, annotation)] == []
    assert [value for value in others if fits(value, annotation)] == []


def test_an_annotation_in_words():
    assert in_words(int) == "int"
    assert in_words(float | None) == "float | None"
    assert in_words(Literal["a", "b"]) == "Literal['a', 'b']"
