"""A new backend is a row of the table and a module with its class: all else follows."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from yolact_core import Detector, InputError, load_network
from yolact_core.benchmark.variants import Variant, plan_variants
from yolact_core.cli.doctor import examine
from yolact_core.runtimes.export import ExportOptions, export_network
from yolact_core.runtimes.exported import ExportedBackend, ModelCard
from yolact_core.runtimes.graph import trace_network
from yolact_core.runtimes.model_loading import load_backend
from yolact_core.runtimes.table import RUNTIMES, InstallCheck, Runtime, backend_names

ROOT = Path(__file__).parents[2]
CARD = 'card'
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
    """Runs programs that PyTorch has saved."""

    name = 'toy'

    @classmethod
    def open(cls, path, device, precision='auto'):
        found = {CARD: ''}
        program = torch.export.load(path, extra_files=found)
        backend = cls(ModelCard.from_strings(json.loads(found[CARD]), path), device, 'float32')
        backend.module = program.module()
        return backend

    @staticmethod
    def write(network, card, path, calibration):
        program = trace_network(network, card.config.input_size)
        torch.export.save(program, path, extra_files={CARD: json.dumps(card.to_strings())})

    def run(self, images):
        return tuple(self.module(images))


@pytest.fixture
def toy(monkeypatch):
    """Put the row into the table."""
    monkeypatch.setitem(RUNTIMES, 'toy', ROW)


def yolact(*words):
    """Return what the command says in a process in which the table has the row."""
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from {Path(__file__).stem} import ROW
from yolact_core.runtimes.table import RUNTIMES
RUNTIMES['toy'] = ROW
from yolact_core.cli import main
sys.exit(main({[str(word) for word in words]!r}))
"""
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return ' '.join(done.stdout.split())


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore')  # those of PyTorch, which saves the program
def test_a_checkpoint_is_exported_to_it_once_and_its_files_are_models(
    toy, tiny_model, photo, tmp_path, monkeypatch
):
    monkeypatch.setenv('YOLACT_CACHE', str(tmp_path))
    detector = Detector.load(tiny_model, 'cpu', 'toy', score_threshold=0.4)
    assert (detector.backend, detector.precision) == ('toy', 'float32')
    assert len(detector(photo)) == len(
        Detector.load(tiny_model, 'cpu', score_threshold=0.4)(photo)
    )
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
    (found,) = (finding for finding in examine() if finding.what == 'Toy')
    assert (found.found, found.state) == (json.__version__, 'ok')


def test_the_help_of_commands_names_it():
    told = yolact('export', '--help')
    assert '{onnx,openvino,ncnn,engine,toy,checkpoint}' in told
    assert 'toy: .toy, for the toy' in told
    assert 'ncnn, tensorrt or toy; auto: the fastest' in yolact('detect', '--help')
    assert 'ncnn, tensorrt, toy, auto; all: those installed' in yolact('benchmark', '--help')


@pytest.mark.parametrize('name', ['onnx', 'openvino', 'ncnn'])
def test_code_names_a_runtime_in_its_row_and_in_its_module_only(name):
    """Docstrings may name it too, as examples."""
    code = re.compile(rf"""['"]{name}['"]""")
    files = [
        path for room in ('yolact_core', 'yolact_ros') for path in (ROOT / room).rglob('*.py')
    ]
    named = {path.relative_to(ROOT).as_posix() for path in files if code.search(path.read_text())}
    assert 'yolact_core/runtimes/table.py' in named
    assert named <= {
        'yolact_core/runtimes/table.py',
        'yolact_core/runtimes/graph.py',  # ONNX is also what others are written from
        f'yolact_core/runtimes/{name}.py',
    }
