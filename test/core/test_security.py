"""Nothing that comes from outside is run as code, and the page on security says what is true."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ('yolact_core', 'yolact_ros', 'launch', 'scripts', 'tools', 'recipes', 'benchmarks')
PAGE = ROOT / 'docs' / 'security.md'
RUNS_CODE = re.compile(
    r'eval|exec|compile|input|os\.(system|popen)|(c?pickle|dill|marshal|shelve|joblib|cloudpickle)'
    r'\.(load|loads|open|Unpickler)|yaml\.(load|load_all|full_load|unsafe_load)|torch\.hub\..*|'
    r'torch\.jit\.load|torch\.package.*|.*\.extractall|shutil\.unpack_archive|.*\.read_pickle'
)


def calls() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Return place, dotted name and keywords of each call in the code that is not of tests."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob('*') if path.is_file()]
    for path in sorted([*paths, ROOT / 'setup.py']):
        if path.suffix != '.py' and path.parent.name != 'scripts':
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                keywords = {one.arg or '**': ast.unparse(one.value) for one in node.keywords}
                yield str(path.relative_to(ROOT)), ast.unparse(node.func), keywords


def test_nothing_that_is_read_can_run_code():
    found = [
        (place, name)
        for place, name, _ in calls()
        if RUNS_CODE.fullmatch(name) and name != 're.compile'
    ]
    assert found == []


@pytest.mark.parametrize(
    ('option', 'values'), [('shell', ('False',)), ('allow_pickle', ('False',))]
)
def test_options_that_let_code_run_are_off(option, values):
    found = [(place, name) for place, name, keywords in calls() if option in keywords]
    assert [one for one in found if one not in values] == []


def test_torch_load_stands_where_the_page_says_and_reads_weights_only():
    found = {}
    for place, name, keywords in calls():
        if name == 'torch.load':
            found[place] = keywords.get('weights_only')
    assert set(found.values()) == {'True'}
    said = PAGE.read_text().partition('`torch.load` stands in ')[2].partition('.\n')[0]
    assert set(re.findall(r'`([\w/]+\.py)`', said)) == set(found)


def test_each_test_that_the_page_names_exists():
    names = set(re.findall(r'`(test_\w+)`', PAGE.read_text()))
    text = '\n'.join(path.read_text() for path in (ROOT / 'test').rglob('test_*.py'))
    text += '\n'.join(path.read_text() for path in (ROOT / 'test' / 'cpp').iterdir())
    missing = {name for name in names if f'{name}(' not in text}
    assert len(names) > 10
    assert missing == set()


def test_no_runtime_reports_home(tmp_path):
    pytest.importorskip('onnxruntime')
    words = [sys.executable, '-c', 'import yolact_core.runtimes.onnx']
    environment = {**os.environ, 'HOME': str(tmp_path), 'TMPDIR': str(tmp_path)}
    environment.pop('ORT_DISABLE_TELEMETRY', None)
    subprocess.run(words, check=True, env=environment)
    assert not [path for path in tmp_path.rglob('*') if path.name in ('.ses', 'deviceid')]
