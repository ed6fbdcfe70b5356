"""``yolact train`` as a program."""

import signal
import subprocess
import sys

import pytest
import yaml
from shapes import write_shapes

from yolact_core.training.resuming import RESUME


@pytest.mark.slow
def test_a_training_that_is_terminated_does_not_pass_for_done(tmp_path):
    shapes = write_shapes(tmp_path / 'shapes', images=8, seed=3, size=(96, 96))
    values = {
        'data': {'train': str(shapes), 'images': str(shapes.parent / 'images'), 'workers': 0},
        'output': str(tmp_path / 'out'),
        'model': {
            'config': 'yolact_resnet18',
            'input_size': 96,
            'feature_channels': 16,
            'prototypes': 4,
            'backbone': {'name': 'test_resnet', 'stages': [2, 3, 4]},
        },
        'schedule': {'steps': 1_000_000},
        'batch_size': 2,
        'device': {'accelerator': 'cpu'},
        'report': {'evaluate_every': 0, 'line_seconds': 0.1},
    }
    (tmp_path / 'run.yaml').write_text(yaml.safe_dump(values))
    command = [sys.executable, '-m', 'yolact_core', 'train', str(tmp_path / 'run.yaml')]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as training:
        for line in training.stderr:
            if ' step ' in line:
                break
        training.send_signal(signal.SIGTERM)
        said = training.stderr.read()
        assert training.wait(timeout=60) == 128 + signal.SIGTERM
    assert 'stopped at step' in said
    assert (tmp_path / 'out' / RESUME).is_file()
