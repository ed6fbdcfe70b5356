"""Networks that get a head for other classes and keep what they know."""

from __future__ import annotations

import pytest
import torch

from yolact_core import InputError, ModelConfig, build_network
from yolact_core.network import Yolact
from yolact_core.training.extension import ExtensionOptions, extend_network

SIDE = 64


@pytest.fixture(scope='module')
def source() -> Yolact:
    torch.manual_seed(0)
    config = ModelConfig.from_name('yolact_nanodet')
    return build_network(config.replace(input_size=SIDE, class_names=('cup', 'couch', 'dog')))


@pytest.fixture(scope='module')
def images() -> torch.Tensor:
    return torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def test_a_new_class_changes_nothing_of_the_old_ones(source, images):
    extended = extend_network(source, ('hydrant',), ExtensionOptions(channels=8))
    before, after = source(images), extended(images)
    assert extended.config.class_names == ('cup', 'couch', 'dog', 'hydrant')
    assert torch.equal(after.box_offsets, before.box_offsets)
    assert torch.equal(after.class_logits[..., :3], before.class_logits)
    assert torch.equal(after.coefficients, before.coefficients)
    assert torch.equal(after.prototypes, before.prototypes)
    assert after.class_logits[..., 3].sigmoid().max() < 0.05


@torch.inference_mode()
def test_extending_twice_keeps_both(source, images):
    once = extend_network(source, ('hydrant',), ExtensionOptions(channels=8))
    twice = extend_network(once, ('cone', 'hydrant'), ExtensionOptions(channels=8))
    assert twice.config.class_names == ('cup', 'couch', 'dog', 'hydrant', 'cone')
    assert torch.equal(twice(images).class_logits[..., :4], once(images).class_logits)


@torch.inference_mode()
def test_classes_of_the_data_are_those_known_under_other_names_and_new_ones(source, images):
    options = ExtensionOptions(
        channels=8, data_only=True, boxes=True, masks=True,
        aliases=(('sofa', 'couch'), ('thing', 'cup', 'dog')),
    )  # fmt: skip
    extended = extend_network(source, ('sofa', 'thing', 'door'), options)
    before, after = source(images).class_logits, extended(images)
    assert extended.config.class_names == ('sofa', 'thing', 'door')
    assert extended.config.class_outputs == ((1,), (0, 2), (3,))
    assert torch.equal(after.class_logits[..., 0], before[..., 1])
    assert torch.equal(after.class_logits[..., 1], before[..., [0, 2]].amax(dim=-1))
    assert after.class_logits[..., 2].sigmoid().max() < 0.05
    assert torch.equal(after.box_offsets, source(images).box_offsets)
    assert torch.equal(after.coefficients, source(images).coefficients)


@torch.inference_mode()
def test_a_known_class_alone_is_learnt_beside_what_is_known(source, images):
    extended = extend_network(source, ('cup',), ExtensionOptions(channels=8))
    assert extended.config.class_names == source.config.class_names
    assert extended.config.class_outputs == ((0, 3), (1,), (2,))
    assert torch.equal(
        extended(images).class_logits[..., 1:], source(images).class_logits[..., 1:]
    )


@torch.inference_mode()
def test_known_classes_are_learnt_again_on_demand(source, images):
    options = ExtensionOptions(channels=8, data_only=True, relearn=True)
    extended = extend_network(source, ('cup', 'door'), options)
    assert extended.config.class_outputs == ((0, 1), (2,))
    before, after = source(images).class_logits, extended(images).class_logits
    torch.testing.assert_close(after[..., 0], before[..., 0])  # the new opinion is low at first


def test_what_cannot_be_extended_is_said(source):
    softmax = build_network(
        ModelConfig.from_name('yolact_efficientnet_lite0').replace(
            input_size=SIDE, feature_channels=16
        )
    )
    with pytest.raises(InputError, match='extend needs a model whose scores are sigmoids'):
        extend_network(softmax, ('hydrant',), ExtensionOptions())
    options = ExtensionOptions(data_only=True, aliases=(('sofa', 'divan'),))
    with pytest.raises(InputError, match=r"aliases of sofa must be classes of .*, got 'divan'"):
        extend_network(source, ('sofa',), options)
    with pytest.raises(InputError, match='aliases must each name a class and a known one'):
        ExtensionOptions(aliases=(('sofa',),))
