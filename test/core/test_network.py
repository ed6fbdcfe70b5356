import json

import numpy as np
import pytest
import torch

from yolact_core import InputError, ModelConfig, build_network
from yolact_core.checkpoints.state_dicts import load_weights
from yolact_core.config import AnchorConfig, BackboneConfig
from yolact_core.network import resize_network
from yolact_core.network.backbones import build_backbone
from yolact_core.network.backbones.resnet import DeformableConv

PARAMETERS = {  # trainable, as published or counted in the original
    'yolact_base': 50_157_071,
    'yolact_im700': 50_157_071,
    'yolact_darknet53': 47_783_087,
    'yolact_plus_base': 52_571_142,
}


@pytest.fixture(scope='module')
def small_config():
    return ModelConfig.from_name('yolact_efficientnet_lite0').replace(
        name='small', input_size=128, feature_channels=32, class_names=('cup', 'bowl')
    )


@pytest.mark.parametrize('name', PARAMETERS)
def test_parameters_count_as_in_the_original(name):
    with torch.device('meta'):
        network = build_network(name)
    assert sum(weight.numel() for weight in network.parameters()) == PARAMETERS[name]


def test_priors_repeat_the_original_to_the_last_bit(golden):
    import hashlib

    facts = json.loads(str(golden('anchors')['meta']))
    for name, expected in facts.items():
        network = build_network(name)
        assert len(network.priors) == expected['count']
        digest = hashlib.sha256(network.priors.numpy().tobytes()).hexdigest()
        assert digest == expected['sha256'], name


@pytest.mark.parametrize(
    'name', ['tf_efficientnet_lite0', 'tf_efficientnet_lite2', 'mobilenetv3_large_100', 'resnet18']
)
def test_timm_networks_carry_yolact(small_config, name):
    config = small_config.replace(backbone=BackboneConfig(name, (2, 3, 4)))
    network = build_network(config)
    prediction = network(torch.randn(2, 3, 128, 128))
    priors = len(network.priors)
    assert prediction.box_offsets.shape == (2, priors, 4)
    assert prediction.class_logits.shape == (2, priors, 3)
    assert prediction.coefficients.shape == (2, priors, 32)
    assert prediction.prototypes.shape == (2, 32, 32, 32)
    assert prediction.coefficients.abs().max() <= 1
    assert prediction.prototypes.min() >= 0


@pytest.mark.parametrize('side', [127, 128, 130, 161])
def test_priors_fit_the_predictions_at_any_input_size(small_config, side):
    network = build_network(small_config.replace(input_size=side))
    prediction = network(torch.zeros(1, 3, side, side))
    assert prediction.box_offsets.shape[1] == len(network.priors)


def test_a_batch_of_two_equals_two_batches_of_one(small_config):
    network = build_network(small_config)
    images = torch.randn(2, 3, 128, 128)
    with torch.inference_mode():
        together = network(images)
        apart = [network(image.unsqueeze(0)) for image in images]
    for index, single in enumerate(apart):
        for batched, alone in zip(together, single, strict=True):
            torch.testing.assert_close(batched[index], alone[0], atol=1e-4, rtol=1e-3)


def test_normalizing_is_per_channel_in_rgb():
    network = build_network('yolact_resnet50')
    image = torch.tensor([123.68, 116.78, 103.94]).view(3, 1, 1) + torch.tensor(58.40)
    expected = torch.tensor([1.0, 58.40 / 57.12, 58.40 / 57.38]).view(3, 1, 1)
    torch.testing.assert_close(network.normalize(image), expected)


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        (
            'yolact_plus_resnet50',
            {(1, b) for b in range(4)} | {(2, b) for b in range(6)} | {(3, b) for b in range(3)},
        ),
        ('yolact_plus_base', {(1, 0), (1, 3), (3, 0)} | {(2, b) for b in range(0, 22, 3)}),
        ('yolact_base', set()),
    ],
)
def test_deformable_blocks_are_where_the_checkpoints_have_them(name, expected):
    with torch.device('meta'):
        backbone = build_backbone(ModelConfig.from_name(name).backbone)
    found = {
        (stage, index)
        for stage, blocks in enumerate(backbone.layers)
        for index, block in enumerate(blocks)
        if isinstance(block.conv2, DeformableConv)
    }
    assert found == expected


def test_a_fresh_deformable_convolution_is_an_ordinary_one_at_half_weight():
    """Offsets start at zero and the modulation at one half."""
    convolution = DeformableConv(4, stride=2)
    features = torch.randn(1, 4, 9, 9)
    ordinary = torch.nn.functional.conv2d(features, convolution.weight, stride=2, padding=1)
    torch.testing.assert_close(convolution(features), ordinary / 2, atol=1e-5, rtol=1e-4)


def test_wrong_weights_are_refused_by_key():
    network = build_network('yolact_resnet50')
    weights = network.state_dict()
    weights['extra'] = weights.pop('backbone.conv1.weight')
    weights['proto_net.0.bias'] = torch.zeros(7)
    with pytest.raises(InputError) as caught:
        load_weights(network, weights)
    assert 'it misses backbone.conv1.weight; it also has extra' in str(caught.value)
    assert 'proto_net.0.bias (7,) instead of (256,)' in str(caught.value)


def test_leftovers_of_old_official_files_are_ignored():
    network = build_network('yolact_resnet50')
    weights = network.state_dict()
    weights['backbone.layer1.0.conv1.weight'] = torch.zeros(1)
    weights['fpn.downsample_layers.2.weight'] = torch.zeros(1)
    load_weights(network, weights)


@pytest.mark.parametrize(
    ('backbone', 'text'),
    [
        (BackboneConfig('resnet49', (1, 2, 3)), "the name of a timm model, got 'resnet49'"),
        (BackboneConfig('resnet18', (2, 3, 9)), r"'resnet18' must have feature maps \[2, 3, 9\]"),
    ],
)
def test_an_impossible_backbone_is_refused(small_config, backbone, text):
    with pytest.raises(InputError, match=text):
        build_network(small_config.replace(backbone=backbone))


def test_a_resized_network_has_the_same_weights_and_priors_of_as_many_pixels(small_config):
    network = build_network(small_config)
    larger = resize_network(network, 192)
    assert (larger.config.name, larger.config.input_size) == (f'{small_config.name}_192', 192)
    ours, theirs = (
        {round(float(width * one.config.input_size), 3) for width in one.priors[:, 2]}
        for one in (larger, network)
    )
    assert ours == theirs
    assert len(larger.priors) > len(network.priors)
    weights = larger.state_dict()
    assert all((weights[key] == value).all() for key, value in network.state_dict().items())
    assert resize_network(network, small_config.input_size).config == small_config


@pytest.mark.slow
@pytest.mark.parametrize('name', ['yolact_resnet50', 'yolact_plus_resnet50'])
@pytest.mark.filterwarnings('ignore::DeprecationWarning', 'ignore::FutureWarning')
def test_the_network_can_be_exported(name):
    config = ModelConfig.from_name(name).replace(input_size=128)
    network = build_network(config)
    images = torch.randn(1, 3, 128, 128)
    exported = torch.export.export(network, (images,)).module()
    for ours, theirs in zip(network(images), exported(images), strict=True):
        np.testing.assert_allclose(theirs.detach(), ours.detach(), atol=1e-4)


@pytest.mark.parametrize(
    ('changes', 'text'),
    [
        ({'feature_channels': 8192}, 'must have at most 268435456 weights'),
        ({'feature_channels': 8193}, 'feature_channels must be from 1 to 8192'),
        ({'input_size': 10**9}, 'input_size must be from 64 to 8192'),
        (
            {'anchors': AnchorConfig(((8.0, 9.0),) * 5), 'input_size': 8192},
            'must make at most 4194304 priors',
        ),
    ],
)
def test_a_giant_is_refused_before_memory_is_taken(small_config, changes, text):
    with pytest.raises(InputError, match=text):
        build_network(small_config.replace(**changes))
