"""Addresses, copies, names and batches around an engine, with stand-ins for engine and driver."""

import ctypes
import gc
import subprocess
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from yolact_core import load_network
from yolact_core.checkpoints.checkpoint import hash_weights
from yolact_core.inference.preprocessing import Normalizer
from yolact_core.runtimes.exported_backend import ModelCard
from yolact_core.runtimes.tensorrt import cuda_driver
from yolact_core.runtimes.tensorrt.backend import TensorRtBackend, TorchBindings
from yolact_core.runtimes.tensorrt.cuda_driver import Gpu, describe_gpu

CPU = torch.device('cpu')
HEADER = 'nvidia/*/include/cuda.h'  # beside the package of PyTorch


class Engine:
    """Stands for an engine and its context: runs a network on what lies at the addresses."""

    def __init__(self, network):
        self.graph, self.addresses = nn.Sequential(Normalizer(network.config), network), {}
        side = network.config.input_size
        with torch.inference_mode():
            outputs = network(torch.zeros(1, 3, side, side))
        self.shapes = {'images': (1, side, side, 3)}
        self.shapes |= {name: tuple(one.shape) for name, one in outputs._asdict().items()}
        self.num_io_tensors = len(self.shapes)
        self.get_tensor_name = list(self.shapes).__getitem__
        self.get_tensor_shape = self.shapes.__getitem__
        self.set_tensor_address = self.addresses.__setitem__

    def create_execution_context(self):
        return self

    def set_input_shape(self, name, shape):
        assert self.shapes[name] == shape

    def execute_async_v3(self, _stream):
        with torch.inference_mode():
            outputs = self.graph(torch.from_numpy(self._array('images', ctypes.c_uint8)))
        for name, output in outputs._asdict().items():
            self._array(name, ctypes.c_float)[...] = output.numpy()
        return True

    def _array(self, name, kind):
        pointer = ctypes.cast(self.addresses[name], ctypes.POINTER(kind))
        return np.ctypeslib.as_array(pointer, self.shapes[name])


DRIVER = r"""
#include <cuda.h>
#include <stdlib.h>
#include <string.h>

static int left = 0; /* allocations, contexts */

CUresult cuInit(unsigned int flags) {
  return flags == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  if (ordinal != 0) return CUDA_ERROR_INVALID_DEVICE;
  *device = 3;
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetName(char *name, int size, CUdevice device) {
  if (device != 3 || size < 6) return CUDA_ERROR_INVALID_VALUE;
  strcpy(name, "Paper");
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
  if (device != 3) return CUDA_ERROR_INVALID_VALUE;
  *value = attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR   ? 8
           : attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR ? 7
                                                                       : -1;
  return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  left++;
  *context = (CUcontext)0x123456789abc;
  return device == 3 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
CUresult cuDevicePrimaryCtxRelease(CUdevice device) {
  left--;
  return device == 3 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
CUresult cuCtxSetCurrent(CUcontext context) {
  return context == (CUcontext)0x123456789abc ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}
CUresult cuStreamCreate(CUstream *stream, unsigned int flags) {
  *stream = (CUstream)0xfedcba987654;
  return flags == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
static CUresult check(CUstream stream) {
  return stream == (CUstream)0xfedcba987654 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}
CUresult cuStreamSynchronize(CUstream stream) { return check(stream); }
CUresult cuMemAlloc(CUdeviceptr *address, size_t size) {
  left++;
  *address = (CUdeviceptr)malloc(size);
  return CUDA_SUCCESS;
}
CUresult cuMemHostAlloc(void **address, size_t size, unsigned int flags) {
  left++;
  *address = malloc(size);
  return flags == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
CUresult cuMemFree(CUdeviceptr address) { left--; free((void *)address); return CUDA_SUCCESS; }
CUresult cuMemFreeHost(void *address) { left--; free(address); return CUDA_SUCCESS; }
CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t size, CUstream stream) {
  memcpy((void *)to, from, size);
  return check(stream);
}
CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t size, CUstream stream) {
  memcpy(to, (const void *)from, size);
  return check(stream);
}
int count_left(void) { return left; }
"""


@pytest.fixture(scope='module')
def library(tmp_path_factory):
    """Compile a driver, against NVIDIA's declarations, whose GPU is this process's memory."""
    compiler, found = which('cc'), sorted(Path(find_spec('torch').origin).parents[1].glob(HEADER))
    if compiler is None or not found:
        pytest.skip("needs a C compiler and NVIDIA's cuda.h, which comes with PyTorch for CUDA")
    folder = tmp_path_factory.mktemp('driver')
    source, built = folder / 'driver.c', folder / 'libcuda.so.1'
    source.write_text(DRIVER)
    options = ['-shared', '-fPIC', '-Werror', f'-I{found[0].parent}', '-o', str(built)]
    subprocess.run([compiler, str(source), *options], check=True)
    return built


@pytest.fixture
def driver(library, monkeypatch):
    """Let the compiled driver be the one that is found."""
    monkeypatch.setattr(cuda_driver, 'LIBRARY', str(library))
    cuda_driver._load_driver.cache_clear()
    yield ctypes.CDLL(str(library))
    gc.collect()
    cuda_driver._load_driver.cache_clear()


@pytest.fixture(params=['tiny_model', 'sigmoid_model'])
def network(request):
    return load_network(request.getfixturevalue(request.param))


def test_a_gpu_is_described_by_its_driver(driver):
    assert describe_gpu() == 'Paper (8.7)'
    assert describe_gpu(1) is None


def test_an_engine_gets_each_image_and_gives_each_output_by_its_name(network, driver):
    before = driver.count_left()
    backend = open_engine(network)
    check_batch(network, backend)
    del backend
    gc.collect()
    assert driver.count_left() == before  # all memory is free again


def open_engine(network):
    card = ModelCard.of_network(network, hash_weights(network), 'float32')
    return TensorRtBackend(Engine(network), card, CPU, 'float32')


def test_an_engine_beside_pytorch_reads_and_writes_its_tensors(network, monkeypatch):
    stream = SimpleNamespace(cuda_stream=0)
    monkeypatch.setattr(torch.cuda, 'current_stream', lambda _device: stream)
    engine = Engine(network)
    shapes = {name: shape for name, shape in engine.shapes.items() if name != 'images'}
    check_batch(network, TorchBindings(engine, 'images', shapes).run)


def check_batch(network, run):
    side = network.config.input_size
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(256, (3, side, side, 3), dtype=torch.uint8, generator=generator)
    with torch.inference_mode():
        expected = network(Normalizer(network.config)(images))
    for found, wanted in zip(run(images), expected, strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.usefixtures('driver')
def test_a_refusal_of_the_engine_is_told(network, monkeypatch):
    monkeypatch.setattr(Engine, 'execute_async_v3', lambda _self, _stream: False)
    side = network.config.input_size
    with pytest.raises(RuntimeError, match='engine must run, got a refusal'):
        open_engine(network)(torch.zeros(1, side, side, 3, dtype=torch.uint8))


@pytest.mark.usefixtures('driver')
def test_a_refusal_of_the_driver_is_told():
    with pytest.raises(RuntimeError, match='cuDeviceGet must succeed, got error 101 of the CUDA'):
        Gpu(1)


def test_the_library_offers_what_engines_are_run_with():
    library = pytest.importorskip('tensorrt_rtx')
    for kind, names in {
        'ICudaEngine': ('create_execution_context', 'get_tensor_name', 'num_io_tensors'),
        'IExecutionContext': (
            'execute_async_v3',
            'get_tensor_shape',
            'set_input_shape',
            'set_tensor_address',
        ),
        'Runtime': ('deserialize_cuda_engine',),
    }.items():
        assert [name for name in names if not hasattr(getattr(library, kind), name)] == []
