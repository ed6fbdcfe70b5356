"""Inputs altered at random, always the same ones; and what the search for findings finds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

pytest.importorskip('rosbags', reason="needs rosbags: pip install 'yolact[bags]'")

from fuzz.__main__ import main
from fuzz.child import FOUND, Search
from fuzz.target import TARGETS, load_target

ROOT = Path(__file__).parents[2]
RUNS = 150
NEEDS = {'coco': 'pycocotools', 'mcap': 'lz4'}


@pytest.mark.parametrize('name', TARGETS)
def test_no_input_crashes_hangs_or_takes_all_memory(name, tmp_path, capsys):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    status = main([name, '--runs', str(RUNS), '--output', str(tmp_path)])
    said = capsys.readouterr().out
    assert status == 0, said + (tmp_path / name / 'log.txt').read_text()
    assert f'{name}: {RUNS} inputs' in said


GUARDED = """
import os, sys, time
from pathlib import Path
from fuzz.guard import Guard
from yolact_core.errors import InputError

def run(data, folder):
    eval(data)

def refuse(text):
    raise InputError(text)

guard = Guard(run, Path(sys.argv[1]), longest=0.2, most_memory=2**26)
for data in sys.argv[2:]:
    try:
        guard(data)
        print('nothing')
    except Exception as error:
        print(f'{type(error).__name__}: {error}')
"""


@pytest.mark.parametrize(
    ('code', 'text'),
    [
        ("(folder / 'inside').write_text('')", 'nothing'),
        ("Path(os.devnull).write_text('')", 'nothing'),
        ("Path('/etc/hostname').read_bytes()", 'nothing'),
        ("refuse('must')", 'nothing'),
        ("refuse('x' * 20_000)", 'FindingError: a sentence of 20000 characters'),
        ("(folder / '../escaped').write_text('')", 'FindingError: wrote to .*/escaped'),
        ("(folder / '../escaped').mkdir(exist_ok=True)", 'FindingError: wrote to .*/escaped'),
        ("os.system('true')", "FindingError: os.system .b'true',."),
        ('sum(range(3 * 10**7))', 'FindingError: took [0-9]+ s'),
        ("len(b'x' * 2**28)", 'FindingError: .*took 2[0-9]+ MiB'),
        ("{}['key']", "KeyError: 'key'"),
    ],
)
def test_what_no_input_may_cause_is_found(code, text, tmp_path):
    words = [sys.executable, '-c', GUARDED, str(tmp_path / 'room'), code]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.fullmatch(text, done.stdout.strip()), done.stdout + done.stderr


def test_a_finding_is_made_small_and_kept_once(tmp_path):
    def run(data):
        if b'bad' in data:
            raise KeyError

    search = Search(run, tmp_path)
    for data in (b'good', b'x' * 50 + b'bad' + b'y' * 50, b'bad bad'):
        search(data)
    search.finish()
    kept = [path for path in (tmp_path / FOUND).iterdir() if path.suffix != '.txt']
    assert [path.read_bytes() for path in kept] == [b'bad']
    assert 'KeyError' in kept[0].with_suffix('.txt').read_text()


@pytest.mark.parametrize('name', [name for name in TARGETS if name != 'masks'])  # it starts C++
def test_the_same_seed_alters_inputs_in_the_same_way(name):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    target = load_target(name)
    data = list(target.seeds())[-1]
    altered = [
        [target.mutate(data, source) for _ in range(20)] for source in (Random(7), Random(7))
    ]
    assert altered[0] == altered[1]
    assert len(set(altered[0])) > 10
