"""How the code is laid out: what imports what."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ('yolact_core', 'yolact_ros')
IMPORTERS = ('import_module', '__import__', 'find_spec')
ROS = ('rclpy', 'yolact_ros')


@cache
def modules() -> dict[str, ast.Module]:
    """Return the syntax tree of each module of both packages, by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob('*.py')):
            *folders, name = path.relative_to(ROOT).with_suffix('').parts
            dotted = '.'.join(folders if name == '__init__' else [*folders, name])
            found[dotted] = ast.parse(path.read_text())
    return found


def imports(tree: ast.Module) -> Iterator[str]:
    """Return all that a module may import: for types, within functions and by name, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, 'relative imports'
            yield from (f'{node.module}.{alias.name}' for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Call):
            callee = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
            name = callee.id if isinstance(callee, ast.Name) else callee
            texts = [
                argument.value for argument in node.args if isinstance(argument, ast.Constant)
            ]
            if name in IMPORTERS:
                yield from (text for text in texts if isinstance(text, str))


def test_the_core_knows_no_ros():
    """Not even in a string, except ``rclpy`` where another process is asked for it."""
    for name, tree in modules().items():
        if name.startswith('yolact_core'):
            assert not [found for found in imports(tree) if found.split('.')[0] in ROS], name
            texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
            assert not [text for text in texts if 'yolact_ros' in str(text)], name
