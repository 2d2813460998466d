"""`python -m tests.docstring_shapes`: how many docstrings of tensor functions give shapes, and which do not.

A tensor function is a public function, method or constructor of `sdd/` with a tensor or an array in its signature,
also behind an alias such as `Masks`. Its docstring gives shapes if it has one in brackets, such as [N] or
[B, classes], or says "scalar"; a constructor's is that of its class.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.small import PROJECT

TENSORS = {"Tensor", "NDArray", "ndarray", "ArrayLike", "Parameter"}
_DIMENSION = r"(?:\.\.\.|…|[\w ×·/+−-]+)"
_SHAPE = re.compile(rf"\[(?=[^\]]*[A-Za-z…]|\.\.\.){_DIMENSION}(?:, {_DIMENSION})*\]|\bscalars?\b")


@dataclass(frozen=True)
class TensorFunction:
    """A function with tensors in its signature.

    Attributes:
        path: Its import path.
        docstring: What it says of itself.
    """

    path: str
    docstring: str

    @property
    def gives_shapes(self) -> bool:
        """Whether its docstring does."""
        return _SHAPE.search(self.docstring) is not None


def tensor_functions(package: Path = PROJECT / "sdd") -> list[TensorFunction]:
    """Return them all, module by module."""
    trees = {path: ast.parse(path.read_text()) for path in sorted(package.rglob("*.py"))}
    aliases = _aliases(list(trees.values()))
    found = []
    for path, tree in trees.items():
        module = ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")
        found += [TensorFunction(f"{module}.{name}", text) for name, text in _functions(tree, aliases)]
    return found


def fraction_with_shapes(functions: list[TensorFunction]) -> float:
    """Return which fraction gives shapes."""
    return sum(function.gives_shapes for function in functions) / len(functions)


def _names(node: ast.AST) -> set[str]:
    """Return all names in an annotation, those in strings too."""
    text = ast.unparse(node)
    return set(re.findall(r"[A-Za-z_]\w*", text))


def _aliases(trees: list[ast.Module]) -> set[str]:
    """Return the names that stand for tensors or for what holds them, until there are no more."""
    assigned = {
        node.targets[0].id: _names(node.value)
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, (ast.Subscript, ast.Attribute, ast.BinOp))
        and node.targets[0].id[0].isupper()
        and not node.targets[0].id.isupper()
    }
    known = set(TENSORS)
    while more := {name for name, parts in assigned.items() if parts & known} - known:
        known |= more
    return known


def _functions(tree: ast.Module, aliases: set[str]) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            if not node.name.startswith("_") and _has_tensors(node, aliases):
                yield node.name, ast.get_docstring(node) or ""
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in node.body:
                if not isinstance(method, ast.FunctionDef) or not _has_tensors(method, aliases):
                    continue
                if method.name == "__init__":
                    yield node.name, ast.get_docstring(node) or ""
                elif not method.name.startswith("_") or method.name == "__call__":
                    yield f"{node.name}.{method.name}", ast.get_docstring(method) or ""


def _has_tensors(function: ast.FunctionDef, aliases: set[str]) -> bool:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    annotations = [one.annotation for one in every if one is not None and one.annotation is not None]
    if function.returns is not None:
        annotations.append(function.returns)
    return any(_names(annotation) & aliases for annotation in annotations)


if __name__ == "__main__":
    functions = tensor_functions()
    lacking = [function.path for function in functions if not function.gives_shapes]
    sys.stdout.writelines(f"{path}\n" for path in lacking)
    given = len(functions) - len(lacking)
    sys.stdout.write(f"{given} of {len(functions)} give shapes ({fraction_with_shapes(functions):.0%})\n")
