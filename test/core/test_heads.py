"""Parts that networks are put together from: pyramids, heads, prototypes, distributions."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from yolact_core import build_network
from yolact_core.config import HeadConfig, ProtonetConfig
from yolact_core.network import resize_network
from yolact_core.network.heads import DISTANCE_BINS, Protonet, mean_distances
from yolact_core.network.merging import MergedHead, merge_heads
from yolact_core.network.pyramids import PathAggregation


def resize(features, size):
    return F.interpolate(features, size=(size, size), mode='bilinear', align_corners=False)


@pytest.mark.parametrize('sizes', [(12, 6, 3), (13, 7, 4)])
def test_path_aggregation_is_sums_down_and_up_again(sizes):
    pyramid = PathAggregation((4, 6, 8), 5)
    features = [
        torch.randn(2, width, size, size) for width, size in zip((4, 6, 8), sizes, strict=True)
    ]
    with torch.no_grad():
        p5, p4, p3 = (
            layer(one) for layer, one in zip(pyramid.lat_layers, features[::-1], strict=True)
        )
        p4 = p4 + resize(p5, sizes[1])
        p3 = p3 + resize(p4, sizes[0])
        p4 = p4 + resize(p3, sizes[1])
        p5 = p5 + resize(p4, sizes[2])
        for found, expected in zip(pyramid(features), (p3, p4, p5), strict=True):
            torch.testing.assert_close(found, expected)


def test_a_distance_is_the_mean_of_its_distribution():
    raw = torch.full((1, 2, 4, DISTANCE_BINS), -40.0)
    raw[0, 0, :, :] = 0  # as likely as each other: half of the way
    for side, nearest in enumerate((0, 3, 7, 10)):
        raw[0, 1, side, nearest] = 40
    found = mean_distances(raw.flatten(2))
    expected = torch.tensor([[5.0, 5.0, 5.0, 5.0], [0.0, 3.0, 7.0, 10.0]])
    torch.testing.assert_close(found[0], expected)


@pytest.mark.parametrize(('side', 'detail_side'), [(8, 16), (8, 15), (7, 27)])
def test_prototypes_get_the_size_of_the_details_that_sharpen_them(side, detail_side):
    protonet = Protonet(6, 3, ProtonetConfig(channels=4, convolutions=2))
    level, detail = torch.randn(2, 6, side, side), torch.randn(2, 4, detail_side, detail_side)
    parts = list(protonet)
    before, after = nn.Sequential(*parts[:4]), nn.Sequential(*parts[5:])
    with torch.no_grad():
        expected = after(resize(before(level), detail_side) + detail)
        torch.testing.assert_close(protonet(level, detail), expected)
        assert protonet(level).shape == (2, 3, 2 * side, 2 * side)


def test_no_details_change_nothing():
    protonet = Protonet(6, 3, ProtonetConfig())
    level = torch.randn(1, 6, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(protonet(level, torch.zeros(1, 6, 16, 16)), protonet(level))


@pytest.fixture(scope='module')
def network(sigmoid_config):
    torch.manual_seed(4)
    network = build_network(sigmoid_config)
    for weight in network.parameters():
        if weight.dim() == 1:  # else all biases are zero
            nn.init.normal_(weight, std=0.1)
    return network


@pytest.fixture(scope='module')
def images():
    return torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(5))


def per_prior(layer, features):
    """Convolve plainly; the values of a cell, row by row."""
    output = F.conv2d(features, layer.weight, layer.bias, padding=layer.kernel_size[0] // 2)
    return output.flatten(2).transpose(1, 2)


@torch.no_grad()
def test_outputs_of_heads_add_up_and_follow_each_other(network, images):
    own, shared = network.prediction_layers
    features = network.extract(images)
    boxes, classes, coefficients = [], [], []
    for level, head in zip(features.levels, own, strict=True):
        first = F.leaky_relu(head.upfeature[0](level), 0.1)
        second = F.relu(shared.upfeature[0](level))
        raw = per_prior(head.bbox_layer, first) + per_prior(shared.bbox_layer, second)
        boxes.append(raw.view(2, -1, 4, 11).softmax(-1) @ torch.arange(11.0))
        classes.append(
            torch.cat([per_prior(head.conf_layer, first), per_prior(shared.conf_layer, second)], 2)
        )
        coefficients.append(per_prior(shared.mask_layer, second).tanh())
    outputs = torch.cat(classes, dim=1)  # 0 to 2 of the first head, 3 and 4 of the second
    joined = [outputs[..., 4], torch.maximum(outputs[..., 1], outputs[..., 3]), outputs[..., 2]]
    found = network.predict(features)
    torch.testing.assert_close(found.box_offsets, torch.cat(boxes, dim=1))
    torch.testing.assert_close(found.class_logits, torch.stack(joined, dim=2))
    torch.testing.assert_close(found.coefficients, torch.cat(coefficients, dim=1))
    assert found.box_offsets.shape[1] == len(network.priors) == 16**2 + 8**2 + 4**2


@torch.no_grad()
def test_merged_heads_predict_the_same_with_one_convolution_each(network, images):
    merged = merge_heads(network)
    for found, expected in zip(merged(images), network(images), strict=True):
        torch.testing.assert_close(found, expected)
    heads = [head for head in merged.modules() if isinstance(head, MergedHead)]
    assert len(heads) == 3 + 1  # one for each level, and a shared one
    assert all(len([*head.modules()]) == len([*head.upfeature.modules()]) + 2 for head in heads)
    assert not any('outputs' in key for key in network.state_dict())


def test_levels_share_a_head_or_have_their_own(sigmoid_config):
    keys = build_network(sigmoid_config).state_dict()
    own = [key for key in keys if key.startswith('prediction_layers.0.')]
    assert {key.split('.')[2] for key in own} == {'0', '1', '2'}
    assert not any('mask_layer' in key for key in own)
    assert 'prediction_layers.1.mask_layer.weight' in keys


def test_heads_without_outputs_of_their_own_add_none(sigmoid_config):
    heads = HeadConfig(), HeadConfig(classes=0, boxes=False)
    network = build_network(sigmoid_config.replace(heads=heads, class_outputs=()))
    assert network.class_outputs is None
    assert not any('1.conf_layer' in key for key in network.state_dict())
    assert network(torch.zeros(1, 3, 128, 128)).class_logits.shape[2] == 3


@torch.no_grad()
def test_a_batch_of_two_equals_two_batches_of_one(network, images):
    together, apart = network(images), [network(image.unsqueeze(0)) for image in images]
    for index, single in enumerate(apart):
        for batched, alone in zip(together, single, strict=True):
            torch.testing.assert_close(batched[index], alone[0], atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize('side', [96, 100, 129, 150])
def test_priors_and_prototypes_fit_at_any_input_size(network, side):
    resized = resize_network(network, side)
    with torch.no_grad():
        found = resized(torch.zeros(1, 3, side, side))
    assert found.box_offsets.shape[1] == len(resized.priors)
    assert found.prototypes.shape[2:] == (-(-side // 4), -(-side // 4))
    strides = {round(float(width) * side) for width in resized.priors[:, 2]}
    assert strides == {8, 16, 32}


@pytest.mark.parametrize('stage', [0, 1])
def test_details_of_any_finer_stage_sharpen_prototypes(sigmoid_config, stage):
    config = sigmoid_config.replace(
        backbone=sigmoid_config.backbone.__class__('test_resnet', (2, 3, 4)),
        protonet=ProtonetConfig(channels=16, detail_stage=stage),
    )
    with torch.no_grad():
        found = build_network(config)(torch.zeros(1, 3, 128, 128))
    assert found.prototypes.shape[2:] == ((64, 64), (32, 32))[stage]
