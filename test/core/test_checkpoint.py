import dataclasses
import json
import os
import pickle

import pytest
import torch
from safetensors.torch import save_file

from yolact_core import InputError, ModelConfig, build_network, load_network, save_checkpoint
from yolact_core.checkpoints.checkpoint import (
    Facts,
    hash_weights,
    load_checkpoint,
    read_checkpoint,
    read_losses,
    write_checkpoint,
)
from yolact_core.checkpoints.transfer import transfer_weights


@pytest.fixture(scope='module')
def network():
    return build_network(small_config())


def small_config(**changes):
    config = ModelConfig.from_name('yolact_efficientnet_lite0')
    values = {'name': 'small', 'input_size': 128, 'feature_channels': 16, 'prototypes': 8}
    return config.replace(**{**values, 'class_names': ('cup', 'bowl'), **changes})


def assert_same_weights(network, other):
    for key, value in network.state_dict().items():
        torch.testing.assert_close(other.state_dict()[key], value, atol=0, rtol=0)


def test_a_checkpoint_carries_weights_configuration_and_facts(network, tmp_path):
    training, losses = {'mask_ap': 0.33, 'images': 20}, {'bfloat16': 0.05}
    facts = Facts(((255, 0, 0), (0, 255, 0)), training, 'CC-BY-4.0', losses)
    save_checkpoint(network, tmp_path / 'model.safetensors', facts)
    loaded, loaded_facts = load_checkpoint(tmp_path / 'model.safetensors')
    assert loaded.config == network.config
    assert loaded_facts == facts
    assert not loaded.training
    assert_same_weights(network, loaded)
    assert_same_weights(network, load_network(tmp_path / 'model.safetensors'))


def test_losses_are_read_alone_and_written_without_touching_weights(network, tmp_path):
    path = tmp_path / 'model.safetensors'
    half = build_network(network.config)
    save_checkpoint(half.half(), path)
    assert read_losses(path) == {}
    before = path.read_bytes()
    weights, config, facts = read_checkpoint(path)
    losses = {'bfloat16': 0.05, 'int8': 0.4}
    write_checkpoint(weights, config, dataclasses.replace(facts, losses=losses), path)
    assert read_losses(path) == losses
    size = sum(weight.nbytes for weight in weights.values())
    assert path.read_bytes()[-size:] == before[-size:]


def test_a_checkpoint_of_before_and_an_official_file_tell_no_losses(network, tmp_path):
    old, official = tmp_path / 'old.safetensors', tmp_path / 'mine.pth'
    facts = {'colors': [[0, 0, 0], [9, 9, 9]], 'training': {}, 'license': ''}
    metadata = {'config': json.dumps(network.config.to_mapping()), 'facts': json.dumps(facts)}
    save_file(network.state_dict(), old, {'format': 'yolact-1', **metadata})
    torch.save(network.state_dict(), official)
    assert read_losses(old) == read_losses(official) == {}
    metadata['facts'] = json.dumps({**facts, 'losses': {'int8': 'little'}})
    save_file(network.state_dict(), old, {'format': 'yolact-1', **metadata})
    with pytest.raises(InputError, match='must hold whole metadata: could not convert string'):
        read_losses(old)


def test_weights_saved_in_half_precision_load_into_float32(network, tmp_path):
    half = build_network(network.config)
    half.load_state_dict(network.state_dict())
    save_checkpoint(half.half(), tmp_path / 'half.safetensors')
    loaded = load_network(tmp_path / 'half.safetensors')
    assert loaded.fpn.lat_layers[0].weight.dtype == torch.float32


def test_an_official_file_is_recognised_by_its_name(tmp_path):
    official = build_network('yolact_resnet50')
    path = tmp_path / 'yolact_resnet50_54_800000.pth'
    torch.save(official.state_dict(), path)
    loaded = load_network(path)
    assert loaded.config.name == 'yolact_resnet50'
    assert_same_weights(official, loaded)


def test_a_pth_file_of_another_configuration_loads_with_it(network, tmp_path):
    torch.save(network.state_dict(), tmp_path / 'mine.pth')
    assert_same_weights(network, load_network(tmp_path / 'mine.pth', network.config))


class Malicious:
    def __reduce__(self):
        return os.mkdir, ('owned',)


def write_malicious(path):
    path.write_bytes(pickle.dumps(Malicious()))


@pytest.mark.parametrize(
    ('name', 'write', 'text'),
    [
        ('none.pth', lambda path: None, "model file must exist, got '.*none.pth'"),
        ('photo.jpg', lambda path: None, 'or a .pth, .pt, .ckpt or .safetensors file, got'),
        ('yolact_bse', lambda path: None, 'model must be one of .*yolact_base.*got'),
        ('yolact_base_1_2.pth', write_malicious, 'it asks for code to be run, or is damaged'),
        (
            'yolact_base_1_2.pth',
            lambda path: path.write_bytes(b''),
            'must be a file that torch',
        ),
        ('yolact_base_1_2.pth', lambda path: torch.save([1], path), 'a state dict of tensors'),
        (
            'yolact_base_1_2.pth',
            lambda path: torch.save({'a': torch.ones(1)}, path),
            'it misses backbone.bn1.bias',
        ),
        (
            'mine.pth',
            lambda path: torch.save({}, path),
            'tensors, got an empty one',
        ),
        ('a.safetensors', lambda path: path.write_bytes(b'abc'), "but begins with b'abc'"),
        (
            'a.safetensors',
            lambda path: save_file({'a': torch.zeros(1)}, path),
            "must say that its format is 'yolact-1', got None",
        ),
        (
            'a.safetensors',
            lambda path: save_file({'a': torch.zeros(1)}, path, {'format': 'yolact-1'}),
            "must hold whole metadata: 'config'",
        ),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(tmp_path, monkeypatch, name, write, text):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / name)
    with pytest.raises(InputError, match=text) as caught:
        load_network(name if '.' not in name else tmp_path / name)
    assert '\n' not in str(caught.value)
    assert not (tmp_path / 'owned').exists()


def test_a_truncated_checkpoint_is_refused(network, tmp_path):
    path = tmp_path / 'model.safetensors'
    save_checkpoint(network, path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match='must be a readable safetensors file'):
        read_checkpoint(path)


def test_a_checkpoint_whose_weights_do_not_fit_its_configuration_is_refused(network, tmp_path):
    other = build_network(small_config(prototypes=4))
    other.config = network.config
    save_checkpoint(other, tmp_path / 'model.safetensors')
    with pytest.raises(InputError, match=r'mask_layer.bias \(12,\) instead of \(24,\)'):
        load_checkpoint(tmp_path / 'model.safetensors')


def test_a_failed_save_leaves_the_old_checkpoint(network, tmp_path, monkeypatch):
    path = tmp_path / 'model.safetensors'
    save_checkpoint(network, path)
    before = path.read_bytes()

    def fail(*_):
        raise OSError('disk full')

    monkeypatch.setattr('yolact_core.checkpoints.checkpoint.save_file', fail)
    with pytest.raises(OSError, match='disk full'):
        save_checkpoint(network, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_transfer_to_other_classes_reports_what_was_kept(network):
    other = build_network(small_config(class_names=('a', 'b', 'c')))
    fresh = other.prediction_layers[0].conf_layer.weight.clone()
    report = transfer_weights(other, network.state_dict())
    assert set(report.reinitialised) == {
        'prediction_layers.0.conf_layer.bias',
        'prediction_layers.0.conf_layer.weight',
        'semantic_seg_conv.bias',
        'semantic_seg_conv.weight',
    }
    assert report.unused == ()
    assert f'{len(report.kept)} weights kept, 4 re-initialised: prediction' in str(report)
    torch.testing.assert_close(other.fpn.lat_layers[0].weight, network.fpn.lat_layers[0].weight)
    torch.testing.assert_close(other.prediction_layers[0].conf_layer.weight, fresh)


def test_the_hash_tells_weights_apart_and_nothing_else(network, tmp_path):
    save_checkpoint(network, tmp_path / 'model.safetensors')
    loaded = load_network(tmp_path / 'model.safetensors')
    assert hash_weights(loaded) == hash_weights(network)
    with torch.no_grad():
        loaded.proto_net[0].bias[0] += 1
    assert hash_weights(loaded) != hash_weights(network)
