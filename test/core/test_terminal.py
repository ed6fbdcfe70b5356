"""Names from outside must not command the terminal that they are shown on."""

from __future__ import annotations

import pytest
from rich.table import Table

from yolact_core.terminal import complain, escape, say, say_table

NAME = '/x\x1b[31mred\x07\x9b2J\u202eback'
SHOWN = r'/x\x1b[31mred\x07\x9b2J\u202eback'


@pytest.mark.parametrize(
    'text', ['', 'two\nlines\tand columns', 'M\u00fcll \u6905\u5b50 \U0001f4f7']
)
def test_what_only_shows_stays_as_it_is(text):
    assert escape(text) == text


def test_commands_to_a_terminal_are_shown_as_escapes(capsys):
    say(NAME)
    complain(NAME)
    said = capsys.readouterr()
    assert said.out == f'{SHOWN}\n'
    assert said.err == f'yolact: error: {SHOWN}\n'


def test_cells_of_a_table_are_shown_as_they_are(capsys):
    table = Table('topic', 'type')
    for name in (NAME, '/[bold]x', '/[/bold]', ':smile:'):
        table.add_row(name, 'Image')
    say_table(table)
    lines = capsys.readouterr().out.splitlines()
    for name in (SHOWN, '/[bold]x', '/[/bold]', ':smile:'):
        assert sum(name in line for line in lines) == 1
    assert len({len(line) for line in lines}) == 1
