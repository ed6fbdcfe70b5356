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

from yolact_core import InputError, ModelConfig, build_network, load_network
from yolact_core.checkpoints.checkpoint import read_checkpoint, save_checkpoint
from yolact_core.checkpoints.recognition import OWNER, STATE
from yolact_core.training import load_run
from yolact_core.training.module import TrainingModule
from yolact_core.training.optimization import move_average
from yolact_core.training.options import NetworkOptions
from yolact_core.training.resuming import OPTIONS, RESUME, StateFiles, check_state
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
    network, _, _ = start_network(NetworkOptions(weights=str(tiny_model)), ('a',), 1000)
    average, _, _ = start_network(NetworkOptions(weights=str(tiny_model)), ('a',), 1000)
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


def test_what_cannot_be_trained_is_said(run_file):
    parts = '[backbone, fpn, proto_net, prediction_layers, semantic_seg_conv]'
    with pytest.raises(InputError, match=r'model.freeze must leave something to train, got \[.ba'):
        train(load_run(run_file, [f'model.freeze={parts}']))


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_a_device_that_is_not_here_is_said(run_file):
    with pytest.raises(InputError, match='device must be one of this machine: '):
        train(load_run(run_file, ['device.accelerator=gpu']))


def test_an_output_is_not_overwritten_by_accident(run_file, tmp_path):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'resume.ckpt').touch()
    with pytest.raises(InputError, match=r'output must be a folder without resume.ckpt'):
        train(load_run(run_file))


def test_an_output_that_is_no_folder_is_refused_before_anything_is_read(run_file, tmp_path):
    (tmp_path / 'file').touch()
    for output in ('file', 'file/within'):
        with pytest.raises(InputError, match=r"output must be a folder that can be .* got '.*fil"):
            train(load_run(run_file, [f'output={tmp_path / output}', 'data.train=none.json']))
    (tmp_path / 'out' / 'resume.ckpt').mkdir(parents=True)
    with pytest.raises(InputError, match=r'output must be a folder without resume.ckpt'):
        train(load_run(run_file))


def test_a_run_that_never_began_cannot_go_on(run_file):
    with pytest.raises(InputError, match=r'resume.ckpt must exist to resume'):
        train(load_run(run_file, ['resume=true']))


def spoil(monkeypatch: pytest.MonkeyPatch, steps: set[int]) -> None:
    """Let images of some steps make the network overflow."""
    whole = TrainingModule.training_step

    def spoilt(module: TrainingModule, batch: tuple[torch.Tensor, object], index: int):
        if module.global_step in steps:
            batch = (batch[0] * torch.inf, batch[1])
        return whole(module, batch, index)

    monkeypatch.setattr(TrainingModule, 'training_step', spoilt)


@pytest.mark.parametrize('freeze', ['always', 'never'])
def test_a_step_that_is_not_finite_changes_no_weight_and_no_statistic(
    run_file, tmp_path, monkeypatch, freeze
):
    norm = f'freeze_batch_norm={freeze}'
    train(load_run(run_file, [norm, 'schedule.steps=4']))
    spoil(monkeypatch, {4, 5})
    figures = train(load_run(run_file, [norm, f'output={tmp_path / "spoilt"}']))

    assert figures['skipped'] == 2
    whole, spoilt = weights_in(tmp_path / 'out'), weights_in(tmp_path / 'spoilt')
    for key, value in whole.items():
        if not key.endswith('num_batches_tracked'):
            assert torch.equal(value, spoilt[key]), key


def test_a_run_that_diverges_ends_and_leaves_what_was_saved_before(
    run_file, tmp_path, monkeypatch
):
    train(load_run(run_file, ['schedule.steps=4']))
    before = {path.name: path.read_bytes() for path in (tmp_path / 'out').glob('*.*t*')}
    spoil(monkeypatch, set(range(6, 100)))
    text = r'4 of the last 6 steps were skipped .* lower optimizer.learning_rate, now 0.001'
    with pytest.raises(InputError, match=text):
        train(load_run(run_file, ['resume=true', 'schedule.steps=10', 'report.save_minutes=0']))
    after = {path.name: path.read_bytes() for path in (tmp_path / 'out').glob('*.*t*')}
    assert after.keys() == before.keys()
    assert torch.load(tmp_path / 'out' / 'resume.ckpt')['global_step'] == 6
    assert all(value.isfinite().all() for value in weights_in(tmp_path / 'out').values())


def test_a_run_that_diverges_for_long_does_not_wait_for_its_end(run_file, monkeypatch):
    monkeypatch.setattr('yolact_core.training.module.LATEST', 6)
    spoil(monkeypatch, set(range(3, 10_000)))
    with pytest.raises(InputError, match='4 of the last 6 steps were skipped'):
        train(load_run(run_file, ['schedule.steps=10000']))


def test_weights_that_are_not_finite_are_never_written(run_file, tmp_path, monkeypatch):
    def overflow(module: TrainingModule) -> None:
        module.network.get_parameter('proto_net.0.bias').data[0] = torch.inf

    monkeypatch.setattr(TrainingModule, 'refuse_divergence', overflow)
    with pytest.raises(InputError, match=r'lower optimizer.learning_rate'):
        train(load_run(run_file))
    assert not (tmp_path / 'out' / 'last.safetensors').exists()
    assert not (tmp_path / 'out' / 'resume.ckpt').exists()


@pytest.mark.slow
def test_a_run_that_was_broken_off_ends_with_the_same_weights(run_file, tmp_path):
    train(load_run(run_file))
    parts = f'output={tmp_path / "parts"}'
    train(load_run(run_file, [parts, 'schedule.steps=2']))
    figures = train(load_run(run_file, [parts, 'resume=true']))
    assert figures['steps'] == 6
    whole, resumed = weights_in(tmp_path / 'out'), weights_in(tmp_path / 'parts')
    assert all(torch.equal(value, resumed[key]) for key, value in whole.items())


@pytest.fixture
def broken_run(run_file) -> Path:
    """Return a run that was broken off after a step."""
    train(load_run(run_file, ['schedule.steps=1']))
    return run_file


def rename(shapes: Path, folder: Path, names: list[str]) -> str:
    """Write annotations with other names of classes, and return what makes a run use them."""
    content = json.loads(shapes.read_text())
    for category, name in zip(content['categories'], names, strict=True):
        category['name'] = name
    path = folder / 'renamed.json'
    path.write_text(json.dumps(content))
    return f'data.train={path}'


@pytest.mark.parametrize(
    ('change', 'text'),
    [
        ('model.input_size=128', 'the same model.input_size .* has 96 instead of 128'),
        ('model.prototypes=8', 'the same model.prototypes .* has 4 instead of 8'),
        ('model.freeze=[fpn]', 'the same trained weights .* fpn.* is in one of them only'),
        ('freeze_batch_norm=never', 'the same trained weights'),
        ('optimizer.kind=adamw', 'the same optimizer.kind .* has sgd instead of adamw'),
        ('optimizer.average=0', 'the same optimizer.average above 0 .* True instead of False'),
        ('batch_size=2', 'the same batch_size .* has 4 instead of 2'),
        ('seed=1', 'the same seed'),
    ],
)
def test_another_run_does_not_go_on_with_a_state(broken_run, change, text):
    with pytest.raises(InputError, match=rf'{text}.*; .*model.weights=.*last.safetensors'):
        train(load_run(broken_run, ['resume=true', change]))


def test_other_classes_or_annotations_do_not_go_on_with_a_state(broken_run, shapes, tmp_path):
    text = (
        r"the same classes of data.train .* \('disc', 'square', .* instead of \('square', 'disc'"
    )
    swapped = rename(shapes, tmp_path, ['square', 'disc', 'triangle', 'star', 'ring'])
    with pytest.raises(InputError, match=text):
        train(load_run(broken_run, ['resume=true', swapped]))
    content = json.loads(shapes.read_text())
    content['images'].reverse()
    (tmp_path / 'other.json').write_text(json.dumps(content))
    with pytest.raises(InputError, match=r'the same content of data.train .* has another;'):
        train(load_run(broken_run, ['resume=true', f'data.train={tmp_path / "other.json"}']))


def test_what_may_change_in_a_break_is_logged(broken_run, shapes, tmp_path, caplog):
    moved = tmp_path / 'moved.json'
    moved.write_bytes(shapes.read_bytes())
    changes = ['optimizer.learning_rate=0.01', 'schedule.steps=2', f'data.train={moved}']
    with caplog.at_level('INFO'):
        figures = train(load_run(broken_run, ['resume=true', *changes]))
    assert figures['steps'] == 2
    assert 'optimizer.learning_rate 0.01 instead of 0.001, schedule.steps 2 inst' in caplog.text


@pytest.mark.parametrize(
    ('old', 'new', 'text'),
    [
        (('a', 'b'), ('b', 'a'), "has ('a', 'b') instead of ('b', 'a')"),
        (('a' * 99, 'b'), ('b', 'a' * 99), 'has them in another order'),
        (('a' * 99, 'a' * 99), ('a' * 99,), 'has 2 of them instead of 1'),
        (('a' * 99, 'b'), ('a' * 99,), 'b is in one of them only'),
        ('a' * 99, 'b' * 99, 'has another'),
    ],
)
def test_how_a_state_differs_is_said_shortly(tmp_path, old, new, text):
    path = tmp_path / RESUME
    torch.save({STATE: {OWNER: {'heads': old}, OPTIONS: {}}}, path)
    with pytest.raises(InputError) as caught:
        check_state(path, {OWNER: {'heads': new}, OPTIONS: {}})
    assert str(caught.value) == (
        f'{path} must be of a run with the same heads to be resumed, but {text}; '
        'to begin anew, give another output'
    )


def test_a_state_that_cannot_be_written_whole_leaves_the_last_one(tmp_path):
    (tmp_path / RESUME).write_bytes(b'before')
    with pytest.raises(AttributeError, match='pickle'):
        StateFiles().save_checkpoint({'step': 3, 'net': lambda: None}, tmp_path / RESUME)
    assert [path.name for path in tmp_path.iterdir()] == [RESUME]
    assert (tmp_path / RESUME).read_bytes() == b'before'


@pytest.mark.parametrize(
    ('write', 'text'),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), 'and whole'),
        (lambda path: path.write_bytes(b''), 'and whole'),
        (lambda path: torch.save({'state_dict': {}}, path), 'must say which run it is of'),
        (lambda path: torch.save([1], path), 'must say which run it is of'),
    ],
)
def test_a_state_that_is_damaged_or_of_another_version_is_refused(
    broken_run, tmp_path, write, text
):
    write(tmp_path / 'out' / 'resume.ckpt')
    with pytest.raises(InputError, match=rf'resume.ckpt .*{text}.*; to begin anew, give'):
        train(load_run(broken_run, ['resume=true']))


def test_a_state_is_a_model_too(broken_run, tmp_path):
    loaded = load_network(tmp_path / 'out' / 'resume.ckpt')
    assert loaded.config.class_names == ('disc', 'square', 'triangle', 'star', 'ring')
    for key, value in weights_in(tmp_path / 'out').items():
        assert torch.equal(loaded.state_dict()[key], value), key


def test_bf16_trains_almost_as_fp32_and_keeps_weights_in_it(run_file, tmp_path):
    train(load_run(run_file))
    figures = train(load_run(run_file, ['device.precision=bf16', f'output={tmp_path / "less"}']))
    assert figures['skipped'] == 0
    before, after = weights_in(tmp_path / 'out'), weights_in(tmp_path / 'less')
    differing = [key for key in before if not torch.equal(before[key], after[key])]
    assert differing  # it was trained in another precision
    for key, value in before.items():
        assert after[key].dtype == value.dtype
        if value.is_floating_point():
            assert (after[key] - value).abs().max() < 0.05 * value.abs().max() + 0.01, key


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


def test_a_network_is_extended_at_another_size_but_not_with_other_parts(
    run_file, masks_run, tmp_path
):
    """Small data extend it by themselves only where nothing else is wanted."""
    extend = {'weights': str(tmp_path / 'start.safetensors'), 'extension': {'channels': 8}}
    extend |= {'input_size': 128}
    train(load_run(run_file, [f'model={json.dumps(extend)}', 'schedule.steps=1']))
    _, config, _ = read_checkpoint(tmp_path / 'out' / 'last.safetensors')
    assert (config.input_size, len(config.class_names)) == (128, 7)

    wider = {**extend, 'prototypes': 8}
    start = start_network(NetworkOptions(weights=wider['weights'], prototypes=8), ('a',), 5)
    assert start.network.config.class_names == ('a',)
    wider['classes'] = 'extend'
    with pytest.raises(InputError, match=r'model.prototypes must not be given where classes is'):
        train(load_run(run_file, [f'model={json.dumps(wider)}', f'output={tmp_path / "b"}']))


def test_classes_of_an_extended_network_are_replaced(run_file, masks_run, tmp_path):
    options = NetworkOptions(weights='indoor', classes='replace')
    network, origin, _ = start_network(options, ('disc', 'ring'), 1000)
    assert network.config.class_names == ('disc', 'ring')
    assert network.config.output_count == 2
    assert 'all classes are new' in origin


def test_an_extended_network_learns_new_classes_and_keeps_the_old(run_file, masks_run, tmp_path):
    """So do small data sets by themselves where the scores of the weights are sigmoids."""
    extend = {'weights': str(tmp_path / 'start.safetensors'), 'extension': {'channels': 8}}
    train(load_run(run_file, [f'model={json.dumps(extend)}', masks_run[2]]))
    weights, config, _ = read_checkpoint(tmp_path / 'out' / 'last.safetensors')
    assert config.class_names == ('cup', 'bowl', 'disc', 'square', 'triangle', 'star', 'ring')
    for key, value in load_file(tmp_path / 'start.safetensors').items():
        if not key.startswith('semantic'):
            assert torch.equal(weights[key], value), key
