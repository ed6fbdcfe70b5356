"""From NanoDet's graph to a network of ours."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from recipes.nanodet.agreement import compare, prepare, split_levels
from recipes.nanodet.convert import (
    CLASSES,
    OUTPUTS,
    STEM,
    convolution_names,
    load_nanodet,
    read_convolution,
    read_graph,
)
from recipes.nanodet.weights import CONFIG, TrunkOptions, build_trunk, fetch_graph, run_trunk
from yolact_core import build_network
from yolact_core.checkpoints.checkpoint import load_checkpoint
from yolact_core.media.image_files import read_image

ROOT = Path(__file__).parents[2]
MASK_BRANCH = ('proto_net.', 'proto_detail.', 'prediction_layers.1.', 'semantic_seg_conv.')


class GraphWriter:
    """Writes a graph as TensorFlow.js stores it, in half precision, in two files of weights."""

    def __init__(self):
        self.nodes, self.weights, self.data = [], [], b''

    def add_constant(self, name, values):
        self.weights.append(
            {
                'name': name,
                'shape': list(values.shape),
                'dtype': 'float32',
                'quantization': {'dtype': 'float16', 'original_dtype': 'float32'},
            }
        )
        self.data += values.astype(np.float16).tobytes()

    def add_convolution(self, weight, bias):
        index = sum(node['op'] == 'Conv2D' for node in self.nodes)
        name = f'PartitionedCall/convolution{f"_{index}" if index else ""}'
        self.add_constant(f'kernel{index}', weight.permute(2, 3, 1, 0).numpy())
        self.add_constant(f'bias{index}', bias.view(1, -1, 1, 1).numpy())
        self.nodes.append({'name': name, 'op': 'Conv2D', 'input': ['image', f'kernel{index}']})
        self.nodes.append({'name': f'add{index}', 'op': 'AddV2', 'input': [f'bias{index}', name]})

    def write(self, folder):
        half = len(self.data) // 2
        (folder / 'a.bin').write_bytes(self.data[:half])
        (folder / 'b.bin').write_bytes(self.data[half:])
        groups = [{'paths': ['a.bin', 'b.bin'], 'weights': self.weights}]
        content = {'modelTopology': {'node': self.nodes}, 'weightsManifest': groups}
        (folder / 'graph.json').write_text(json.dumps(content))
        return folder / 'graph.json'


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(5)
    network = build_network(CONFIG)
    for weight in network.parameters():
        weight.data = weight.data.half().float()
    return network


@pytest.fixture(scope='module')
def graph(network, tmp_path_factory):
    """Write the weights of a network as NanoDet's graph has them."""
    writer, weights = GraphWriter(), network.state_dict()
    for name in convolution_names(network):
        head, _, layer = name.rpartition('.')
        parts = [f'{head}.{part}' for part in OUTPUTS] if layer == 'outputs' else [name]
        weight, bias = (
            torch.cat([weights[f'{part}.{kind}'] for part in parts]) for kind in ('weight', 'bias')
        )
        writer.add_convolution(weight.flip(1) if name == STEM else weight, bias)
    return writer.write(tmp_path_factory.mktemp('graph'))


def test_a_small_graph_is_read_as_it_was_written(tmp_path):
    writer = GraphWriter()
    weights = torch.arange(24.0).view(2, 3, 2, 2), torch.arange(18.0).view(1, 2, 3, 3)
    biases = torch.tensor([0.5, -2.0]), torch.tensor([7.0])
    for weight, bias in zip(weights, biases, strict=True):
        writer.add_convolution(weight, bias)
    found = read_graph(writer.write(tmp_path))
    for index, expected in enumerate(zip(weights, biases, strict=True)):
        for value, wanted in zip(read_convolution(found, index), expected, strict=True):
            assert value.dtype == torch.float32
            assert torch.equal(value, wanted)


@pytest.mark.parametrize('change', [-1, 1])
def test_weights_of_another_length_are_refused(tmp_path, change):
    writer = GraphWriter()
    writer.add_convolution(torch.zeros(2, 3, 2, 2), torch.zeros(2))
    path = writer.write(tmp_path)
    data = (tmp_path / 'b.bin').read_bytes()
    (tmp_path / 'b.bin').write_bytes((data + b'0')[: len(data) + change])
    text = rf'a\.bin, b\.bin beside .* must have 52 bytes, got {52 + change}'
    with pytest.raises(SystemExit, match=text):
        read_graph(path)


def test_all_but_the_mask_branch_comes_from_the_graph(network, graph):
    torch.manual_seed(6)
    other = build_network(CONFIG)
    before = {key: value.clone() for key, value in other.state_dict().items()}
    load_nanodet(other, read_graph(graph))
    for key, value in other.state_dict().items():
        is_ours = key.startswith(MASK_BRANCH)
        assert torch.equal(value, (before if is_ours else network.state_dict())[key]), key


def test_the_step_writes_a_checkpoint_with_its_credits(network, graph, tmp_path, monkeypatch):
    monkeypatch.setattr('recipes.nanodet.weights.fetch_graph', lambda cache: graph)
    paths = [tmp_path / f'{name}.safetensors' for name in 'abc']
    for path, seed in zip(paths, (0, 0, 1), strict=True):
        run_trunk(TrunkOptions(output=path, seed=seed))
    (first, facts), (again, _), (other, _) = map(load_checkpoint, paths)
    assert 'Apache-2.0' in facts.license
    assert facts.license.count('NanoDet')
    same = {
        key: torch.equal(value, other.state_dict()[key])
        for key, value in first.state_dict().items()
    }
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True)
    )
    assert not same['proto_net.0.weight']
    assert same['backbone.conv1.0.weight']


def test_network_and_graph_see_the_same_colours(network):
    rgb = np.random.default_rng(0).integers(0, 256, (416, 416, 3), dtype=np.uint8)
    ours = network.normalize(torch.from_numpy(rgb).permute(2, 0, 1).float())
    assert np.abs(prepare(rgb)[0, ::-1] - ours.numpy()).max() < 1e-5


def test_the_levels_of_the_graph_follow_each_other():
    cells = (9, 4, 1)
    scores = [np.full((count, CLASSES), level) for level, count in enumerate(cells)]
    bins = [np.full((count, 44), 7 + level) for level, count in enumerate(cells)]
    values = np.concatenate([part.ravel() for part in (*scores, *bins)]).astype(np.float32)
    found = split_levels(values)
    for part, expected in zip(found, (scores, bins), strict=True):
        assert np.array_equal(part.numpy(), np.concatenate(expected))


@pytest.mark.slow
@pytest.mark.parametrize('picture', ['desk.png', 'coffee.jpg'])
def test_the_network_says_what_the_graph_says(picture, fetch_or_skip):
    """TensorFlow.js runs the graph."""
    if not shutil.which('node'):
        pytest.skip('it needs node')
    rgb = read_image(ROOT / 'test' / 'data' / 'real_rooms' / picture)
    network = build_trunk(fetch_or_skip(fetch_graph), 0)
    found = fetch_or_skip(lambda cache: compare(network, rgb, cache))
    assert found.scores < 1e-4
    assert found.distances < 1e-4
