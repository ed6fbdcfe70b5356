"""Whole trainings: what they leave, and that a break or a second process changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file
from shapes import write_shapes

from yolact_core import InputError, ModelConfig, build_network
from yolact_core.checkpoints.checkpoint import read_checkpoint, save_checkpoint
from yolact_core.training import load_run
from yolact_core.training.module import TrainingModule, move_average
from yolact_core.training.options import NetworkOptions
from yolact_core.training.trainer import train
from yolact_core.training.weights import start_network

TRAIN_SCRIPT = """
import sys
import torch
from yolact_core.training import load_run
from yolact_core.training.trainer import train
torch.set_num_threads(1)
train(load_run(sys.argv[1], sys.argv[2:]))
"""


@pytest.fixture(scope='module')
def shapes(tmp_path_factory) -> Path:
    """Draw a small data set and return its annotation file."""
    return write_shapes(tmp_path_factory.mktemp('shapes'), images=24, seed=3, size=(96, 96))


@pytest.fixture
def run_file(shapes, tmp_path) -> Path:
    """Write a run of a few seconds: 6 steps of a tiny network."""
    path = tmp_path / 'run.yaml'
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
        'schedule': {'steps': 6, 'warmup_steps': 2, 'kind': 'steps', 'milestones': [5]},
        'batch_size': 4,
        'optimizer': {'scale_to_batch': False, 'learning_rate': 0.001},
        'device': {'accelerator': 'cpu'},
        'report': {'evaluate_every': 0},
    }
    path.write_text(yaml.safe_dump(values))
    return path


def weights_in(folder: Path, name: str = 'last.safetensors') -> dict[str, torch.Tensor]:
    return load_file(folder / name)


def test_the_average_moves_by_its_decay(tiny_model):
    torch.manual_seed(0)
    network, _ = start_network(NetworkOptions(weights=str(tiny_model)), ('a',))
    average, _ = start_network(NetworkOptions(weights=str(tiny_model)), ('a',))
    key = 'prediction_layers.0.conf_layer.weight'
    before = average.state_dict()[key].clone()
    move_average(average, network, decay=0.75)
    expected = 0.75 * before + 0.25 * network.state_dict()[key]
    assert torch.allclose(average.state_dict()[key], expected, atol=1e-6)


def test_a_training_leaves_weights_that_say_what_they_are(run_file, tmp_path):
    figures = train(load_run(run_file))
    _, config, facts = read_checkpoint(tmp_path / 'out' / 'last.safetensors')
    assert figures['steps'] == facts.training['steps'] == 6
    assert config.class_names == ('disc', 'square', 'triangle', 'star', 'ring')
    assert facts.training['run']['batch_size'] == 4
    assert load_run(tmp_path / 'out' / 'run.yaml') == load_run(run_file)


def test_frozen_parts_keep_their_weights_and_statistics(run_file, tmp_path):
    train(load_run(run_file, ['model.freeze=[backbone.body.layer1]', 'freeze_batch_norm=never']))
    after = weights_in(tmp_path / 'out')
    for name in ('layer1', 'layer2'):
        keys = [key for key in after if key.startswith(f'backbone.body.{name}.')]
        statistics = [key for key in keys if key.endswith('running_mean')]
        assert statistics
        is_initial = [bool((after[key] == 0).all()) for key in statistics]
        assert all(is_initial) == (name == 'layer1')


def test_what_is_frozen_must_exist(run_file):
    with pytest.raises(InputError, match=r"freeze must name parts of the network, .*'necks'"):
        train(load_run(run_file, ['model.freeze=[necks]']))


def test_an_output_is_not_overwritten_by_accident(run_file, tmp_path):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'resume.ckpt').touch()
    with pytest.raises(InputError, match=r'output must be a folder without resume.ckpt'):
        train(load_run(run_file))


def test_a_run_that_never_began_cannot_go_on(run_file):
    with pytest.raises(InputError, match=r'resume.ckpt must exist to resume'):
        train(load_run(run_file, ['resume=true']))


def test_a_step_that_is_not_finite_changes_no_weight(run_file, tmp_path, monkeypatch):
    whole = TrainingModule.training_step

    def spoil_third(module: TrainingModule, *arguments: object) -> torch.Tensor:
        loss = whole(module, *arguments)
        return loss * torch.inf if module.global_step >= 2 else loss

    train(load_run(run_file, ['schedule.steps=2']))
    monkeypatch.setattr(TrainingModule, 'training_step', spoil_third)
    figures = train(load_run(run_file, [f'output={tmp_path / "spoiled"}']))

    assert figures['skipped'] == 4
    state = {
        name: torch.load(tmp_path / name / 'resume.ckpt', weights_only=False)['state_dict']
        for name in ('out', 'spoiled')
    }
    for key, value in state['out'].items():
        if key.startswith('network'):
            assert torch.equal(value, state['spoiled'][key]), key


@pytest.mark.slow
def test_a_run_that_was_broken_off_ends_with_the_same_weights(run_file, tmp_path):
    train(load_run(run_file))
    parts = f'output={tmp_path / "parts"}'
    train(load_run(run_file, [parts, 'schedule.steps=2']))
    figures = train(load_run(run_file, [parts, 'resume=true']))
    assert figures['steps'] == 6
    whole, resumed = weights_in(tmp_path / 'out'), weights_in(tmp_path / 'parts')
    assert all(torch.equal(value, resumed[key]) for key, value in whole.items())


@pytest.mark.slow
def test_two_processes_train_as_one(run_file, tmp_path):
    train(load_run(run_file))
    script = tmp_path / 'train.py'
    script.write_text(TRAIN_SCRIPT)
    launcher = ['-m', 'torch.distributed.run', '--nproc-per-node=2', '--master-port=29547']
    changes = ['device.devices=2', f'output={tmp_path / "two"}']
    done = subprocess.run(
        [sys.executable, *launcher, str(script), str(run_file), *changes],
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    one, two = weights_in(tmp_path / 'out'), weights_in(tmp_path / 'two')
    for key, value in one.items():
        assert torch.allclose(value, two[key], rtol=1e-3, atol=1e-5), key


@pytest.mark.slow
def test_a_network_learns_to_find_shapes(run_file, shapes, tmp_path):
    changes = [
        f'data.val={shapes}',
        f'output={tmp_path / "learned"}',
        'schedule.kind=cosine',
        'schedule.steps=300',
        'schedule.warmup_steps=20',
        'batch_size=8',
        'model.feature_channels=32',
        'model.prototypes=8',
        'optimizer.kind=adamw',
        'optimizer.learning_rate=0.003',
        'optimizer.average=0.95',
        'augmentation={expand: 0.0, crop: 0.0, photometric: 0.0}',
        'report.evaluate_every=100',
    ]
    figures = train(load_run(run_file, changes))
    assert figures['last']['mask_ap50'] > 30
    saved = json.loads((tmp_path / 'learned' / 'figures.json').read_text())
    assert saved['last'] == figures['last']


@pytest.fixture
def masks_run(run_file, tmp_path) -> list[str]:
    """Return changes that make of a run one that trains the masks of a network alone."""
    torch.manual_seed(0)
    config = ModelConfig.from_name('yolact_nanodet')
    network = build_network(config.replace(input_size=96, class_names=('cup', 'bowl')))
    save_checkpoint(network, tmp_path / 'start.safetensors')
    return [
        'model=' + json.dumps(
            {
                'weights': str(tmp_path / 'start.safetensors'),
                'classes': 'keep',
                'freeze': ['backbone', 'fpn', 'prediction_layers.0'],
            }
        ),
        'loss={box: 0.0, class_: 0.0, semantic: 0.0, matching: {by_score: false}}',
        f'data.cache={tmp_path / "features"}',
        'data.cache_views=2',
    ]  # fmt: skip


def test_masks_alone_are_trained_on_features_that_are_computed_once(run_file, masks_run, tmp_path):
    train(load_run(run_file, masks_run))
    files = list((tmp_path / 'features').rglob('*.safetensors'))
    assert len(files) == 2 * 24
    times = {path: path.stat().st_mtime_ns for path in files}
    files[0].unlink()
    train(load_run(run_file, [*masks_run, f'output={tmp_path / "again"}']))
    assert [path for path in files if path.stat().st_mtime_ns != times[path]] == files[:1]

    before, after = load_file(tmp_path / 'start.safetensors'), weights_in(tmp_path / 'out')
    changed = {key for key, value in after.items() if not torch.equal(value, before[key])}
    assert {key.split('.')[0] for key in changed} == {
        'proto_net', 'proto_detail', 'prediction_layers'
    }  # fmt: skip
    assert not any(key.startswith('prediction_layers.0') for key in changed)
    for name, value in weights_in(tmp_path / 'again').items():
        torch.testing.assert_close(value, after[name], atol=1e-5, rtol=1e-3)


def test_cached_features_train_like_computed_ones(run_file, masks_run, tmp_path):
    train(load_run(run_file, masks_run))
    uncached = [change for change in masks_run if not change.startswith('data.cache')]
    train(load_run(run_file, [*uncached, f'output={tmp_path / "uncached"}']))
    for name, value in weights_in(tmp_path / 'uncached').items():
        torch.testing.assert_close(weights_in(tmp_path / 'out')[name], value, atol=2e-3, rtol=0)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            ['model.freeze=[backbone]'],
            'freeze must name backbone and fpn where features are cached',
        ),
        (['loss.box=1.0'], 'loss must have box, class_ and semantic of 0'),
        (['model.weights=null'], 'weights must be given where classes is keep'),
        (['data.cache_views=0'], 'cache_views must be at least 1, got 0'),
    ],
)
def test_what_does_not_fit_masks_alone_is_said(run_file, masks_run, changes, message):
    with pytest.raises(InputError, match=message):
        train(load_run(run_file, [*masks_run, *changes]))


def test_an_extended_network_learns_new_classes_and_keeps_the_old(run_file, masks_run, tmp_path):
    """So do small data sets by themselves where the scores of the weights are sigmoids."""
    extend = {'weights': str(tmp_path / 'start.safetensors'), 'extension': {'channels': 8}}
    train(load_run(run_file, [f'model={json.dumps(extend)}', masks_run[2]]))
    weights, config, _ = read_checkpoint(tmp_path / 'out' / 'last.safetensors')
    assert config.class_names == ('cup', 'bowl', 'disc', 'square', 'triangle', 'star', 'ring')
    for key, value in load_file(tmp_path / 'start.safetensors').items():
        if not key.startswith('semantic'):
            assert torch.equal(weights[key], value), key
