"""How the code is laid out: imports, sizes of rooms, and how arguments are described."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ('yolact_core', 'yolact_ros')
LARGEST_ROOM = 15  # Python files
LARGEST_ROOT = 12
IMPORTERS = ('import_module', '__import__', 'find_spec')
ROS = ('rclpy', 'yolact_ros')
FRAGMENT = re.compile(  # "Of the network." wants to be "Width of the network."
    r'(Of|That|Whose|Who|Its|Their|From|With|By|In|As|Is|Are|Has|Says|Tells|Shows|Gives|Takes)\b'
)
ARGUMENT = re.compile(r' {4}(\w+): (.*)')


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


def import_graph() -> dict[str, set[str]]:
    """Return the modules of both packages that each one imports."""
    names = modules()
    graph = {}
    for importer, tree in names.items():
        found = {
            name if name in names else name.rpartition('.')[0]  # a module, or a name in one
            for name in imports(tree)
        }
        graph[importer] = (found & names.keys()) - {importer}
    return graph


def assert_no_circle(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail('a circle of imports: ' + ' <- '.join(error.args[1]))


def test_no_modules_import_each_other_in_a_circle():
    assert_no_circle(import_graph())


def test_rooms_build_on_each_other():
    """``yolact_core`` itself, which offers the public names, is above all of its rooms."""
    graph: dict[str, set[str]] = {}
    for importer, imported in import_graph().items():
        room, *others = ('.'.join(name.split('.')[:2]) for name in (importer, *imported))
        if room not in PACKAGES:
            graph.setdefault(room, set()).update(set(others) - {room, *PACKAGES})
    assert_no_circle(graph)


@pytest.mark.parametrize('package', PACKAGES)
def test_no_room_has_too_many_files(package):
    rooms = {path.parent for path in (ROOT / package).rglob('*.py')}
    sizes = {str(room.relative_to(ROOT)): len(list(room.glob('*.py'))) for room in rooms}
    assert {room: size for room, size in sizes.items() if size > LARGEST_ROOM} == {}
    assert sizes[package] <= LARGEST_ROOT


def test_the_core_knows_no_ros():
    """Not even in a string, except ``rclpy`` where another process is asked for it."""
    for name, tree in modules().items():
        if name.startswith('yolact_core'):
            assert not [found for found in imports(tree) if found.split('.')[0] in ROS], name
            texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
            assert not [text for text in texts if 'yolact_ros' in str(text)], name


FOLDERS = (
    'yolact_core',
    'yolact_ros',
    'benchmarks',
    'examples',
    'fuzz',
    'launch',
    'recipes',
    'tools',
)


@pytest.mark.parametrize('folder', FOLDERS)
def test_arguments_are_described_in_whole_phrases(folder):
    fragments = []
    for path in sorted((ROOT / folder).rglob('*.py')):
        for name, argument, text in described_arguments(ast.parse(path.read_text())):
            if FRAGMENT.match(text):
                fragments.append(f'{path.relative_to(ROOT)}: {name}: {argument}: {text}')
    assert not fragments, '\n'.join(fragments)


def described_arguments(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Return function or class, name and description of each argument or attribute."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        section = ''
        for line in (ast.get_docstring(node) or '').splitlines():
            if line and not line.startswith(' '):
                section = line
            elif section in ('Args:', 'Attributes:') and (found := ARGUMENT.fullmatch(line)):
                yield node.name, *found.groups()
