"""Graphs in int8: what is measured, what is rounded, and how."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from yolact_core import Detector, InputError, build_network, load_network
from yolact_core.checkpoints.checkpoint import hash_weights, load_checkpoint, save_checkpoint
from yolact_core.media.image_files import read_image
from yolact_core.network import resize_network
from yolact_core.quantization import measure_ranges, quantize
from yolact_core.quantization.calibration import quantize_network
from yolact_core.quantization.graph import ATEN, convolutions, prepare
from yolact_core.quantization.quantize import ROUNDING
from yolact_core.quantization.tracing import trace_network

SIDE = 128
REAL_ROOMS = Path(__file__).parents[1] / 'data' / 'real_rooms'


class Joined(nn.Module):
    """The images, and two branches of which a convolution sees both and another only one."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1)
        self.left = nn.Conv2d(4, 5, 3, bias=False)
        self.right = nn.Conv2d(4, 6, 3, groups=2)
        self.both = nn.Conv2d(11, 2, 1)
        self.one = nn.Conv2d(5, 2, 1)

    def forward(self, images):
        seen = self.stem(images).relu()
        left, right = self.left(seen).relu(), self.right(seen).relu() * 3
        return self.both(torch.cat([left, right], dim=1)), self.one(left)


class Residual(nn.Module):
    """A block whose input passes it by, as in a ResNet."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1)
        self.block = nn.Conv2d(4, 4, 3, padding=1)
        self.last = nn.Conv2d(4, 2, 1)

    def forward(self, images):
        seen = self.stem(images).relu()
        inside = self.block(seen)
        inside += seen
        return self.last(inside.relu())


@pytest.fixture
def module():
    torch.manual_seed(0)
    return Joined().eval()


@pytest.fixture
def joined(module):
    return graph_of(module, side=8)


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(1, 3, 8, 8, generator=generator) for _ in range(5)]


def graph_of(network, side=SIDE):
    return trace_network(network, torch.zeros(3, side, side)).module()


def roundings(graph):
    """Return how each value is rounded, by the name of the value."""
    found = graph.graph.find_nodes(op='call_function', target=ROUNDING.quantize_per_tensor.default)
    return {node.args[0].name: node.args[1:] for node in found}


@pytest.fixture(params=['tiny_model', 'sigmoid_model'])
def network(request):
    torch.manual_seed(3)
    network = load_network(request.getfixturevalue(request.param))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
    return network


@torch.no_grad()
def test_batch_norms_are_folded_and_nothing_else_changes(network):
    graph = graph_of(network)
    before = hash_weights(network)
    prepared = prepare(graph)
    targets = {node.target for node in prepared.graph.nodes}
    assert ATEN.batch_norm.default not in targets
    images = torch.randn(1, 3, SIDE, SIDE)
    for found, expected in zip(prepared(images), network(images), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert hash_weights(network) == before


def test_ranges_are_of_what_convolutions_take_but_for_the_images(joined, module, images):
    ranges = measure_ranges(joined, images)
    assert {name: values.shape for name, values in ranges.items()} == {
        'stem': (3, 4),
        'left': (3, 5),
        'right': (3, 6),
    }
    values = torch.stack([module.stem(image).relu() for image in images]).detach()
    highest = values.amax((1, 3, 4))
    expected = [
        torch.zeros(4),  # the lowest of what a ReLU leaves
        highest.mean(0) + highest.std(0, correction=0),
        values.mean((0, 1, 3, 4)),
    ]
    torch.testing.assert_close(ranges['stem'], torch.stack(expected).half())


@torch.no_grad()
def test_int8_is_close_to_float(joined, images):
    rounded = quantize(joined, measure_ranges(joined, images))
    for image in images:
        for found, expected in zip(rounded(image), joined(image), strict=True):
            assert 0 < (found - expected).abs().max() < 0.05 * expected.abs().max()


def test_values_that_meet_in_a_convolution_are_rounded_alike(joined, images):
    found = roundings(quantize(joined, measure_ranges(joined, images)))
    assert len(found) == 3
    left, right = (how for name, how in found.items() if name != 'relu')
    assert left == right != found['relu']
    assert all(lowest == 0 and highest == 255 for _, _, lowest, highest, _ in found.values())


def test_convolutions_that_take_a_value_without_range_stay_as_they_are(joined, images):
    ranges = measure_ranges(joined, images)
    del ranges['right']
    rounded = quantize(joined, ranges)
    assert len(roundings(rounded)) == 2
    exact = [node.args[1].target for node in convolutions(rounded.graph)]
    assert exact[0] == 'stem.weight'
    assert exact[3] == 'both.weight'
    assert exact.count(ROUNDING.dequantize_per_channel.default) == 3


@torch.no_grad()
def test_what_passes_a_residual_block_by_is_rounded_too(images):
    torch.manual_seed(0)
    graph = graph_of(Residual().eval(), side=8)
    rounded = quantize(graph, measure_ranges(graph, images))
    (addition,) = [node for node in rounded.graph.nodes if node.target is ATEN.add_.Tensor]
    inside, beside = addition.all_input_nodes
    assert inside.target is ATEN.conv2d.default
    assert beside.target is ROUNDING.dequantize_per_tensor.default
    assert graph(images[0]).sub(rounded(images[0])).abs().max() < 0.05


def test_zero_can_be_the_middle(joined, images):
    found = roundings(quantize(joined, measure_ranges(joined, images), is_symmetric=True))
    assert all(how[1:] == (0, -128, 127, torch.int8) for how in found.values())


@torch.no_grad()
def test_rounding_of_weights_leaves_the_means_of_outputs(images):
    torch.manual_seed(2)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 1), nn.Sigmoid(), nn.Conv2d(8, 8, 3, groups=4), nn.Conv2d(8, 200, 1)
    )
    graph = graph_of(network, side=8)
    rounded = quantize(graph, measure_ranges(graph, images))
    weight = network[3].weight
    steps = weight.abs().amax((1, 2, 3), keepdim=True) / 127
    plain = nn.Sequential(*network[:3], nn.Conv2d(8, 200, 1))
    plain[3].weight.copy_((weight / steps).round() * steps)
    plain[3].bias.copy_(network[3].bias)
    corrected, uncorrected = (
        torch.cat([one(image) - network(image) for image in images]).mean((0, 2, 3)).std()
        for one in (rounded, plain)
    )
    assert corrected < 0.5 * uncorrected


@pytest.mark.slow
def test_all_but_the_first_convolution_of_a_network_round(network):
    ranges = measure_ranges(graph_of(network), [torch.randn(1, 3, SIDE, SIDE)])
    rounded = quantize(graph_of(network), ranges)
    first, *others = convolutions(rounded.graph)
    assert first.args[1].op == 'get_attr'
    assert {node.args[1].target for node in others} == {ROUNDING.dequantize_per_channel.default}


def test_ranges_travel_with_the_checkpoint_and_leave_its_digest(tiny_model, tmp_path):
    network, facts = load_checkpoint(tiny_model)
    assert network.ranges == {}
    digest = hash_weights(network)
    network.ranges = measure_ranges(graph_of(network), [torch.randn(1, 3, SIDE, SIDE)])
    path = tmp_path / 'calibrated.safetensors'
    save_checkpoint(network, path, facts)
    again, said = load_checkpoint(path)
    assert hash_weights(again) == digest
    assert said == facts
    assert again.ranges.keys() == network.ranges.keys()
    for name, values in again.ranges.items():
        assert torch.equal(values, network.ranges[name])
    assert resize_network(again, 160).ranges is again.ranges


def test_a_network_without_ranges_or_with_those_of_another_is_refused(tiny_model):
    network = load_network(tiny_model)
    with pytest.raises(InputError, match=r'int8 must be calibrated .* --calibration DIR'):
        quantize_network(network)
    other = build_network('yolact_nanodet')
    network.ranges = measure_ranges(graph_of(other), [torch.randn(1, 3, SIDE, SIDE)])
    with pytest.raises(InputError, match=r'must be of this network, got those of backbone'):
        quantize_network(network)


@pytest.mark.slow
@pytest.mark.parametrize('name', ['coco', 'indoor'])
def test_a_model_that_ships_runs_in_int8_at_once_and_finds_the_same(name, monkeypatch, tmp_path):
    pytest.importorskip('openvino')
    monkeypatch.setenv('YOLACT_CACHE', str(tmp_path))
    exact, rounded = (
        Detector.load(name, 'cpu', 'openvino', precision) for precision in ('float32', 'int8')
    )
    assert (rounded.backend, rounded.precision) == ('openvino', 'int8')
    assert rounded.model_id == exact.model_id
    agreements = [
        iou
        for path in sorted(REAL_ROOMS.glob('*.png'))
        for iou in overlaps_of_certain(*(one(read_image(path)) for one in (exact, rounded)))
    ]
    assert len(agreements) > 5
    assert np.mean(np.array(agreements) > 0.5) > 0.9
    assert np.mean(agreements) > 0.8


def overlaps_of_certain(expected, found):
    """Yield the overlap of each certain mask with the best one of its class."""
    for mask, class_id, score in zip(
        expected.masks.dense(), expected.class_ids, expected.scores, strict=True
    ):
        if score > 0.5:
            others = [
                (mask & other).sum() / (mask | other).sum()
                for other in found.masks.dense()[found.class_ids == class_id]
            ]
            yield max(others, default=0.0)


@pytest.mark.slow
def test_openvino_runs_all_but_the_first_convolution_in_int8(network, tmp_path):
    openvino = pytest.importorskip('openvino')
    from yolact_core.runtimes.export import ExportOptions, export_network

    network.ranges = measure_ranges(graph_of(network), [torch.randn(1, 3, SIDE, SIDE)])
    path = tmp_path / 'tiny.xml'
    export_network(network, path, ExportOptions('openvino', 'int8'))
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(path), 'CPU')
    facts = [node.get_rt_info() for node in compiled.get_runtime_model().get_ordered_ops()]
    kinds = [
        fact['primitiveType'].value for fact in facts if fact['layerType'].value == 'Convolution'
    ]
    assert len(kinds) > 15
    assert sum('I8' not in kind for kind in kinds) == 1
