"""Options that are declared as a dataclass and read by argparse."""

from __future__ import annotations

import argparse
import dataclasses
import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

import pytest

from yolact_core.cli.commands import COMMANDS
from yolact_core.cli.model_options import DetectionOptions
from yolact_core.cli.options import (
    add_options,
    argument,
    group,
    names,
    option,
    parse_options,
    whole_number,
)
from yolact_core.errors import InputError
from yolact_core.inference.options import DetectorOptions


@dataclass(frozen=True, kw_only=True)
class PaintOptions:
    color: Literal['red', 'blue'] = option('its colour', 'red')
    layers: int = option('how many', 1, type=whole_number, metavar='N')


@dataclass(frozen=True, kw_only=True)
class Options:
    house: Path = argument('where', metavar='HOUSE')
    doors: tuple[int, ...] = argument('which', nargs='*')
    paint: PaintOptions = group('paint')
    owner: str = option('whose', required=True)
    budget: float | None = option('euros', exclusive='money')
    is_free: bool = option('at no cost', False, exclusive='money')
    window_widths: tuple[int, ...] = option('pixels', ())
    rooms: tuple[str, ...] = option('their names', ('hall',), type=names, metavar='NAME,NAME')
    floors: tuple[str, ...] = option('material of each', ('wood',))


def read(line):
    return parse_options(Options, ['attic', *line.split(), '--owner', 'me'])


def test_what_is_not_given_has_the_default_that_is_declared():
    options = read('')
    for field in dataclasses.fields(Options):
        if field.default is not dataclasses.MISSING:
            assert getattr(options, field.name) == field.default
    assert (options.house, options.doors, options.owner) == (Path('attic'), (), 'me')
    assert options.paint == PaintOptions()


@pytest.mark.parametrize(
    ('line', 'name', 'value'),
    [
        ('3 4', 'doors', (3, 4)),
        ('--budget 1e3', 'budget', 1000.0),
        ('--is-free', 'is_free', True),
        ('--window-widths 30', 'window_widths', (30,)),
        ('--window-widths 30 --window-widths 40', 'window_widths', (30, 40)),
        ('--rooms bath,hall', 'rooms', ('bath', 'hall')),
        ('--floors tile', 'floors', ('tile',)),
        ('--color blue --layers 2', 'paint', PaintOptions(color='blue', layers=2)),
    ],
)
def test_what_is_given_has_the_type_that_is_declared(line, name, value):
    assert getattr(read(line), name) == value
    assert dataclasses.replace(read(''), **{name: value}) == read(line)


@pytest.mark.parametrize(
    ('line', 'reason'),
    [
        ('--color green', 'invalid choice'),
        ('--layers 0', "must be a whole number of at least 1, got '0'"),
        ('--layers two', "must be a whole number of at least 1, got 'two'"),
        ('--budget much', "invalid float value: 'much'"),
        ('--budget 5 --is-free', 'not allowed with argument --budget'),
        ('--window-widths wide', "invalid int value: 'wide'"),
        ('door', "invalid int value: 'door'"),
    ],
)
def test_words_of_another_type_are_refused(line, reason):
    with pytest.raises(InputError, match=re.escape(reason)):
        read(line)


@pytest.mark.parametrize(
    ('words', 'missing'), [(['attic'], '--owner'), (['--owner', 'me'], 'HOUSE')]
)
def test_what_has_no_default_must_be_given(words, missing):
    with pytest.raises(InputError, match=f'arguments are required: {missing}'):
        parse_options(Options, words)
    with pytest.raises(TypeError, match='missing'):
        Options()


def test_the_help_lists_every_field_once_and_groups_under_their_title():
    parser = argparse.ArgumentParser()
    add_options(parser, Options)
    told = parser.format_help()
    assert told.index('\npaint:') < told.index('its colour')
    for cls in (Options, PaintOptions):
        for field in dataclasses.fields(cls):
            if field.name != 'paint':
                assert told.count(field.metadata['help']) == 1


def test_options_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        read('').owner = 'you'


@pytest.mark.parametrize('command', COMMANDS, ids=lambda command: command.name)
def test_every_command_declares_its_options_as_frozen_dataclasses(command):
    module = import_module(command.module)
    for declared in getattr(module, 'ACTIONS', None) or [module]:
        options = getattr(declared, 'options', None) or declared.Options
        assert options.__dataclass_params__.frozen


def test_what_counts_as_a_detection_is_by_default_what_the_detector_takes():
    defaults = DetectorOptions()
    for name, value in dataclasses.asdict(DetectionOptions()).items():
        assert getattr(defaults, name) == value
