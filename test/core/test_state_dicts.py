"""Weights out of files as other programs leave them."""

import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from yolact_core import InputError, ModelConfig, build_network, load_network, save_checkpoint
from yolact_core.config import BackboneConfig


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(5)
    config = ModelConfig.from_name('yolact_resnet18').replace(
        name='small',
        input_size=128,
        backbone=BackboneConfig('test_resnet', (2, 3, 4)),
        class_names=('cup', 'bowl'),
        feature_channels=16,
        prototypes=8,
    )
    return build_network(config)


@pytest.fixture(scope='module')
def official():
    """Return a network of an official configuration, with 80 classes."""
    return build_network('yolact_resnet50')


def prefix(weights, *parts):
    return {'.'.join([*parts, key]): value for key, value in weights.items()}


def zeros(weights):
    return {key: torch.zeros_like(value) for key, value in weights.items()}


def without_counters(weights):
    return {key: value for key, value in weights.items() if 'num_batches' not in key}


def assert_same_weights(loaded, network, tolerance=0.0):
    for key, value in without_counters(network.state_dict()).items():
        assert loaded.state_dict()[key].dtype == value.dtype
        torch.testing.assert_close(loaded.state_dict()[key], value, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize(
    'wrap',
    [
        lambda weights: prefix(weights, 'module'),
        lambda weights: prefix(weights, '_orig_mod'),
        lambda weights: prefix(weights, 'module', '_orig_mod'),
        lambda weights: {key.replace('backbone.', 'backbone._orig_mod.'): value
                         for key, value in weights.items()},
        lambda weights: {'state_dict': weights, 'optimizer': {'state': {}, 'lr': 0.1}},
        lambda weights: {'epoch': 3, 'step': torch.tensor(9), 'model': weights},
        lambda weights: {'model': zeros(weights), 'ema': weights},
        lambda weights: {'ema': {'decay': 0.9, 'module': weights}},
        lambda weights: {'ema': {'decay': torch.tensor(0.9)}, 'model': weights},
        lambda weights: {'state_dict': {**prefix(weights, 'model', 'net'),
                                        'loss.weight': torch.ones(3)}},
        lambda weights: {'state_dict': {**prefix(zeros(weights), 'network'),
                                        **prefix(weights, 'average')}},
        lambda weights: {'checkpoint': {'params': zeros(weights), 'params_ema': weights}},
        lambda weights: {'model': zeros(weights), 'ema': {'decay': 0.9, 'shadow': weights}},
        lambda weights: {'any': {'name': weights}, 'optimizer': {'state': {0: {'a': weights}}}},
        lambda weights: {'model': weights, 'best': dict(weights)},
        lambda weights: {**weights, 'epoch': 3},
        without_counters,
        lambda weights: {**weights, 'fpn.pred_layers.0.num_batches_tracked': torch.tensor(7)},
    ],
)  # fmt: skip
def test_weights_are_found_however_they_are_wrapped(network, tmp_path, wrap):
    torch.save(wrap(network.state_dict()), tmp_path / 'mine.pth')
    assert_same_weights(load_network(tmp_path / 'mine.pth', network.config), network)


def test_weights_of_several_networks_are_not_chosen_from(network, tmp_path):
    weights = network.state_dict()
    both = {**prefix(zeros(weights), 'student'), **prefix(weights, 'teacher')}
    torch.save({'model': both}, tmp_path / 'mine.pth')
    text = r'must be of one network, got those of model.student and of model.teacher: save'
    with pytest.raises(InputError, match=text):
        load_network(tmp_path / 'mine.pth', network.config)


@pytest.mark.parametrize('name', ['mine', 'mine.PTH', 'mine.pth.tar', 'mine.bin', 'm.safetensors'])
def test_content_tells_what_a_file_is_whatever_its_name(network, tmp_path, name):
    torch.save(network.state_dict(), tmp_path / name)
    assert_same_weights(load_network(tmp_path / name, network.config), network)
    save_checkpoint(network, tmp_path / 'ours.safetensors')
    (tmp_path / 'ours.safetensors').replace(tmp_path / name)
    assert_same_weights(load_network(tmp_path / name), network)


@pytest.mark.parametrize('kind', [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_any_precision_become_float32(network, tmp_path, kind):
    other = {
        key: value.to(kind) if value.is_floating_point() else value
        for key, value in network.state_dict().items()
    }
    torch.save(other, tmp_path / 'mine.pt')
    assert_same_weights(load_network(tmp_path / 'mine.pt', network.config), network, 0.01)


def test_files_of_old_versions_of_torch_load(network, tmp_path):
    torch.save(network.state_dict(), tmp_path / 'old.pth', _use_new_zipfile_serialization=False)
    assert_same_weights(load_network(tmp_path / 'old.pth', network.config), network)


@pytest.mark.parametrize(
    'name',
    [
        'yolact_resnet50_54_800000',
        'yolact_resnet50_10_32100_interrupt',
        'yolact_resnet50',
        'best (1)',  # told by its shapes
    ],
)
def test_a_configuration_is_told_by_name_or_shapes(official, tmp_path, name):
    torch.save(official.state_dict(), tmp_path / f'{name}.pth')
    assert load_network(tmp_path / f'{name}.pth').config.name == 'yolact_resnet50'


def test_shapes_of_several_configurations_are_not_guessed_at(tmp_path):
    torch.save(build_network('yolact_im700').state_dict(), tmp_path / 'best.pth')
    text = 'those of 80 classes may be of yolact_base, yolact_im400, yolact_im700: give a config'
    with pytest.raises(InputError, match=text):
        load_network(tmp_path / 'best.pth')
    for name in (
        'yolact_im700_1_2',
        'Yolact_IM700_1_2',
        'yolact_im700_1_2 (1)',
        'my yolact-im700',
    ):
        path = (tmp_path / 'best.pth').rename(tmp_path / f'{name}.pth')
        assert load_network(path).config.name == 'yolact_im700'
        path.rename(tmp_path / 'best.pth')


@pytest.mark.parametrize('name', ['yolact_resnet18_1_2', 'mine'])
def test_another_number_of_classes_is_said(tmp_path, name):
    config = ModelConfig.from_name('yolact_resnet18').replace(class_names=('a', 'b', 'c'))
    path = tmp_path / f'{name}.pth'
    torch.save(build_network(config).state_dict(), path)
    text = 'weights must have the 80 classes of configuration yolact_resnet18, got 3: give a'
    with pytest.raises(InputError, match=text):
        load_network(path)
    assert load_network(path, config).config.class_names == ('a', 'b', 'c')


@pytest.mark.parametrize(
    ('change', 'text'),
    [
        (lambda value: value.fill_(torch.nan), 'must be finite, but are not in fpn.lat_layers.0'),
        (lambda value: value.to('meta'), 'must be plain tensors'),
        (lambda value: value.double() * 1e300 + 1e300, 'must be finite'),
        (lambda value: value[:3], r'has other shapes for fpn.lat_layers.0.bias \(3,\) instead of'),
    ],
)
def test_weights_that_cannot_be_used_are_refused(network, tmp_path, change, text):
    weights = {key: value.clone() for key, value in network.state_dict().items()}
    weights['fpn.lat_layers.0.bias'] = change(weights['fpn.lat_layers.0.bias'])
    torch.save(weights, tmp_path / 'mine.pth')
    with pytest.raises(InputError, match=text):
        load_network(tmp_path / 'mine.pth', network.config)


def test_a_checkpoint_of_ours_with_infinite_weights_is_refused(network, tmp_path):
    path = tmp_path / 'mine.safetensors'
    save_checkpoint(network, path)
    weights = load_file(path)
    with torch.no_grad():
        weights['proto_net.0.bias'][0] = torch.inf
    changed = build_network(network.config)
    changed.load_state_dict(weights)
    save_checkpoint(changed, path)
    with pytest.raises(InputError, match=r'must be finite, but are not in proto_net.0.bias'):
        load_network(path)


class Owner:
    """What unpickles only by running code."""

    def __reduce__(self):
        return print, ('owned',)


def write_cycle(path):
    cycle = {}
    cycle['model'] = cycle
    torch.save(cycle, path)


@pytest.mark.parametrize(
    ('write', 'text'),
    [
        (lambda path: path.write_bytes(b''), 'torch.save wrote, and whole'),
        (lambda path: path.write_bytes(b'PK\3\4'), 'torch.save wrote, and whole'),
        (lambda path: path.write_bytes(bytes(range(256))), 'must '),
        (lambda path: path.write_text('<!DOCTYPE html>'), "but begins with b'<!DOCTYPE"),
        (lambda path: path.write_text('version https://git-lfs'), "but begins with b'version"),
        (lambda path: path.write_bytes(pickle.dumps(Owner())), 'asks for code to be run'),
        (lambda path: torch.save({'model': Owner()}, path), 'asks for code to be run'),
        (lambda path: torch.save({'epoch': 3, 'lr': 0.1}, path), 'got keys epoch, lr'),
        (lambda path: torch.save(torch.ones(3), path), 'got Tensor'),
        (lambda path: torch.save({3: torch.ones(3)}, path), 'got keys 3'),
        (write_cycle, 'got keys model'),
        (lambda path: path.mkdir(), 'must exist'),
    ],
)
def test_what_holds_no_weights_is_refused_in_one_sentence(tmp_path, capsys, write, text):
    write(tmp_path / 'mine.pth')
    with pytest.raises(InputError, match=text) as caught:
        load_network(tmp_path / 'mine.pth', 'yolact_resnet18')
    assert '\n' not in str(caught.value)
    assert 'owned' not in capsys.readouterr().out


def test_a_file_cut_short_is_refused(network, tmp_path):
    path = tmp_path / 'mine.pth'
    for modern in (True, False):
        torch.save(network.state_dict(), path, _use_new_zipfile_serialization=modern)
        path.write_bytes(path.read_bytes()[:-5000])
        with pytest.raises(InputError, match=r'mine.pth must '):
            load_network(path, network.config)


@pytest.mark.parametrize(
    'header', [b'\xff' * 8, b'\2' + bytes(7) + b'{}', b'\3' + bytes(7) + b'abc']
)
def test_a_wrong_header_of_safetensors_is_refused(tmp_path, header):
    (tmp_path / 'mine.safetensors').write_bytes(header)
    with pytest.raises(InputError, match=r'mine.safetensors must '):
        load_network(tmp_path / 'mine.safetensors')


def test_metadata_that_do_not_fit_are_refused(network, tmp_path):
    path = tmp_path / 'mine.safetensors'
    for facts in ('[]', '{"colors": [[1, 2]], "training": {}, "license": ""}', '{"colors": 3}'):
        metadata = {'format': 'yolact-1', 'config': '[]', 'facts': facts}
        save_file({'a': torch.ones(1)}, path, metadata)
        with pytest.raises(InputError, match=r'mine.safetensors'):
            load_network(path)
