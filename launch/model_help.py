"""What `--preset` and `--set` can be, read from the source of a model: importing it takes seconds.

A comment at the end of a field of `Config`, or of an entry of `PRESETS`, is its description.
"""

import ast
import dataclasses
import importlib.util
import io
import pathlib
import textwrap
import tokenize
from collections.abc import Iterable
from typing import Any

from tfrecords.errors import check_known

_COLUMN, _WIDTH = 30, 100
_NOT_MODELS = ("__init__", "spec")
_NUMBERS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}
_PLURALS = {"int": "whole numbers", "float": "numbers", "str": "words"}


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of a model's configuration: its type in words, its default, what it is for."""

    kind: str
    default: Any
    meaning: str

    @property
    def text(self) -> str:
        """The default as `--set` takes it."""
        if isinstance(self.default, tuple):
            return ",".join(map(str, self.default))
        return "none" if self.default is None else str(self.default)


def describe(model: str) -> str:
    """Returns the presets and fields of a model as aligned text."""
    module = _module(model)
    lines = [f"Presets of {model}, for --preset:"]
    lines += [_line(name, meaning) for name, meaning in presets(module).items()]
    lines += ["", "Its fields, for --set=NAME=VALUE (which may be repeated), as base has them:"]
    lines += [
        _line(f"{name}={field.text}", f"{field.meaning.rstrip('.')} ({field.kind})")
        for name, field in fields(module, "Config").items()
    ]
    return "\n".join(lines)


def check(model: str, preset: str, assignments: Iterable[str]) -> None:
    """Refuses a model, a preset or a field that there is not, as the model would.

    Args:
        model: Its name.
        preset: Name of a preset.
        assignments: Texts `name=value`; values are for the model to judge.

    Raises:
        InputError: There is no such thing; lists those that there are.
    """
    module = _module(model)
    check_known(f"{model} has no preset", preset, presets(module), "Presets")
    names = fields(module, "Config")
    for assignment in assignments:
        name = assignment.partition("=")[0].strip()
        check_known("Config has no field", name, names, "Fields")


def presets(module: str) -> dict[str, str]:
    """Returns the names of a model's presets and what is said of them."""
    source = _Source(module)
    entries = source.value("PRESETS")
    return {
        ast.literal_eval(key): source.comments.get(value.end_lineno, "")
        for key, value in zip(entries.keys, entries.values, strict=True)
    }


def fields(module: str, name: str) -> dict[str, Field]:
    """Returns the fields of a dataclass, those it inherits last."""
    source, found, inherited = _Source(module), {}, {}
    node = source.definition(name)
    for base in node.bases:
        inherited |= fields(source.modules[base.id], base.id)
    for item in node.body:
        if isinstance(item, ast.AnnAssign):
            field_name, comment = item.target.id, source.comments.get(item.end_lineno)
            if comment is None and field_name in inherited:
                comment = inherited[field_name].meaning
            kind, default = _kind(source.resolved(item.annotation)), ast.literal_eval(item.value)
            found[field_name] = Field(kind, default, comment or "")
    return found | {name: field for name, field in inherited.items() if name not in found}


class _Source:
    """The text of a module: its top-level definitions, imports and comments."""

    def __init__(self, module: str):
        text = pathlib.Path(importlib.util.find_spec(module).origin).read_text()
        self._body = ast.parse(text).body
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        # By the line on which they are.
        self.comments = {
            token.start[0]: token.string.lstrip("# ")
            for token in tokens
            if token.type == tokenize.COMMENT
        }
        imports = [node for node in self._body if isinstance(node, ast.ImportFrom)]
        self.modules = {alias.name: node.module for node in imports for alias in node.names}

    def definition(self, name: str) -> ast.ClassDef:
        """Returns the class of this name."""
        classes = (node for node in self._body if isinstance(node, ast.ClassDef))
        return next(node for node in classes if node.name == name)

    def value(self, name: str) -> ast.expr:
        """Returns what is assigned to this name first."""
        for node in self._body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", 0)]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                return node.value
        raise LookupError(f"no {name} at the top level")

    def resolved(self, annotation: ast.expr) -> ast.expr:
        """Returns the type that a name stands for, where another module defines it."""
        if isinstance(annotation, ast.Name) and annotation.id in self.modules:
            return _Source(self.modules[annotation.id]).value(annotation.id)
        return annotation


def _kind(annotation: ast.expr) -> str:
    match annotation:
        case ast.Subscript(value=ast.Name(id="Literal"), slice=choices):
            return "one of " + ", ".join(ast.literal_eval(choices))
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[kind, _])):
            return f"{_PLURALS[kind.id]} with commas between them"
        case ast.BinOp(left=left, right=right):
            return f"{_kind(left)} or {_kind(right)}"
        case ast.Constant(value=None):
            return "none"
        case _:
            return _NUMBERS[annotation.id]


def _line(name: str, text: str) -> str:
    """Returns the two in columns; a long name has a line of its own."""
    indent = " " * _COLUMN
    wrapped = textwrap.fill(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)
    start = f"  {name}"
    return (
        f"{start:{_COLUMN}}{wrapped.lstrip()}".rstrip()
        if len(start) < _COLUMN
        else f"{start}\n{wrapped}"
    )


def _module(model: str) -> str:
    folder = pathlib.Path(importlib.util.find_spec("genokeras.models").origin).parent
    models = sorted(path.stem for path in folder.glob("*.py") if path.stem not in _NOT_MODELS)
    check_known("no model", model, models, "Models")
    return f"genokeras.models.{model}"
