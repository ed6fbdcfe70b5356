"""How programs begin and end, whatever their streams, signals and errors are."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from yolact_core.cli import ENDING

PROGRAM = """
import os, signal, sys
from pathlib import Path
from yolact_core.cli import run_program, stop_on_interrupt
from yolact_core.errors import INTERRUPTED, InputError
from yolact_core.files import replace_when_done
from yolact_core.terminal import complain, say, say_table

def work():
    {work}
    return 0

sys.exit(run_program(work, is_last=True))
"""
TABLE = 'from rich.table import Table; t = Table("class"); t.add_row("椅子"); say_table(t)'


@pytest.fixture(autouse=True)
def heed_signals():
    """Let programs heed signals that a shell in the background or nohup made this one ignore."""
    ignored = [number for number in ENDING if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


def run(work: str, after: str = '', before: str = '') -> subprocess.CompletedProcess[str]:
    """Run a program whose work these statements are, with shell words before and after it."""
    words = ['bash', '-c', f'{before} "$@" {after}', 'bash', sys.executable, '-c']
    program = PROGRAM.replace('{work}', work)
    return subprocess.run([*words, program], capture_output=True, encoding='utf-8')


@pytest.mark.parametrize('redirection', ['>&-', '2>&-', '>&- 2>&-', '<&- >&- 2>&-'])
def test_closed_streams_take_nothing_from_the_work(redirection, tmp_path):
    file = tmp_path / 'file'
    child = run(
        f'say("said"); complain("bad"); Path({str(file)!r}).write_text("written")', redirection
    )
    assert child.returncode == 0
    assert file.read_text() == 'written'
    assert child.stdout == ('' if '>&-' in redirection.split() else 'said\n')
    assert child.stderr == ('' if '2>&-' in redirection.split() else 'yolact: error: bad\n')


def test_no_file_takes_the_place_of_a_closed_stream(tmp_path):
    file = tmp_path / 'file'
    assert run(f'file = open({str(file)!r}, "w"); os.write(1, b"noise")', '>&-').returncode == 0
    assert file.read_text() == ''


@pytest.mark.parametrize('work', ['say("said")', TABLE])
@pytest.mark.parametrize('unbuffered', ['', '1'])
def test_output_on_a_full_disk_is_an_error(work, unbuffered):
    child = run(work, '>/dev/full', f'PYTHONUNBUFFERED={unbuffered}')
    assert child.returncode == 2
    assert child.stderr == (
        'yolact: error: standard output must be writable: No space left on device\n'
    )


@pytest.mark.parametrize('work', ['say("said")', TABLE])
@pytest.mark.parametrize('unbuffered', ['', '1'])
def test_a_reader_that_has_gone_ends_it_quietly(work, unbuffered):
    child = run(work, '| :; echo "${PIPESTATUS[0]}"', f'PYTHONUNBUFFERED={unbuffered}')
    assert (child.stdout, child.stderr) == ('141\n', '')


@pytest.mark.parametrize('encoding', ['ascii', 'cp1252'])
def test_letters_that_a_terminal_lacks_become_escapes(encoding):
    child = run(f'say("椅子 \\udcff"); {TABLE}', before=f'LC_ALL=C PYTHONIOENCODING={encoding}')
    assert child.returncode == 0
    assert child.stdout.startswith(r'\u6905\u5b50 \udcff')
    assert child.stdout.count(r'\u6905\u5b50') == 2
    assert child.stdout.isascii()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    'error',
    ['', 'except BaseException: raise ImportError', 'except BaseException: raise SystemExit(1)'],
)
def test_a_signal_ends_it_quietly_and_leaves_nothing_half_written(number, error, tmp_path):
    handling = error or 'finally: pass'
    child = run(
        f"""
    try:
        with replace_when_done(Path({str(tmp_path)!r}) / 'file') as unfinished:
            unfinished.write_text('half')
            signal.raise_signal({number:d})
    {handling}"""
    )
    assert (child.returncode, child.stdout, child.stderr) == (128 + number, '', '')
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_orderly_end_has_the_status_of_its_signal(number):
    child = run(
        f"""
    with stop_on_interrupt() as is_stopped:
        signal.raise_signal({number:d})
        say('whole')
        if is_stopped():
            return INTERRUPTED"""
    )
    assert (child.returncode, child.stdout, child.stderr) == (128 + number, 'whole\n', '')


def test_a_second_signal_ends_it_at_once():
    child = run(
        f"""
    with stop_on_interrupt() as is_stopped:
        signal.raise_signal({signal.SIGTERM:d})
        signal.raise_signal({signal.SIGINT:d})
        say('whole')"""
    )
    assert (child.returncode, child.stdout, child.stderr) == (128 + signal.SIGTERM, '', '')


def test_what_goes_wrong_after_a_signal_is_still_said():
    child = run(
        f"""
    with stop_on_interrupt():
        signal.raise_signal({signal.SIGTERM:d})
        raise InputError('disk must have room')"""
    )
    assert child.returncode == 2
    assert child.stderr == 'yolact: error: disk must have room\n'


def test_nohup_is_heeded():
    work = f'signal.raise_signal({signal.SIGHUP:d}); say("done")'
    assert run(work).stdout == ''
    assert run(work, before='trap "" HUP;').stdout == 'done\n'


def test_an_error_that_nobody_foresaw_is_one_sentence_and_a_traceback_for_developers():
    child = run('{}["key"]', '')
    assert child.returncode == 2
    assert child.stderr == (
        "yolact: error: this must not happen, please report it: KeyError 'key' "
        '(python -X dev shows where)\n'
    )
    assert 'Traceback' in run('{}["key"]', before='PYTHONDEVMODE=1').stderr


def test_without_a_home_libraries_find_one_among_temporary_files(tmp_path):
    child = run(
        'import pwd; pwd.getpwuid = {}.__getitem__; from yolact_core.cli import main; '
        'main(["--version"]); say(str(Path.home()))',
        before=f'TMPDIR={tmp_path} env -u HOME -u YOLACT_CACHE',
    )
    assert child.stdout.splitlines()[1] == str(next(tmp_path.glob('yolact-*')))
