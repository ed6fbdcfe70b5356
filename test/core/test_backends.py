"""Every backend computes what PyTorch computes."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml

from yolact_core import (
    Detector,
    InputError,
    ModelConfig,
    build_network,
    load_network,
)
from yolact_core.checkpoints.checkpoint import hash_weights
from yolact_core.inference.preprocessing import Preprocessor
from yolact_core.network import resize_network
from yolact_core.runtimes import choices
from yolact_core.runtimes.export import ExportOptions, export_network
from yolact_core.runtimes.exported_backend import ModelCard
from yolact_core.runtimes.model_loading import load_backend, model_key
from yolact_core.runtimes.registry import RUNTIMES, Runtime, runtime_of_file
from yolact_core.runtimes.torch import TorchBackend

CPU = torch.device('cpu')
ON_CPU = [name for name, runtime in RUNTIMES.items() if name != 'tensorrt']
TWO_IN_TURN = """
import signal, sys
from pathlib import Path
import torch
from yolact_core.runtimes.registry import runtime_of_file
path = Path(sys.argv[1])
runtime = runtime_of_file(path)
first, second = (runtime.open_model(path, torch.device('cpu'), 'auto') for _ in range(2))
del first
del second
signal.signal(signal.SIGUSR1, lambda *_: None)
signal.raise_signal(signal.SIGUSR1)
print('alive')
"""


@pytest.fixture(scope='module', params=ON_CPU)
def runtime(request):
    pytest.importorskip(RUNTIMES[request.param].packages[0])
    return RUNTIMES[request.param]


@pytest.fixture(scope='module')
def network(tiny_model):
    return load_network(tiny_model)


@pytest.fixture(scope='module')
def exported(runtime, network, tmp_path_factory):
    """Return the tiny model as a file of the runtime."""
    return export(runtime, network, tmp_path_factory.mktemp(runtime.name))


def export(runtime, network, folder):
    path = folder / f'model{runtime.suffix}'
    export_network(network, path, ExportOptions(runtime.name))
    return path


def assert_equal(backend, network, count=1):
    side = network.config.input_size
    images = np.random.default_rng(3).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    with torch.inference_mode():
        expected = network(Preprocessor(network.config)(images))
        found = backend(backend.prepare(images))
    for name, ours, theirs in zip(expected._fields, found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=0, msg=name)


@pytest.mark.slow
def test_raw_outputs_equal_those_of_pytorch_for_any_number_of_images(exported, network):
    backend = load_backend(exported, 'cpu')
    for count in (1, 3, 1):
        assert_equal(backend, network, count)


@pytest.mark.slow
def test_detections_equal_those_of_pytorch(exported, tiny_model, photo):
    assert_same_detections(exported, tiny_model, photo)


@pytest.mark.slow
def test_distances_sigmoids_and_joined_heads_equal_those_of_pytorch(
    runtime, sigmoid_model, photo, tmp_path
):
    network = load_network(sigmoid_model)
    path = export(runtime, network, tmp_path)
    backend = load_backend(path, 'cpu')
    assert backend.config == network.config
    for count in (1, 3):
        assert_equal(backend, network, count)
    assert_same_detections(path, sigmoid_model, photo)


@pytest.mark.slow
@pytest.mark.parametrize('side', [96, 150])  # 150 is not a whole number of cells at any level
def test_path_aggregation_can_be_exported_at_another_size(runtime, sigmoid_model, side, tmp_path):
    network = resize_network(load_network(sigmoid_model), side)
    assert_equal(load_backend(export(runtime, network, tmp_path), 'cpu'), network)


def assert_same_detections(path, checkpoint, photo):
    detectors = [
        Detector.load(source, 'cpu', score_threshold=0.4) for source in (path, checkpoint)
    ]
    side = detectors[0].config.input_size
    ours, theirs = (one(cv2.resize(photo, (side, side))) for one in detectors)
    assert len(theirs) > 0
    np.testing.assert_array_equal(ours.class_ids, theirs.class_ids)
    np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-5)
    np.testing.assert_allclose(ours.boxes, theirs.boxes, atol=1e-2)
    assert (ours.masks.dense() != theirs.masks.dense()).mean() < 1e-4


@pytest.mark.slow
def test_a_file_alone_is_a_full_model(exported, runtime, network, tiny_model):
    from_file, from_checkpoint = (Detector.load(path, 'cpu') for path in (exported, tiny_model))
    assert from_file.backend == runtime.name
    assert from_file.precision == 'float32'
    assert from_file.device == CPU
    assert from_file.config == from_checkpoint.config
    assert from_file.class_names == ('person', 'chair', 'cup')
    assert from_file.model_id == from_checkpoint.model_id
    assert torch.equal(load_backend(exported, 'cpu').priors, network.priors)


@pytest.mark.slow
def test_a_checkpoint_is_exported_once(runtime, tiny_model, network, tmp_path, monkeypatch):
    monkeypatch.setenv('YOLACT_CACHE', str(tmp_path))
    backend = load_backend(tiny_model, 'cpu', runtime.name)
    assert_equal(backend, network)
    (path,) = (tmp_path / 'exported').glob(f'*{runtime.suffix}')
    written = path.stat().st_mtime_ns
    assert load_backend(tiny_model, 'cpu', runtime.name).digest == hash_weights(network)
    assert path.stat().st_mtime_ns == written


def test_the_same_weights_at_another_size_are_another_file(network):
    larger = build_network(network.config.replace(input_size=160))
    larger.load_state_dict(network.state_dict())
    assert hash_weights(larger) == hash_weights(network)
    assert model_key(larger) != model_key(network)


def test_a_file_in_int8_is_written_anew_when_rounding_changes(tiny_model, monkeypatch):
    network = load_network(tiny_model)
    keys = [model_key(network, precision) for precision in ('float32', 'int8')]
    monkeypatch.setattr(choices, 'ROUNDING', choices.ROUNDING + 1)
    assert model_key(network) == keys[0]
    assert model_key(network, 'int8') != keys[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    'name', ['yolact_efficientnet_lite0', 'yolact_resnet50', 'yolact_nanodet']
)
def test_networks_of_full_size_equal_those_of_pytorch(runtime, name, tmp_path):
    network = build_network(name)
    path = tmp_path / f'model{runtime.suffix}'
    export_network(network, path, ExportOptions(runtime.name))
    assert_equal(load_backend(path, 'cpu'), network)


@pytest.mark.slow
def test_deformable_convolutions_and_mask_rescoring_are_exported_too(runtime, tmp_path):
    config = ModelConfig.from_name('yolact_plus_resnet50').replace(input_size=128)
    if not runtime.can_run(config):
        pytest.skip(f'{runtime.name} has no deformable convolutions')
    network = build_network(config)
    for module in network.modules():
        if hasattr(module, 'conv_offset_mask'):  # else every offset is zero
            torch.nn.init.normal_(module.conv_offset_mask.weight, std=0.02)
    path = tmp_path / f'plus{runtime.suffix}'
    export_network(network, path, ExportOptions(runtime.name))
    backend = load_backend(path, 'cpu')
    assert_equal(backend, network)
    masks = torch.rand(2, 138, 138)
    with torch.inference_mode():
        torch.testing.assert_close(backend.rescore(masks), network.rescore(masks))


def test_a_runtime_without_deformable_convolutions_refuses_them(tmp_path):
    pytest.importorskip('ncnn')
    network = build_network('yolact_plus_resnet50')
    with pytest.raises(InputError, match='for ncnn must have no deformable convolutions, got'):
        export_network(network, tmp_path / 'plus.ncnn.param', ExportOptions('ncnn'))


@pytest.mark.slow
@pytest.mark.parametrize('precision', ['float16', 'int8'])
def test_a_precision_that_a_file_does_not_have_is_refused(exported, precision):
    with pytest.raises(InputError, match=r'precision .*must|to run in it'):
        load_backend(exported, 'cpu', precision=precision)


@pytest.mark.slow
def test_bfloat16_is_close_where_the_cpu_has_it_and_refused_elsewhere(exported, runtime, network):
    has_bfloat16 = 'avx512_bf16' in Path('/proc/cpuinfo').read_text()
    if 'bfloat16' not in runtime.computes_in or not has_bfloat16:
        with pytest.raises(InputError, match=r'precision .*must'):
            load_backend(exported, 'cpu', precision='bfloat16')
        return
    exact, reduced = (
        load_backend(exported, 'cpu', precision=one) for one in ('float32', 'bfloat16')
    )
    assert reduced.precision == 'bfloat16'
    side = network.config.input_size
    images = np.random.default_rng(3).integers(0, 256, (1, side, side, 3), dtype=np.uint8)
    with torch.inference_mode():
        expected, found = (
            [one.clone() for one in backend(backend.prepare(images))]
            for backend in (exact, reduced)
        )
    for ours, theirs in zip(found, expected, strict=True):
        difference = (ours - theirs).abs().mean()
        assert 0 < difference < 0.03 * theirs.abs().mean()


@pytest.mark.slow
def test_signals_are_handled_after_two_backends_have_ended_in_the_order_of_their_start(exported):
    command = [sys.executable, '-c', TWO_IN_TURN, str(exported)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, 'alive\n'), done.stderr


def test_a_file_is_run_by_its_own_backend_only(exported, runtime):
    with pytest.raises(InputError, match=f"must be run by backend {runtime.name}, got 'torch'"):
        load_backend(exported, 'cpu', 'torch')


def test_a_file_that_is_no_model_is_refused(runtime, tmp_path):
    path = tmp_path / f'broken{runtime.suffix}'
    path.write_bytes(b'nothing')
    with pytest.raises(InputError, match=r'broken\..* must be a model that'):
        load_backend(path, 'cpu')
    with pytest.raises(InputError, match='model file must exist'):
        load_backend(tmp_path / f'nowhere{runtime.suffix}', 'cpu')


def test_a_model_of_another_project_is_refused(tmp_path):
    onnx = pytest.importorskip('onnx')
    pytest.importorskip('onnxruntime')
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node('Relu', ['in'], ['out'])],
        'other',
        *([onnx.helper.make_tensor_value_info(name, 1, [1])] for name in ('in', 'out')),
    )
    versions = {'ir_version': 10, 'opset_imports': [onnx.helper.make_opsetid('', 20)]}
    onnx.save(onnx.helper.make_model(graph, **versions), tmp_path / 'other.onnx')
    with pytest.raises(InputError, match="its format is 'yolact-export-2', got None"):
        load_backend(tmp_path / 'other.onnx', 'cpu')


@pytest.mark.parametrize(
    ('last_line', 'text'),
    [
        ('', "its format is 'yolact-export-2', got None"),
        ('# yolact {"format": "yolact-export-1"}', "got 'yolact-export-1': export it with"),
        ('# yolact {"format": "yolact-exp', 'must hold whole metadata: Unterminated string'),
    ],
)
def test_a_graph_of_ncnn_without_its_metadata_is_refused(tmp_path, last_line, text):
    pytest.importorskip('ncnn')
    path = tmp_path / 'other.ncnn.param'
    path.write_text(f'7767517\n1 1\nInput in0 0 1 in0\n{last_line}\n')
    path.with_suffix('.bin').touch()
    with pytest.raises(InputError, match=text):
        load_backend(path, 'cpu')


def test_what_ncnn_cannot_compute_is_an_error(network, tmp_path):
    pytest.importorskip('ncnn')
    path = tmp_path / 'small.ncnn.param'
    card = ModelCard.of_network(network, 'f' * 64, 'float32')
    graph = '7767517\n1 1\nInput in0 0 1 in0\n'
    path.write_text(f'{graph}# yolact {json.dumps(card.to_strings())}\n')
    with pytest.raises(InputError, match=r'its weights beside it, got no small\.ncnn\.bin'):
        load_backend(path, 'cpu')
    path.with_suffix('.bin').touch()
    backend = load_backend(path, 'cpu')
    with pytest.raises(RuntimeError, match='ncnn must take or give out0, got error -1'):
        backend(torch.zeros(1, 8, 8, 3, dtype=torch.uint8))


def test_what_a_file_says_of_itself_survives_the_way_into_strings(network, tmp_path):
    card = ModelCard.of_network(network, 'f' * 64, 'int8')
    strings = card.to_strings()
    assert strings['model_id'] == 'tiny@ffffffffffff'
    assert strings['outputs'] == 'box_offsets, class_logits, coefficients, prototypes'
    read = ModelCard.from_strings(strings, tmp_path)
    assert (read.config, read.digest, read.precision) == (network.config, 'f' * 64, 'int8')
    assert torch.equal(read.priors, network.priors)
    assert read.rescoring is None
    del strings['tensors']
    with pytest.raises(InputError, match=r"must hold whole metadata: 'tensors'"):
        ModelCard.from_strings(strings, tmp_path)


def test_a_file_from_before_there_were_kinds_of_heads_still_loads(network, tmp_path):
    strings = ModelCard.of_network(network, 'f' * 64, 'float32').to_strings()
    config = yaml.safe_load(strings['config'])
    for key in ('pyramid', 'protonet', 'heads', 'box_coding', 'scores', 'class_outputs'):
        del config[key]
    strings['config'] = yaml.safe_dump(config)
    assert ModelCard.from_strings(strings, tmp_path).config == network.config


def test_a_runtime_that_is_not_installed_says_how_to_install_it(tmp_path):
    absent = Runtime('onnx', '.onnx', 'nowhere', ('no_such_runtime',), 'pip install it', ('cpu',))
    with pytest.raises(
        InputError, match='onnx must be installed, got none of no_such_runtime: pip install it'
    ):
        absent.open_model(tmp_path / 'model.onnx', CPU, 'auto')


def test_a_runtime_refuses_a_device_that_it_does_not_run_on(tmp_path):
    openvino = RUNTIMES['openvino']
    pytest.importorskip('openvino')
    with pytest.raises(InputError, match='openvino must run on cpu, got cuda:0'):
        openvino.open_model(tmp_path / 'model.xml', torch.device('cuda:0'), 'auto')


def test_exported_files_are_known_by_their_suffix(tmp_path):
    suffixes = {'.onnx': 'onnx', '.xml': 'openvino', '.ncnn.param': 'ncnn', '.engine': 'tensorrt'}
    for suffix, name in suffixes.items():
        assert runtime_of_file(tmp_path / f'model{suffix}') is RUNTIMES[name]
    assert runtime_of_file(tmp_path / 'model.safetensors') is None


def test_int8_from_a_checkpoint_asks_for_calibration(tiny_model):
    pytest.importorskip('openvino')
    with pytest.raises(InputError, match=r'int8 must be calibrated .* --calibration DIR'):
        Detector.load(tiny_model, backend='openvino', precision='int8')


@pytest.mark.slow
def test_a_compiled_network_computes_the_same(tiny_model, network):
    backend = load_backend(tiny_model, 'cpu', 'torch_compile')
    assert (backend.name, backend.precision) == ('torch_compile', 'float32')
    assert_equal(backend, network)
    assert_equal(backend, network, count=2)


@pytest.mark.slow
def test_without_a_compiler_compiling_is_refused(tiny_model):
    torch.compiler.reset()
    none = {'cpp.cxx': (None, '/nowhere/c++'), 'fx_graph_cache': False}
    with (
        torch._inductor.config.patch(none),
        pytest.raises(InputError, match=r'torch_compile must have .*, got: InvalidCxxCompiler'),
    ):
        load_backend(tiny_model, 'cpu', 'torch_compile')


def test_pytorch_is_a_backend_like_the_others(network):
    backend = TorchBackend(network)
    assert (backend.name, backend.precision) == ('torch', 'float32')
    assert backend.digest == hash_weights(network)
    assert_equal(backend, network, count=2)
