"""The one command that the Makefiles of the recipes run."""

import re
from pathlib import Path

import pytest

from recipes.__main__ import STEPS, main

RECIPES = Path(__file__).parents[2] / 'recipes'


@pytest.mark.parametrize('name', [step.name for step in STEPS])
def test_every_step_describes_its_options(name, capsys):
    if name in ('assets', 'render', 'path', 'bag'):
        pytest.importorskip('fast_simplification', reason='it needs fast-simplification')
        pytest.importorskip('mujoco', reason='it needs MuJoCo')
        pytest.importorskip('rosbags', reason='it needs rosbags')
    if name == 'teach':
        pytest.importorskip('onnxruntime', reason='it needs ONNX Runtime')
    with pytest.raises(SystemExit) as stop:
        main([name, '--help'])
    assert stop.value.code == 0
    assert f'usage: recipes {name}' in capsys.readouterr().out


def test_the_makefiles_run_steps_that_exist():
    paths = [*RECIPES.glob('*/Makefile'), *RECIPES.glob('*/*.mk')]
    texts = [path.read_text() for path in paths]
    asked = {name for text in texts for name in re.findall(r'\$\(STEP\) ([a-z-]+)', text)}
    assert asked == {step.name for step in STEPS}
