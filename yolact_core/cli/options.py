"""Options of a command as a frozen dataclass: declared in one place, typed wherever they go.

A command declares what it can be asked for as fields; ``argparse`` reads the words, and nothing
behind ``read_options`` ever sees a ``Namespace``::

    @dataclass(frozen=True, kw_only=True)
    class Options:
        sources: tuple[str, ...] = argument('image or folder', metavar='SOURCE', nargs='+')
        output: Path = option('folder for overlays', Path('out'), metavar='DIR')
        model: ModelOptions = group('model')
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterable
from types import NoneType
from typing import (
    Any,
    Literal,
    NamedTuple,
    NoReturn,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from yolact_core.errors import InputError
from yolact_core.terminal import say

Options = TypeVar('Options')
ORIENTATION_HELP = (
    "which pixels annotations are for: those stored in a picture, or those upright by EXIF's "
    'orientation (default: what the file says, else what the sizes tell, else stored)'
)
HELP, GROUP, KEYWORDS, EXCLUSIVE, POSITIONAL = 'help', 'group', 'keywords', 'exclusive', 'argument'


class Parser(argparse.ArgumentParser):
    """Writes help as all results, and reports wrong arguments as all bad input is reported."""

    def _print_message(self, message: str, _file: object = None) -> None:
        say(message.rstrip())

    def error(self, message: str) -> NoReturn:
        """Refuse the words.

        Raises:
            InputError: Always.
        """
        raise InputError(f'{message}; "{self.prog} --help" tells more')


class Action(NamedTuple):
    """One action of a command that has several, such as ``yolact dataset check``.

    Attributes:
        name: Word that is typed.
        options: Dataclass that declares the options of the action.
        run: Function that takes these options, does the work and returns the exit status.
        summary: One line for the list of actions.
        description: One sentence for the help of the action itself; empty for the summary.
    """

    name: str
    options: type
    run: Callable[[Any], int]
    summary: str
    description: str = ''


def option(text: str, default: Any = None, *, exclusive: str = '', **keywords: Any) -> Any:  # noqa: ANN401 - a field of any type
    """Declare a field that is read from ``--its-name``.

    The type of the field says how the word is read: ``bool`` is a switch, ``Literal`` lists the
    choices, and a tuple takes the option several times, unless ``type`` reads it from one word.

    Args:
        text: Help, with the unit.
        default: Value where the option is not given; an option with ``required`` has none.
        exclusive: Name that is shared by options of which at most one may be given.
        keywords: Further keywords of ``argparse.ArgumentParser.add_argument``.
    """
    metadata = {HELP: text, KEYWORDS: keywords, EXCLUSIVE: exclusive}
    if keywords.get('required'):
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def argument(text: str, **keywords: Any) -> Any:  # noqa: ANN401 - a field of any type
    """Declare a field that is read from a word without a name.

    Args:
        text: Help.
        keywords: Further keywords of ``argparse.ArgumentParser.add_argument``.
    """
    return dataclasses.field(metadata={HELP: text, KEYWORDS: keywords, POSITIONAL: True})


def group(title: str) -> Any:  # noqa: ANN401 - a field of any type
    """Declare a field that holds further options, which the help lists under a title."""
    return dataclasses.field(metadata={GROUP: title})


def add_options(parser: argparse.ArgumentParser, options: type) -> None:
    """Describe the options of a dataclass, and of the dataclasses inside it, to a parser."""
    _add_fields(parser, options, parser)


def read_options(options: type[Options], arguments: argparse.Namespace) -> Options:
    """Return the options that were given, as their dataclass."""
    values: dict[str, Any] = {}
    types = get_type_hints(options)
    for field in dataclasses.fields(options):  # type: ignore[arg-type]
        if GROUP in field.metadata:
            values[field.name] = read_options(types[field.name], arguments)
            continue
        value = getattr(arguments, field.name)
        if value is None and field.default is not dataclasses.MISSING:
            value = field.default
        values[field.name] = tuple(value) if isinstance(value, list) else value
    return options(**values)


def parse_options(
    options: type[Options],
    words: Iterable[object] | None = None,
    **keywords: Any,  # noqa: ANN401
) -> Options:
    """Read a whole command line, for programs that have a single one.

    Args:
        options: Dataclass that declares the options.
        words: Words of the command line. Default: those of this process.
        keywords: Keywords of ``argparse.ArgumentParser``, such as ``prog``.
    """
    parser = Parser(**keywords)
    add_options(parser, options)
    return read_options(options, parser.parse_args(None if words is None else [*map(str, words)]))


def whole_number(text: str) -> int:
    """Read a number of at least 1 for argparse.

    Raises:
        argparse.ArgumentTypeError: It is something else.
    """
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f'must be a whole number of at least 1, got {text!r}')
    return int(text)


def names(text: str) -> tuple[str, ...]:
    """Read names that are separated by commas for argparse."""
    return tuple(name.strip() for name in text.split(','))


def _add_fields(parser: argparse.ArgumentParser, options: type, section: Any) -> None:  # noqa: ANN401 - argparse's groups have no public base
    types = get_type_hints(options)
    exclusive: dict[str, Any] = {}
    for field in dataclasses.fields(options):
        metadata = field.metadata
        if GROUP in metadata:
            inner = parser.add_argument_group(metadata[GROUP])
            _add_fields(parser, types[field.name], inner)
            continue
        target = section
        if name := metadata.get(EXCLUSIVE):
            if name not in exclusive:
                exclusive[name] = section.add_mutually_exclusive_group()
            target = exclusive[name]
        word = field.name if POSITIONAL in metadata else '--' + field.name.replace('_', '-')
        target.add_argument(word, **_keywords(field, types[field.name]))


def _keywords(field: dataclasses.Field[Any], kind: Any) -> dict[str, Any]:  # noqa: ANN401 - a type
    """Return what argparse has to know about a field, from its type and its default."""
    metadata = field.metadata
    keywords = {'help': metadata[HELP], **metadata[KEYWORDS]}
    if field.default is not dataclasses.MISSING:
        keywords['default'] = field.default
    kind = _without_none(kind)
    if get_origin(kind) is tuple and 'type' not in keywords:
        kind = get_args(kind)[0]
        if 'nargs' not in keywords:  # the words that are given replace the default
            keywords.update(action='append', default=None)
    if kind is bool:
        return {**keywords, 'action': 'store_true'}
    if get_origin(kind) is Literal:
        return {'choices': get_args(kind), **keywords}
    return keywords if kind is str else {'type': kind, **keywords}


def _without_none(kind: Any) -> Any:  # noqa: ANN401 - a type
    """Return the type of an option that may be missing."""
    kinds = [one for one in get_args(kind) if one is not NoneType]
    return kinds[0] if NoneType in get_args(kind) else kind
