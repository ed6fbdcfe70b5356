"""Engines are found again, and those that were made elsewhere are refused."""

from dataclasses import replace
from importlib.util import find_spec

import pytest

from yolact_core import build_network
from yolact_core.errors import InputError
from yolact_core.runtimes.exported_backend import FORMAT
from yolact_core.runtimes.tensorrt import engine as engines
from yolact_core.runtimes.tensorrt.engine import (
    EngineFile,
    EngineHeader,
    engine_folder,
    find_or_build,
)

HEADER = EngineHeader('indoor', 'ab' * 32, 'float16', 400, 'tensorrt 10.3.0', 'Orin (8.7)')


@pytest.fixture
def engine(tmp_path):
    path = tmp_path / 'indoor.engine'
    EngineFile(HEADER, {'config': 'name: indoor'}, b'plan' * 100).write(path)
    return path


def test_what_is_written_is_read(engine):
    assert EngineFile.read(engine) == EngineFile(HEADER, {'config': 'name: indoor'}, b'plan' * 100)


@pytest.mark.parametrize(
    'change',
    [
        {'model': 'other'},
        {'weights': 'cd' * 32},
        {'precision': 'int8'},
        {'size': 550},
        {'runtime': 'tensorrt 10.4.0'},
        {'gpu': 'NVIDIA GeForce RTX 4090 (8.9)'},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_is_different_has_another_name(change):
    changed = replace(HEADER, **change)
    assert changed.filename != HEADER.filename
    assert changed.filename.endswith('.engine')
    assert not set(changed.filename) & set(' /()')


def test_an_engine_of_this_gpu_and_runtime_is_taken(engine):
    EngineFile.read(engine).header.check(engine, 'tensorrt 10.3.0', 'Orin (8.7)')
    replace(HEADER, gpu='any').check(engine, 'tensorrt 10.3.0', 'Orin (8.7)')


def test_an_engine_of_another_gpu_is_refused(engine):
    with pytest.raises(
        InputError, match=r'built for the GPU that is here, Thor \(11\.0\), got one for Orin'
    ):
        HEADER.check(engine, 'tensorrt 10.3.0', 'Thor (11.0)')


def test_an_engine_of_another_version_is_refused(engine):
    with pytest.raises(
        InputError, match=r'the runtime that is here, tensorrt 10\.7\.0, got one by tensorrt 10\.3'
    ):
        HEADER.check(engine, 'tensorrt 10.7.0', 'Orin (8.7)')


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / 'raw.engine').write_bytes(b'ftrt' + bytes(100))
    with pytest.raises(InputError, match='must be an engine written by "yolact export"'):
        EngineFile.read(tmp_path / 'raw.engine')


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match='must be a readable engine: No such file'):
        EngineFile.read(tmp_path / 'none.engine')


@pytest.mark.parametrize('damage', ['cut', 'flipped', 'front'])
def test_a_damaged_file_is_refused(engine, damage):
    content = bytearray(engine.read_bytes())
    if damage == 'cut':
        del content[-10:]
    else:
        content[-10 if damage == 'flipped' else 30] ^= 0xFF
    engine.write_bytes(content)
    with pytest.raises(InputError, match='must be a whole engine, got a damaged file'):
        EngineFile.read(engine)


def test_the_default_folder_is_in_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv('YOLACT_CACHE', str(tmp_path))
    assert engine_folder() == tmp_path / 'engines'
    assert engine_folder('~/engines').is_absolute()


@pytest.mark.skipif(
    not find_spec('tensorrt_rtx'), reason="needs tensorrt_rtx: pip install 'yolact[tensorrt]'"
)
def test_an_engine_is_built_once_and_again_when_damaged_or_of_another_format(
    monkeypatch, tmp_path
):
    built, formats = [], [FORMAT]

    def write(onnx_path, path, precision, library):
        built.append(onnx_path.read_text())
        header = EngineHeader(
            config.name, 'ab' * 32, precision, config.input_size, library.runtime, library.gpu()
        )
        EngineFile(header, {'format': formats[-1]}, b'plan').write(path)

    monkeypatch.setattr(engines, 'build_engine', write)
    monkeypatch.setattr(engines, 'write_onnx', lambda _, __, path: path.write_text('graph'))
    network = build_network('yolact_resnet18')
    config = network.config

    def find(digest='ab' * 32):
        monkeypatch.setattr(engines, 'hash_weights', lambda _: digest)
        return find_or_build(network, 'float16', tmp_path)

    assert find() == find()
    assert built == ['graph']
    find().write_bytes(b'damaged')
    formats.append('yolact-export-1')
    find()
    assert built == ['graph', 'graph']
    formats.append(FORMAT)
    find()
    assert built == ['graph', 'graph', 'graph']
    assert find('cd' * 32) != find()
