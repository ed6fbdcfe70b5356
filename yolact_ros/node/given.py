"""Parameters that were given at the start, and those of them that nobody takes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from rclpy.node import Node

from yolact_core.errors import InputError
from yolact_core.records import parse_yaml

FILE_FLAG, PARAMETER_FLAGS = '--params-file', ('-p', '--param')
SECTION = 'ros__parameters'
WILDCARDS = {'**': r'(/\w+)*', '*': r'/\w+'}
NODE_AND_PARAMETER = re.compile(r'(?P<node>[^:=]+):[^:=][^=]*:=')
QOS = 'qos_overrides.'  # whose parameters exist once topics do


class GivenParameters:
    """What the command line and the files that it names give to a node.

    Args:
        node: The node.
        words: Words of the command line, which ROS has accepted.
    """

    def __init__(self, node: Node, words: Sequence[str]) -> None:
        self._node = node
        self.values = {name: one.value for name, one in node._parameter_overrides.items()}
        self._for_others = list(parameters_for_others(words, node.get_fully_qualified_name()))

    def complaints(self, known: Collection[str], *, has_topics: bool) -> list[str]:
        """Say what of it counts for nothing.

        Args:
            known: Names of parameters that may be meant where there is no such parameter.
            has_topics: Whether the node publishes and subscribes all it ever does by now.
        """
        unknown = [
            name
            for name in self.values
            if not self._node.has_parameter(name) and (has_topics or not name.startswith(QOS))
        ]
        return self._for_others + [complain(name, known) for name in unknown]


def complain(name: str, known: Collection[str]) -> str:
    """Say that there is no such parameter, and which of those that are known may be meant."""
    members = [one for one in known if one.startswith(f'{name}.')]
    alike = members or difflib.get_close_matches(name, known, 1)
    hint = f'; is {" or ".join(alike)} meant?' if alike else ''
    return f'there is no parameter {name}{hint}'


def parameters_for_others(words: Sequence[str], node: str) -> Iterator[str]:
    """Say which files and words of a command line give parameters to other nodes only.

    Args:
        words: Words of the command line, which ROS has accepted.
        node: Full name of this node, such as ``/robot/yolact``.
    """
    for flag, value in pairwise(words):
        if flag == FILE_FLAG:
            names = list(_nodes_in(value))
        elif flag in PARAMETER_FLAGS and (match := NODE_AND_PARAMETER.match(value)):
            names = [match['node']]
        else:
            continue
        if not any(_is_meant(name, node) for name in names):
            yield f'{value} has parameters of {", ".join(names) or "no node"}, none of {node}'


def _nodes_in(path: str) -> Iterator[str]:
    """Return the names of the nodes, as patterns, for which a file has parameters.

    Raises:
        InputError: It holds what ROS reads in another way than YAML, such as a second document.
    """
    try:
        content = parse_yaml(Path(path).read_text(encoding='utf-8'))
    except ValueError as error:
        raise InputError(
            f'{FILE_FLAG} must be one document of plain YAML, got {path!r}: {error}'
        ) from error
    yield from _list_nodes(content, ())


def _list_nodes(content: object, names: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(content, Mapping):
        return
    for key, value in content.items():
        if key == SECTION:
            yield '/'.join(names)
        else:
            yield from _list_nodes(value, (*names, str(key).strip('/')))


def _is_meant(name: str, node: str) -> bool:
    """Return whether a name, which may have wildcards, is that of a node."""
    tokens = name.strip('/').split('/')
    pattern = ''.join(WILDCARDS.get(token, f'/{re.escape(token)}') for token in tokens)
    return re.fullmatch(pattern, node) is not None
