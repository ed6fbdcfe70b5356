"""The one command that the Makefiles of the recipes run."""

import re
import subprocess
from pathlib import Path

import pytest

from recipes.__main__ import STEPS, main

RECIPES = Path(__file__).parents[2] / 'recipes'


@pytest.mark.parametrize('name', [step.name for step in STEPS])
def test_every_step_describes_its_options(name, capsys):
    if name in ('assets', 'render', 'path', 'sequence', 'bag', 'lifting'):
        pytest.importorskip('fast_simplification', reason='it needs fast-simplification')
        pytest.importorskip('mujoco', reason='it needs MuJoCo')
        pytest.importorskip('rosbags', reason='it needs rosbags')
    if name == 'tracks':
        pytest.importorskip('rosbags', reason='it needs rosbags')
    if name == 'teach':
        pytest.importorskip('onnxruntime', reason='it needs ONNX Runtime')
    assert main([name, '--help']) == 0
    assert f'usage: recipes {name}' in capsys.readouterr().out


def test_the_makefiles_run_steps_that_exist():
    paths = [*RECIPES.glob('*/Makefile'), *RECIPES.glob('*/*.mk')]
    texts = [path.read_text() for path in paths]
    asked = {name for text in texts for name in re.findall(r'\$\(STEP\) ([a-z-]+)', text)}
    assert asked == {step.name for step in STEPS}


def test_a_step_refuses_wrong_words_and_bad_input_in_one_sentence(tmp_path, capsys):
    assert main(['nix']) == 2
    assert "invalid choice: 'nix'" in capsys.readouterr().err
    options = ['relabel', str(tmp_path / 'absent.json'), str(tmp_path / 'new.json')]
    assert main(options) == 2
    assert capsys.readouterr().err.count('\n') == 1


@pytest.mark.parametrize(('is_rich', 'is_extended'), [('', False), ('RICH=1', True)])
def test_people_are_added_to_a_pack_that_has_none(is_rich, is_extended, tmp_path):
    index = tmp_path / 'assets' / 'index.json'
    index.parent.mkdir()
    index.write_text('{}')
    words = ['make', '-n', '-C', str(RECIPES / 'indoor'), 'data', f'CACHE={tmp_path}', is_rich]
    planned = subprocess.run(list(filter(None, words)), capture_output=True, text=True, check=True)
    assert ('--people 40' in planned.stdout) == is_extended
