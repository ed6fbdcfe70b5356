"""NVIDIA's driver, called directly: for GPUs that PyTorch was not built for."""

from __future__ import annotations

import ctypes
import weakref
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

LIBRARY = 'libcuda.so.1'
MAJOR, MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
NAME_BYTES = 256


def describe_gpu(index: int = 0) -> str | None:
    """Return the name and compute capability of a GPU, such as ``Orin (8.7)``; None without one.

    Args:
        index: Index of the GPU among those that are visible.
    """
    driver = _load_driver()
    if driver is None:
        return None
    device = ctypes.c_int()
    name = ctypes.create_string_buffer(NAME_BYTES)
    major, minor = ctypes.c_int(), ctypes.c_int()
    try:
        _call('cuDeviceGet', ctypes.byref(device), index)
        _call('cuDeviceGetName', name, NAME_BYTES, device)
        _call('cuDeviceGetAttribute', ctypes.byref(major), MAJOR, device)
        _call('cuDeviceGetAttribute', ctypes.byref(minor), MINOR, device)
    except RuntimeError:
        return None
    return f'{name.value.decode()} ({major.value}.{minor.value})'


class Gpu:
    """Memory of a GPU and one stream of work on it.

    All that is allocated is freed with this object.

    Args:
        index: Index of the GPU among those that are visible.

    Raises:
        RuntimeError: The driver is missing or refuses.
    """

    def __init__(self, index: int = 0) -> None:
        self._device, self._context = ctypes.c_int(), ctypes.c_void_p()
        _call('cuDeviceGet', ctypes.byref(self._device), index)
        _call('cuDevicePrimaryCtxRetain', ctypes.byref(self._context), self._device)
        self.activate()
        stream = ctypes.c_void_p()
        _call('cuStreamCreate', ctypes.byref(stream), 0)
        self.stream = int(stream.value or 0)
        self._on_device: list[int] = []
        self._pinned: list[int] = []
        self.close = weakref.finalize(
            self, _release, self._context, self._device, self._on_device, self._pinned
        )

    def activate(self) -> None:
        """Make this the GPU of the calling thread, as each thread must that works with it."""
        _call('cuCtxSetCurrent', self._context)

    def allocate(self, size: int) -> int:
        """Allocate bytes on the GPU and return their address."""
        address = ctypes.c_uint64()
        _call('cuMemAlloc_v2', ctypes.byref(address), ctypes.c_size_t(size))
        self._on_device.append(address.value)
        return address.value

    def pin(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Return an array in memory that the GPU copies from and to by itself."""
        address = ctypes.c_void_p()
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        _call('cuMemHostAlloc', ctypes.byref(address), ctypes.c_size_t(size), 0)
        self._pinned.append(int(address.value or 0))
        pointer = ctypes.cast(address, ctypes.POINTER(ctypes.c_uint8))
        return np.ctypeslib.as_array(pointer, (size,)).view(dtype).reshape(shape)

    def upload(self, array: npt.NDArray[Any], address: int) -> None:
        """Launch a copy to the GPU."""
        source = ctypes.c_void_p(array.ctypes.data)
        size = ctypes.c_size_t(array.nbytes)
        _call('cuMemcpyHtoDAsync_v2', ctypes.c_uint64(address), source, size, self._stream())

    def download(self, address: int, array: npt.NDArray[Any]) -> None:
        """Launch a copy from the GPU."""
        destination = ctypes.c_void_p(array.ctypes.data)
        size = ctypes.c_size_t(array.nbytes)
        _call('cuMemcpyDtoHAsync_v2', destination, ctypes.c_uint64(address), size, self._stream())

    def synchronize(self) -> None:
        """Wait until all that was launched is done."""
        _call('cuStreamSynchronize', self._stream())

    def _stream(self) -> ctypes.c_void_p:
        return ctypes.c_void_p(self.stream)


@lru_cache(maxsize=1)
def _load_driver() -> ctypes.CDLL | None:
    try:
        driver = ctypes.CDLL(LIBRARY)
    except OSError:
        return None
    return driver if driver.cuInit(0) == 0 else None


def _call(name: str, *arguments: object) -> None:
    driver = _load_driver()
    if driver is None:
        raise RuntimeError(f'an NVIDIA GPU and its driver {LIBRARY} must be there')
    code = getattr(driver, name)(*arguments)
    if code != 0:
        raise RuntimeError(f'{name} must succeed, got error {code} of the CUDA driver')


def _release(
    context: ctypes.c_void_p, device: ctypes.c_int, on_device: list[int], pinned: list[int]
) -> None:
    _call('cuCtxSetCurrent', context)
    for address in on_device:
        _call('cuMemFree_v2', ctypes.c_uint64(address))
    for address in pinned:
        _call('cuMemFreeHost', ctypes.c_void_p(address))
    _call('cuDevicePrimaryCtxRelease_v2', device)
