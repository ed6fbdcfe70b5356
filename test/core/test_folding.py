"""Batch norms become a part of the convolutions before them."""

import pytest
import torch
from torch import nn

from yolact_core import ModelConfig, build_network
from yolact_core.checkpoints.checkpoint import hash_weights
from yolact_core.runtimes.folding import fold_batch_norms
from yolact_core.runtimes.torch import TorchBackend

SIDE = 96


def trained(name):
    """Return a network whose batch norms have seen something."""
    network = build_network(ModelConfig.from_name(name).replace(input_size=SIDE))
    generator = torch.Generator().manual_seed(1)
    for norm in norms_of(network):
        for values, spread in ((norm.running_mean, 0.2), (norm.bias.data, 0.2)):
            values.normal_(0, spread, generator=generator)
        for values in (norm.running_var, norm.weight.data):
            values.uniform_(0.5, 1.5, generator=generator)
    return network


def norms_of(network):
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


@torch.inference_mode()
def predict(network):
    generator = torch.Generator().manual_seed(2)
    return network(torch.randn(2, 3, SIDE, SIDE, generator=generator))


@pytest.mark.parametrize(
    ('name', 'left'),
    [
        ('yolact_resnet50', 0),
        ('yolact_darknet53', 0),
        ('yolact_resnet18', 0),  # of timm
        ('yolact_efficientnet_lite0', 0),  # of timm, with activations in its batch norms
        ('yolact_plus_resnet50', 13),  # after deformable convolutions
        ('yolact_nanodet', 0),  # it has none
    ],
)
def test_a_folded_network_computes_the_same_and_the_given_one_stays(name, left):
    network = trained(name)
    before, expected = hash_weights(network), predict(network)
    folded = fold_batch_norms(network)
    assert len(norms_of(folded)) == left
    for ours, theirs in zip(predict(folded), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4 * float(theirs.abs().max()))
    assert hash_weights(network) == before
    assert folded.proto_net[0].weight is network.proto_net[0].weight
    for ours, theirs in zip(predict(network), expected, strict=True):
        assert torch.equal(ours, theirs)


def test_a_batch_norm_that_takes_something_else_is_left_alone():
    network = trained('yolact_resnet50')
    backbone, stem = network.backbone, type(network.backbone).stem

    class Odd(type(backbone)):
        def stem(self, images):
            return stem(self, images) + self.maxpool(self.conv1(images))

    backbone.__class__ = Odd
    assert fold_batch_norms(network) is network


def test_weights_of_a_backend_are_those_it_was_given():
    network = trained('yolact_resnet50')
    keys, digest = network.state_dict().keys(), hash_weights(network)
    backend = TorchBackend(network)
    assert backend.network is network
    assert backend.network.state_dict().keys() == keys
    assert backend.digest == digest
