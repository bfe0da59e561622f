"""Functions and classes of the package in Japanese dress, for the scripts that readers take home."""

from __future__ import annotations

import ast
import inspect
import io
import tokenize
from collections.abc import Collection, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_Definition = ast.FunctionDef | ast.ClassDef


def source(function: Any, said: Mapping[str, str]) -> str:
    """Write a function.

    Annotations and comments are left out, and ``said`` gives the docstring of each name, none if it has
    none; every operation stands as it is run here.
    """
    return _written(inspect.getsource(function), said)


def module_source(module: str, said: Mapping[str, str], names: Collection[str] | None = None) -> str:
    """Write functions and classes of a module, all or those of ``names``; see ``source``.

    The module is read and not imported: it may need torch, which the server does without.
    """
    found = find_spec(module)
    assert found is not None
    assert found.origin is not None
    return _written(Path(found.origin).read_text(encoding="utf-8"), said, names)


def _written(text: str, said: Mapping[str, str], names: Collection[str] | None = None) -> str:
    tree = ast.parse(text)
    kept = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and (names is None or node.name in names)
    ]
    lines = _without_comments(text).splitlines()
    return "\n\n\n".join(_dressed(node, lines, said) for node in kept)


def _without_comments(text: str) -> str:
    """Blank every comment, leaving the numbers of the lines as they are."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(lines)


def _dressed(node: _Definition, lines: list[str], said: Mapping[str, str]) -> str:
    """Write one definition: its head without annotations, its docstring, its body line by line."""
    margin = " " * node.col_offset
    inner = margin + "    "
    told = [f'{inner}"""{said[node.name]}"""'] if node.name in said else []
    has_docstring = ast.get_docstring(node) is not None
    body = node.body[1:] if has_docstring else node.body
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        members = [_dressed(member, lines, said) for member in body if isinstance(member, _Definition)]
        return "\n\n".join(["\n".join([f"{margin}class {node.name}({bases}):", *told]), *members])
    for argument in [*node.args.args, *node.args.kwonlyargs]:
        argument.annotation = None
    head = f"{margin}def {node.name}({ast.unparse(node.args)}):"
    first, last = body[0].lineno, node.end_lineno or 0
    written = _without_annotations(node, lines)[first - 1 : last]
    first_blank = [line for i, line in enumerate(written) if line.strip() or (i and written[i - 1].strip())]
    return "\n".join([_broken(head, inner), *told, *first_blank])


def _without_annotations(node: ast.FunctionDef, lines: list[str]) -> list[str]:
    """Turn ``name: Type = value`` into ``name = value``."""
    lines = list(lines)
    for inside in ast.walk(node):
        if isinstance(inside, ast.AnnAssign) and inside.value is not None:
            line = lines[inside.lineno - 1]
            start = inside.target.end_col_offset or 0
            lines[inside.lineno - 1] = line[:start] + " =" + line[line.index("=", start) + 1 :]
    return lines


def _broken(head: str, inner: str) -> str:
    """Break a long head after its opening bracket, an argument a line."""
    if len(head) <= 100:
        return head
    start, arguments = head[:-2].split("(", 1)
    listed = "".join(f"{inner}{argument},\n" for argument in arguments.split(", "))
    return f"{start}(\n{listed}{inner[4:]}):"
