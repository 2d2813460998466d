"""Docstrings of tensor functions give shapes; `python -m tests.docstring_shapes` names those that do not."""

import textwrap

from tests.docstring_shapes import TensorFunction, fraction_with_shapes, tensor_functions

AT_LEAST = 0.7


def test_most_tensor_functions_give_shapes():
    assert fraction_with_shapes(tensor_functions()) >= AT_LEAST


def test_what_counts_as_a_shape():
    for text in ("Logits [B, classes].", "Of shape [N].", "Return a scalar.", "Inputs [B, ...].", "[B, C × H × W]"):
        assert TensorFunction("f", text).gives_shapes, text
    for text in ("A fraction in [0, 1].", "Names such as [fc.weight].", "Return the loss.", "At least [3]."):
        assert not TensorFunction("f", text).gives_shapes, text


def test_which_functions_have_tensors(tmp_path):
    (tmp_path / "sdd").mkdir()
    (tmp_path / "sdd" / "some.py").write_text(
        textwrap.dedent('''
            Masks = dict[str, Tensor]
            def by_alias(masks: Masks) -> int:
                """Count [N]."""
            def by_return(x: int) -> "Tensor | None": ...
            def of_numbers(x: int) -> float: ...
            def _private(x: Tensor) -> None: ...
            class Loader:
                """Images [N, C]."""
                def __init__(self, images: Tensor) -> None: ...
                def take(self, index: Tensor) -> None: ...
        ''')
    )
    found = {function.path: function.gives_shapes for function in tensor_functions(tmp_path / "sdd")}
    assert found == {
        "sdd.some.by_alias": True,
        "sdd.some.by_return": False,
        "sdd.some.Loader": True,
        "sdd.some.Loader.take": False,
    }
