"""What a training run is made of: its file, schedule, batches and first weights."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file
from shapes import write_shapes
from torchvision.models import resnet50

from yolact_core import InputError, ModelConfig, build_network, load_network
from yolact_core.checkpoints.backbone_weights import load_backbone
from yolact_core.checkpoints.checkpoint import read_checkpoint
from yolact_core.training import RunConfig, load_run
from yolact_core.training.augmentation import AugmentationOptions, training_recipe
from yolact_core.training.data import open_dataset
from yolact_core.training.optimization import OptimizerOptions, Schedule, ScheduleOptions
from yolact_core.training.options import DataOptions, NetworkOptions
from yolact_core.training.samples import BatchOrder, TrainingSamples
from yolact_core.training.weights import start_network


@pytest.fixture(scope='module')
def shapes(tmp_path_factory) -> Path:
    """Draw a small data set and return its annotation file."""
    return write_shapes(tmp_path_factory.mktemp('shapes'), images=24, seed=3, size=(96, 96))


@pytest.fixture
def run_file(tmp_path) -> Path:
    """Write a run file that says little."""
    path = tmp_path / 'run.yaml'
    path.write_text(yaml.safe_dump({'data': {'train': 'a', 'images': 'b'}, 'batch_size': 4}))
    return path


# What a run file may say


def test_a_run_needs_no_more_than_data(tmp_path):
    path = tmp_path / 'run.yaml'
    path.write_text('data: {train: a.json, images: pictures}')
    assert load_run(path) == RunConfig(DataOptions(train='a.json', images='pictures'))


def test_the_command_line_changes_single_values(run_file):
    run = load_run(run_file, ['optimizer.learning_rate=1e-2', 'seed=7', 'augmentation.jpeg=0.5'])
    assert (run.optimizer.learning_rate, run.seed, run.augmentation.jpeg) == (0.01, 7, 0.5)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ('optimizer.rate=1', "optimizer: key must be one of kind, .*, got 'rate'"),
        ('colour=red', "key must be one of data, .*, got 'colour'"),
        ('seed', "change must look like key=value, got 'seed'"),
        ('seed=soon', "seed must be of type int, got 'soon'"),
        ('seed.deep=1', 'seed.deep must lie within keys and values, but seed is 0'),
        ('output=[', "value of output must be YAML, got '\\['"),
        ('optimizer.average=1.0', r'average must be in \[0, 1\), got 1.0'),
        ('schedule.max_minutes=0.5', 'max_minutes must be more than the 1.0 reserve_minutes'),
        ('device.devices=3', 'batch_size must be a multiple of the 3 devices, got 4'),
    ],
)
def test_impossible_runs_are_refused(run_file, change, message):
    changes = ['seed=0', change] if change.startswith('seed.') else [change]
    with pytest.raises(InputError, match=message):
        load_run(run_file, changes)


# The schedule


def paper_schedule(batch_size: int = 8) -> Schedule:
    options = ScheduleOptions(
        'steps', steps=800_000, milestones=(280_000, 600_000, 700_000, 750_000)
    )
    return Schedule.build(options, OptimizerOptions(), batch_size)


@pytest.mark.parametrize(
    ('step', 'rate'),
    [
        (0, 1e-4),
        (250, 5.5e-4),
        (500, 1e-3),
        (279_999, 1e-3),
        (280_000, 1e-4),
        (600_000, 1e-5),
        (750_000, 1e-7),
    ],
)
def test_the_rate_is_that_of_the_paper(step, rate):
    assert paper_schedule().rate(step, step / 800_000) == pytest.approx(rate)


def test_larger_batches_mean_larger_and_fewer_steps():
    schedule = paper_schedule(batch_size=32)
    assert schedule.full_rate == pytest.approx(4e-3)
    assert (schedule.steps, schedule.milestones[0]) == (200_000, 70_000)
    assert schedule.rate(0, 0) == 1e-4


def test_a_cosine_falls_with_the_time_if_that_is_used_up_first():
    options = ScheduleOptions(steps=10_000, warmup_steps=10, max_minutes=11, reserve_minutes=1)
    schedule = Schedule.build(options, OptimizerOptions(scale_to_batch=False), 64)
    assert schedule.progress(100, 300) == 0.5
    assert schedule.progress(9000, 300) == 0.9
    assert schedule.rate(100, 0.5) == pytest.approx(1e-3 * (0.01 + 0.99 / 2))
    assert schedule.rate(100, 1.0) == pytest.approx(1e-5)


# The data


def test_each_epoch_has_every_image_once():
    batches = itertools.islice(BatchOrder(10, 4, seed=0), 5)
    positions = [position for batch in batches for position in batch]
    assert sorted(positions[:10]) == list(range(10))
    assert sorted(positions[10:]) == list(range(10, 20))
    assert [item % 10 for item in positions[:10]] != [item % 10 for item in positions[10:]]


def test_a_batch_order_can_be_entered_anywhere():
    whole = list(itertools.islice(BatchOrder(10, 4, seed=1), 30))
    for first in range(0, 28, 3):
        order = BatchOrder(10, 4, seed=1, first_step=first)
        assert list(itertools.islice(order, 2)) == whole[first : first + 2]


def test_processes_share_each_batch():
    whole = itertools.islice(BatchOrder(10, 4, seed=1), 6)
    shares = zip(
        *(BatchOrder(10, 4, seed=1, rank=rank, processes=2) for rank in range(2)), strict=True
    )
    for batch, (first, second) in zip(whole, itertools.islice(shares, 6), strict=True):
        assert sorted(first + second) == sorted(batch)


def test_a_sample_depends_on_its_position_alone(shapes):
    data = DataOptions(train=str(shapes), images=str(shapes.parent / 'images'))
    dataset = open_dataset(data, 'train')
    config = ModelConfig.from_name('yolact_resnet18').replace(input_size=64)
    transform = training_recipe('standard', config, AugmentationOptions())
    samples = TrainingSamples(dataset, transform, seed=5)
    first = samples[30].image
    _ = samples[2]
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(samples[30].image, first)
    assert not np.array_equal(samples[30 + len(dataset)].image, first)


# The weights to begin with


def test_a_backbone_loads_what_torchvision_publishes():
    torch.manual_seed(0)
    published = resnet50()
    network = build_network('yolact_resnet50')
    load_backbone(network, published.state_dict())
    weight = network.get_parameter('backbone.layers.2.1.conv2.weight')
    assert torch.equal(weight, published.get_parameter('layer3.1.conv2.weight'))


def test_a_backbone_refuses_the_weights_of_another():
    network = build_network('yolact_resnet50')
    with pytest.raises(InputError, match=r'must have conv1.weight \(64, 3, 7, 7\); 265 of 318'):
        load_backbone(network, {'stem.weight': torch.zeros(3)})


def test_a_backbone_file_is_read(tmp_path):
    options = NetworkOptions(
        config='yolact_efficientnet_lite0',
        backbone_weights=str(tmp_path / 'trunk.safetensors'),
        input_size=128,
        feature_channels=16,
    )
    donor, _, _ = start_network(
        NetworkOptions(config='yolact_efficientnet_lite0', feature_channels=16), ('a',), 1000
    )
    trunk = {
        key.removeprefix('body.'): value.half() if value.is_floating_point() else value
        for key, value in donor.backbone.state_dict().items()
    }
    save_file(trunk, tmp_path / 'trunk.safetensors')
    network, _, _ = start_network(options, ('a',), 1000)
    weight = network.get_parameter('backbone.body.conv_stem.weight')
    assert torch.equal(weight, trunk['conv_stem.weight'].float())
    assert network.config.anchors.scales[0] == pytest.approx((17 * 128 / 384,))


def test_weights_that_do_not_tell_their_configuration_are_of_the_one_given(tiny_model, tmp_path):
    source = load_network(tiny_model)
    torch.save(source.state_dict(), tmp_path / 'mine.pth')
    (tmp_path / 'mine.yaml').write_text(json.dumps(source.config.to_mapping()))
    weights, config = str(tmp_path / 'mine.pth'), str(tmp_path / 'mine.yaml')
    with pytest.raises(InputError, match='give a configuration'):
        start_network(NetworkOptions(weights=weights), ('cup', 'spoon'), 1000)
    start = start_network(NetworkOptions(weights=weights, config=config), ('cup', 'spoon'), 1000)
    assert 'it goes on knowing cup' in start.origin


def test_fine_tuning_keeps_what_fits_and_says_so(tiny_model):
    network, report, _ = start_network(
        NetworkOptions(weights=str(tiny_model)), ('cup', 'spoon'), 1000
    )
    weights, _, _ = read_checkpoint(tiny_model)
    assert network.config.class_names == ('cup', 'spoon')
    assert torch.equal(network.state_dict()['proto_net.0.weight'], weights['proto_net.0.weight'])
    assert 're-initialised: ' in report
    assert 'conf_layer.weight' in report
