"""A new backend is a row of the table and a module with its class: all else follows."""

import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch

from yolact_core import Detector, InputError, build_network, load_network
from yolact_core.benchmark.variants import Variant, plan_variants
from yolact_core.cli.doctor_checks import list_checks, probe_modules
from yolact_core.inference.preprocessing import Normalizer
from yolact_core.runtimes.export import ExportOptions, export_network
from yolact_core.runtimes.exported_backend import ExportedBackend, ModelCard
from yolact_core.runtimes.model_loading import load_backend
from yolact_core.runtimes.registry import RUNTIMES, InstallCheck, Runtime, backend_names

ROOT = Path(__file__).parents[2]
ROW = Runtime(
    'toy',
    '.toy',
    f'{__name__}:ToyBackend',
    packages=('json',),
    install='pip install toy',
    devices=('cpu',),
    summary='.toy, for the toy',
    check=InstallCheck('Toy', 'for backend toy: pip install toy'),
    versions=('toy',),
)


class ToyBackend(ExportedBackend):
    """Runs files that hold the weights, and builds the network again."""

    name = 'toy'

    @classmethod
    def open(cls, path, device, precision='auto'):
        content = torch.load(path)
        backend = cls(ModelCard.from_strings(content['card'], path), device, 'float32')
        backend.network = build_network(backend.config)
        backend.network.load_state_dict(content['weights'])
        return backend

    @staticmethod
    def write(network, card, path):
        torch.save({'card': card.to_strings(), 'weights': network.state_dict()}, path)

    def run(self, images):
        return self.network(Normalizer(self.config)(images))


@pytest.fixture
def toy(monkeypatch):
    """Put the row into the table."""
    monkeypatch.setitem(RUNTIMES, 'toy', ROW)


def test_a_checkpoint_is_exported_to_it_once_and_its_files_are_models(
    toy, tiny_model, photo, tmp_path, monkeypatch
):
    monkeypatch.setenv('YOLACT_CACHE', str(tmp_path))
    detector, in_pytorch = (
        Detector.load(tiny_model, 'cpu', name, score_threshold=0.4) for name in ('toy', 'torch')
    )
    assert (detector.backend, detector.precision) == ('toy', 'float32')
    stretched = cv2.resize(photo, (detector.config.input_size,) * 2)
    assert len(detector(stretched)) == len(in_pytorch(stretched)) > 0
    (path,) = (tmp_path / 'exported').glob('*.toy')
    assert load_backend(path).name == 'toy'
    with pytest.raises(InputError, match="must be run by backend toy, got 'torch'"):
        load_backend(path, backend='torch')


def test_its_name_is_known_where_backends_are_named(toy, tiny_model, tmp_path):
    assert backend_names()[-1] == 'toy'
    with pytest.raises(InputError, match=r"backend must be one of auto, torch,.* toy, got 'jax'"):
        load_backend(tiny_model, backend='jax')
    with pytest.raises(InputError, match="export to toy must be one of float32, got 'int8'"):
        ExportOptions('toy', 'int8', tmp_path)
    with pytest.raises(InputError, match=r'output must be a \.toy file, got'):
        export_network(load_network(tiny_model), tmp_path / 'model.onnx', ExportOptions('toy'))


def test_the_benchmark_plans_it(toy):
    assert plan_variants(['a', 'b.toy'], ['toy'], ['float32'], [], 'cpu') == [
        Variant('a', 'toy', 'float32'),
        Variant('b.toy', 'toy'),
    ]
    assert Variant('a', 'toy') in plan_variants(['a'], ['all'], ['auto'], [], 'cpu')


def test_the_doctor_looks_at_it(toy):
    assert list_checks()['json'] == ROW.check
    assert probe_modules({'json': ROW.check.facts})['json'].facts == {'version': json.__version__}


def test_the_help_of_commands_names_it():
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from {Path(__file__).stem} import ROW
from yolact_core.runtimes.registry import RUNTIMES
RUNTIMES['toy'] = ROW
from yolact_core.cli import main
for command in ('export', 'detect', 'benchmark'):
    assert main([command, '--help']) == 0
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    told = ' '.join(done.stdout.split())
    assert '{openvino,onnx,ncnn,engine,toy,checkpoint}' in told
    assert 'toy: .toy, for the toy' in told
    assert 'ncnn, tensorrt or toy; auto: the fastest' in told
    assert 'ncnn, tensorrt, toy, auto; all: those installed' in told


@pytest.mark.parametrize('name', ['openvino', 'ncnn'])
def test_code_names_a_runtime_in_its_row_and_in_its_module_only(name):
    files = [*(ROOT / 'yolact_core').rglob('*.py'), *(ROOT / 'yolact_ros').rglob('*.py')]
    literal = re.compile(rf"""['"]{name}['"]""")
    named = {path for path in files if literal.search(path.read_text(encoding='utf-8'))}
    assert {path.relative_to(ROOT).as_posix() for path in named} == {
        'yolact_core/runtimes/registry.py',
        f'yolact_core/runtimes/{name}.py',
    }
