"""Engines are built anywhere, and run where a GPU is."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from yolact_core import load_network
from yolact_core.checkpoints.checkpoint import hash_weights
from yolact_core.cli import main
from yolact_core.errors import InputError
from yolact_core.inference.preprocessing import Normalizer
from yolact_core.quantization import measure_ranges, quantize
from yolact_core.quantization.tracing import trace_network
from yolact_core.runtimes.exported_backend import ModelCard
from yolact_core.runtimes.tensorrt.backend import TensorRtBackend
from yolact_core.runtimes.tensorrt.cuda_driver import describe_gpu
from yolact_core.runtimes.tensorrt.engine import EngineFile, build_engine
from yolact_core.runtimes.tensorrt.library import TensorRT
from yolact_core.runtimes.tensorrt.precision import halve_model, load_model

pytest.importorskip('onnxruntime', reason="needs pip install 'yolact[onnx]'")
pytest.importorskip('onnxscript', reason="needs pip install 'yolact[onnx]'")

pytestmark = pytest.mark.slow
LIBRARIES = [name for name in ('tensorrt', 'tensorrt_rtx') if find_spec(name)]
needs_tensorrt = pytest.mark.skipif(
    not LIBRARIES, reason="needs tensorrt or tensorrt_rtx: pip install 'yolact[tensorrt]'"
)
needs_gpu = pytest.mark.skipif(describe_gpu() is None, reason='needs an NVIDIA GPU')
can_build = pytest.mark.skipif(
    'tensorrt_rtx' not in LIBRARIES and describe_gpu() is None,
    reason='needs tensorrt_rtx, or an NVIDIA GPU: tensorrt builds nothing without one',
)


@pytest.fixture(scope='module', params=['tiny_model', 'sigmoid_model'])
def network(request):
    return load_network(request.getfixturevalue(request.param))


@pytest.fixture(scope='module')
def onnx_file(network, tmp_path_factory):
    from yolact_core.runtimes.export import write_onnx

    path = tmp_path_factory.mktemp('onnx') / 'tiny.onnx'
    card = ModelCard.of_network(network, hash_weights(network), 'float32')
    write_onnx(network, card, path)
    return path


@pytest.fixture(scope='module')
def images(network):
    side = network.config.input_size
    generator = torch.Generator().manual_seed(3)
    shape = (1, side, side, 3)
    return [torch.randint(256, shape, dtype=torch.uint8, generator=generator) for _ in range(2)]


def run_onnx(model, images):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {'images': images.numpy()})


def predict(network, images):
    with torch.inference_mode():
        return [output.numpy() for output in network(Normalizer(network.config)(images))]


@pytest.fixture(scope='module')
def expected(network, images):
    return predict(network, images[0])


def test_a_halved_network_takes_bytes_and_returns_float32_and_agrees(onnx_file, images, expected):
    model = load_model(onnx_file)
    before = model.ByteSize()
    halve_model(model)
    assert model.ByteSize() < 0.6 * before
    for found, wanted in zip(run_onnx(model, images[0]), expected, strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, atol=0.02 * np.abs(wanted).max())


@pytest.fixture(scope='module')
def int8_file(network, images, tmp_path_factory):
    """Return the network as an ONNX file that rounds to int8."""
    from yolact_core.runtimes.export import write_onnx

    graph = trace_network(network, torch.zeros(3, 128, 128)).module()
    ranges = measure_ranges(graph, map(Normalizer(network.config), images))
    path = tmp_path_factory.mktemp('onnx') / 'int8.onnx'
    card = ModelCard.of_network(network, hash_weights(network), 'float32')
    write_onnx(quantize(graph, ranges, is_symmetric=True), card, path)
    return path


def test_a_quantized_network_follows_the_original(int8_file, images, expected):
    model = load_model(int8_file)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count('DequantizeLinear') > kinds.count('Conv') > 0
    for found, wanted in zip(run_onnx(model, images[0]), expected, strict=True):
        assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.85  # its weights are random


@can_build
@pytest.mark.parametrize('precision', ['float32', 'float16', 'int8'])
def test_an_engine_knows_what_it_was_built_of(network, onnx_file, int8_file, precision, tmp_path):
    path = tmp_path / 'tiny.engine'
    header = build_engine(int8_file if precision == 'int8' else onnx_file, path, precision)
    file = EngineFile.read(path)
    assert file.header == header
    assert (header.model, header.precision, header.size) == (
        network.config.name,
        precision,
        128,
    )
    assert header.weights == hash_weights(network)
    assert header.runtime.split()[0] in LIBRARIES
    card = ModelCard.from_strings(file.metadata, path)
    assert card.config == network.config
    torch.testing.assert_close(card.priors, network.priors)


@can_build
def test_engines_of_less_precision_are_smaller(onnx_file, tmp_path):
    sizes = []
    for precision in ('float32', 'float16'):
        build_engine(onnx_file, tmp_path / 'tiny.engine', precision)
        sizes.append((tmp_path / 'tiny.engine').stat().st_size)
    assert sizes[1] < 0.7 * sizes[0]


@can_build
def test_build_only_fills_the_folder_once(tiny_model, tmp_path, capsys):
    arguments = ['export', str(tiny_model), '--format', 'engine', '--build-only']
    written = []
    for _ in range(2):
        assert main([*arguments, '--engine-cache-dir', str(tmp_path)]) == 0
        path = Path(capsys.readouterr().out.replace('\n', ''))
        assert path.parent == tmp_path
        written.append((path, path.stat().st_mtime_ns))
    assert written[0] == written[1]
    assert EngineFile.read(written[0][0]).header.precision == 'float16'


@needs_tensorrt
def test_build_only_is_for_engines(tiny_model, capsys):
    assert main(['export', str(tiny_model), '--format', 'onnx', '--build-only']) == 2
    assert '--build-only must be used with --format engine' in capsys.readouterr().err


@needs_tensorrt
def test_a_precision_that_engines_lack_is_refused(onnx_file, tmp_path):
    with pytest.raises(InputError, match="one of float32, float16, int8, got 'bfloat16'"):
        build_engine(onnx_file, tmp_path / 'tiny.engine', 'bfloat16')


@needs_tensorrt
def test_a_file_that_is_no_network_is_refused(tmp_path):
    (tmp_path / 'broken.onnx').write_bytes(b'no network')
    with pytest.raises(InputError, match=r'broken\.onnx must be a readable ONNX file'):
        build_engine(tmp_path / 'broken.onnx', tmp_path / 'tiny.engine', 'float32')


@can_build
def test_a_network_that_tensorrt_cannot_run_is_refused_with_its_reason(onnx_file, tmp_path):
    model = load_model(onnx_file)
    next(node for node in model.graph.node if node.op_type == 'Relu').op_type = 'DeformConv'
    (tmp_path / 'strange.onnx').write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=r'must understand the network: DeformConv: '):
        build_engine(tmp_path / 'strange.onnx', tmp_path / 'tiny.engine', 'float32')


@needs_tensorrt
@pytest.mark.skipif(describe_gpu() is not None, reason='is about machines without a GPU')
def test_running_without_a_gpu_is_refused_in_words(onnx_file, tmp_path):
    path = tmp_path / 'tiny.engine'
    build_engine(onnx_file, path, 'float32')
    with pytest.raises(InputError, match='NVIDIA GPU with its driver must be there'):
        TensorRtBackend.open(path, torch.device('cpu'))


@needs_tensorrt
@pytest.mark.skipif(describe_gpu() is not None, reason='is about machines without a GPU')
def test_building_with_tensorrt_needs_the_gpu_it_is_for():
    class Module:
        __version__ = '10.3.0'

    with pytest.raises(InputError, match='GPU must be there for tensorrt, got none'):
        TensorRT('tensorrt', Module, None).gpu()


@needs_tensorrt
@needs_gpu
@pytest.mark.parametrize('device', ['cpu', 'cuda'])
@pytest.mark.parametrize(('precision', 'tolerance'), [('float32', 1e-3), ('float16', 3e-2)])
def test_an_engine_agrees_with_pytorch(
    onnx_file, images, expected, device, precision, tolerance, tmp_path
):
    if device == 'cuda' and not torch.cuda.is_available():
        pytest.skip('needs a PyTorch that knows CUDA')
    path = tmp_path / 'tiny.engine'
    build_engine(onnx_file, path, precision)
    backend = TensorRtBackend.open(path, torch.device(device))
    for _ in range(3):  # as it is, recorded, replayed
        for found, wanted in zip(backend(images[0].to(device)), expected, strict=True):
            np.testing.assert_allclose(
                found.cpu(), wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max()
            )
    together = backend(torch.cat(images).to(device))
    for found, wanted in zip(together, backend(images[1].to(device)), strict=True):
        np.testing.assert_allclose(found[1].cpu(), wanted[0].cpu(), atol=1e-5)
