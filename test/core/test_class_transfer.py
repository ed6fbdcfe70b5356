import pytest
import torch

from yolact_core import build_network, load_network, save_checkpoint
from yolact_core.config import AnchorConfig, HeadConfig
from yolact_core.training.options import NetworkOptions
from yolact_core.training.weights import carry_classes, start_network


@pytest.fixture(scope='module')
def level():
    return torch.randn(1, 32, 6, 6, generator=torch.Generator().manual_seed(3))


def logits_of(network, level):
    head = network.prediction_layers[0]
    with torch.no_grad():
        return head(level).split(head.values, dim=-1)[1]


@pytest.mark.parametrize(
    ('names', 'rows', 'old_rows'),
    [
        (('person', 'chair', 'cup', 'duck'), [0, 1, 2, 3], [0, 1, 2, 3]),
        (('duck', 'cup', 'person'), [0, 2, 3], [0, 3, 1]),  # as many classes, others in part
        (('duck',), [0], [0]),
    ],
)
def test_known_classes_and_background_get_the_logits_that_they_had(
    tiny_model, level, names, rows, old_rows
):
    source = load_network(tiny_model)
    network, report, _ = start_network(NetworkOptions(weights=str(tiny_model)), names, 1000)
    new, old = logits_of(network, level), logits_of(source, level)
    torch.testing.assert_close(new[..., rows], old[..., old_rows])
    known = [name for name in names if name in source.config.class_names]
    assert f'knowing {", ".join(known)}' in report if known else 'all classes are new' in report
    segmented, before = (one.semantic_seg_conv(level) for one in (network, source))
    for row, old_row in zip(rows[1:], old_rows[1:], strict=True):
        torch.testing.assert_close(segmented[:, row - 1], before[:, old_row - 1])


def test_a_class_that_is_new_does_not_take_the_weights_of_another(tiny_model):
    source = load_network(tiny_model)
    network = build_network(source.config.replace(class_names=('duck', 'chair', 'cup')))
    fresh = network.prediction_layers[0].conf_layer.weight.view(3, 4, 32, 3, 3)[:, 1].clone()
    assert carry_classes(network, source) == ('chair', 'cup')
    weight = network.prediction_layers[0].conf_layer.weight.view(3, 4, 32, 3, 3)
    assert torch.equal(weight[:, 1], fresh)


def test_mask_rescoring_goes_along_with_its_class(tiny_model):
    config = load_network(tiny_model).config.replace(mask_rescoring=True)
    source, network = (
        build_network(config),
        build_network(config.replace(class_names=('a', 'cup'))),
    )
    carry_classes(network, source)
    last = network.maskiou_net.maskiou_net[-2].weight
    assert torch.equal(last[1], source.maskiou_net.maskiou_net[-2].weight[2])


def test_nothing_is_carried_to_other_priors(tiny_model):
    source = load_network(tiny_model)
    anchors = AnchorConfig(source.config.anchors.scales, (1.0,))
    network = build_network(source.config.replace(anchors=anchors, class_names=('cup',)))
    before = network.prediction_layers[0].conf_layer.weight.clone()
    assert carry_classes(network, source) == ()
    assert torch.equal(network.prediction_layers[0].conf_layer.weight, before)


def test_a_class_keeps_its_rows_in_each_head_of_a_level(sigmoid_config):
    own = HeadConfig(shared=False), HeadConfig(classes=0, boxes=False)
    config = sigmoid_config.replace(heads=own, class_outputs=())
    source, network = (
        build_network(config),
        build_network(config.replace(class_names=('duck', 'person'))),
    )
    assert carry_classes(network, source) == ('person',)
    for new, old in zip(network.prediction_layers[0], source.prediction_layers[0], strict=True):
        assert torch.equal(new.conf_layer.weight[1], old.conf_layer.weight[0])
        assert not torch.equal(new.conf_layer.weight[0], old.conf_layer.weight[0])


@pytest.mark.parametrize('change', ['scores', 'heads', 'class_outputs'])
def test_nothing_is_carried_between_heads_that_differ(sigmoid_config, change):
    plain = sigmoid_config.replace(heads=(HeadConfig(),), class_outputs=())
    others = {
        'scores': plain.replace(scores='softmax'),
        'heads': plain.replace(heads=(HeadConfig(kernel=1),)),
        'class_outputs': sigmoid_config,
    }
    network = build_network(plain)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    assert carry_classes(network, build_network(others[change])) == ()
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_a_training_can_start_from_sigmoids(sigmoid_config, tmp_path):
    config = sigmoid_config.replace(heads=(HeadConfig(shared=False),), class_outputs=())
    save_checkpoint(build_network(config), tmp_path / 'model.safetensors')
    options = NetworkOptions(weights=str(tmp_path / 'model.safetensors'))
    network, report, _ = start_network(options, ('cup', 'duck'), 1000)
    assert network.config.scores == 'sigmoid'
    assert 'knowing cup' in report
