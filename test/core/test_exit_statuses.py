"""The page of exit statuses says what programs do."""

from __future__ import annotations

import re
import shlex
import signal
from importlib import import_module
from pathlib import Path

import pytest

from yolact_core.cli import main
from yolact_core.cli.commands import Command, list_commands
from yolact_core.errors import BAD_INPUT, READER_GONE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'docs' / 'exit_statuses.md').read_text(encoding='utf-8')
OTHERS = ('python -m yolact_ros.demo', 'python -m recipes', 'yolact_node', 'yolact_player')
BY_SIGNAL = {128 + number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}


def rows_below(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading, or of the first table."""
    lines = PAGE.partition(f'{heading}\n')[2].splitlines()
    begin = next(index for index, line in enumerate(lines) if line.startswith('|'))
    table = lines[begin : lines.index('', begin)]
    return [
        [cell.strip().strip('`') for cell in re.split(r'(?<!\\)\|', line)[1:-1]]
        for line in table[2:]
    ]


def list_programs(command: Command, words: str) -> list[str]:
    module = import_module(command.module)
    if not hasattr(module, 'ACTIONS'):
        return [words]
    return [f'{words} {action.name}' for action in module.ACTIONS]


def test_every_status_is_explained():
    explained = {int(status) for status, _ in rows_below('# Exit statuses and sentences')}
    assert explained == {0, 1, BAD_INPUT, READER_GONE} | BY_SIGNAL


def test_every_program_has_its_row():
    commands = [
        words
        for command in list_commands(None)
        for words in list_programs(command, f'yolact {command.name}')
    ]
    assert sorted(row[0] for row in rows_below('## Programs')) == sorted([*commands, *OTHERS])


@pytest.mark.parametrize(('line', 'sentence'), rows_below('## Sentences'))
def test_every_sentence_is_said(line, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(line)[1:]) == BAD_INPUT
    assert capsys.readouterr().err == f'yolact: error: {sentence}\n'


def test_the_page_is_linked():
    for page in ('README.md', 'docs/library.md'):
        assert 'exit_statuses.md' in (ROOT / page).read_text(encoding='utf-8')
