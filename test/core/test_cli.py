"""The command ``yolact`` itself, and how every kind of bad input is refused."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from yolact_core import __version__, load_network
from yolact_core.cli import main
from yolact_core.cli.commands import COMMANDS

LIGHT = """
import sys
from yolact_core.cli import main
status = main({argv!r})
heavy = sorted({{'torch', 'numpy', 'cv2', 'rich', 'yaml'}} & set(sys.modules))
assert status == 0 and not heavy, heavy
"""


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return os.system, ('touch exploded',)


@pytest.fixture
def place(tmp_path, photo, tiny_model, monkeypatch):
    """Go to a folder with good and bad files, and return it."""
    cv2.utils.logging.setLogLevel(0)  # as the command has it in a process of its own
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('YOLACT_CACHE', str(tmp_path / 'cache'))
    jpeg = cv2.imencode('.jpg', photo)[1].tobytes()
    png = cv2.imencode('.png', photo)[1].tobytes()
    model = tiny_model.read_bytes()
    torch.save({'weight': torch.zeros(2)}, 'other.pth')
    torch.save(load_network(tiny_model).state_dict(), 'tiny.pth')
    save_file({'weight': torch.zeros(2)}, 'foreign.safetensors')
    files = {
        'good.jpg': jpeg,
        'cut.jpg': jpeg[:-200],
        'unended.jpg': jpeg[:-2],
        'cut.png': png[:-30],
        'text.jpg': b'this is no image',
        'nothing.png': b'',
        'text.mp4': b'this is no video',
        'tiny.safetensors': model,
        'cut.safetensors': model[: len(model) // 2],
        'bomb.pth': pickle.dumps(Bomb()),
        'text.pth': b'this is no model',
        'text.yaml': b'input_size: many',
    }
    for name, content in files.items():
        Path(name).write_bytes(content)
    with zipfile.ZipFile('zip.pth', 'w') as archive:
        archive.writestr('archive/data.pkl', pickle.dumps(Bomb()))
        archive.writestr('archive/version', '3')
    Path('empty').mkdir()
    return tmp_path


GOOD = 'good.jpg --model tiny.safetensors'


@pytest.mark.parametrize(
    ('line', 'reason'),
    [
        ('detect', 'arguments are required: SOURCE'),
        ('delete good.jpg', "invalid choice: 'delete'"),
        ('detect absent.jpg', "and exist, got 'absent.jpg'"),
        ('detect empty', 'folder must hold an image or a video'),
        ('detect empty/*.jpg', 'pattern must match an image or a video'),
        ('detect cut.jpg --model tiny.safetensors', 'cut.jpg must be a whole image file'),
        ('detect unended.jpg --model tiny.safetensors', 'must be a whole image file'),
        ('detect cut.png --model tiny.safetensors', 'cut.png must be a whole image file'),
        ('detect text.jpg --model tiny.safetensors', 'text.jpg must be an image'),
        ('detect nothing.png --model tiny.safetensors', 'nothing.png must be an image'),
        ('detect text.mp4 --model tiny.safetensors', 'video text.mp4 must be one that can be'),
        ('detect 99 --model tiny.safetensors', 'camera 99 must be one that can be opened'),
        ('detect good.jpg --model nix', 'model must be one of'),
        ('detect good.jpg --model absent.pth', 'model file must exist'),
        ('detect good.jpg --model text.pth', 'text.pth must'),
        ('detect good.jpg --model bomb.pth --config yolact_base', 'asks for code to be run'),
        ('detect good.jpg --model zip.pth --config yolact_base', 'zip.pth must'),
        ('detect good.jpg --model other.pth', 'must fit one of the configurations that ship'),
        ('detect good.jpg --model other.pth --config yolact_base', 'weights must fit the network'),
        ('detect good.jpg --model other.pth --config text.yaml', 'text.yaml'),
        ('detect good.jpg --model other.pth --config absent.yaml', 'absent.yaml must be'),
        ('detect good.jpg --model cut.safetensors', 'must be a readable safetensors file'),
        ('detect good.jpg --model foreign.safetensors', 'is not a checkpoint of this project'),
        (f'detect {GOOD} --classes person,unicorn', "cup, got 'unicorn'"),
        (f'detect {GOOD} --output good.jpg', 'output must be a folder'),
        (f'detect {GOOD} --output good.jpg/below', 'output must be a folder'),
        (f'detect {GOOD} --output .', 'output must be another folder'),
        (f'detect {GOOD} --score-threshold 1.5', 'score_threshold must be in [0, 1), got 1.5'),
        (f'detect {GOOD} --score-threshold high', "invalid float value: 'high'"),
        (f'detect {GOOD} --every 0', "must be a whole number of at least 1, got '0'"),
        (f'detect {GOOD} --nms soft', "invalid choice: 'soft'"),
        (f'detect {GOOD} --device tpu', "N, got 'tpu'"),
        (f'detect {GOOD} --backend abacus', "got 'abacus'"),
        (f'detect {GOOD} --precision int3', "got 'int3'"),
        ('prototypes cut.jpg --model tiny.safetensors', 'must be a whole image file'),
        (f'prototypes {GOOD} --output out.jpg', 'output must be a .png file'),
        (f'prototypes {GOOD} --output good.jpg/out.png', 'must be writable'),
        ('models absent.safetensors', 'model file must exist'),
        ('models cut.safetensors', 'must be a readable safetensors file'),
        ('doctor now', 'unrecognized arguments: now'),
    ],
)
def test_bad_input_gives_one_sentence_and_status_2(line, reason, place, capfd):
    before = {path.name for path in place.iterdir()}

    status = main(line.split())

    printed = capfd.readouterr()
    assert status == 2
    assert printed.out == ''
    assert printed.err.startswith('yolact: error: ')
    assert printed.err.count('\n') == 1
    assert reason in printed.err
    assert {path.name for path in place.iterdir()} == before


def test_help_imports_nothing_heavy_and_names_every_command():
    lines = [['--help'], ['detect', '--help'], ['--version'], []]
    for argv in lines:
        child = subprocess.run(
            [sys.executable, '-c', LIGHT.format(argv=argv)], capture_output=True, text=True
        )
        assert child.returncode == 0, child.stderr
        if argv in (['--help'], []):
            assert all(command.name in child.stdout for command in COMMANDS)


@pytest.mark.parametrize('command', [command.name for command in COMMANDS])
def test_every_command_explains_its_options_with_defaults(command, capsys):
    assert main([command, '--help']) == 0
    assert f'usage: yolact {command}' in capsys.readouterr().out


GREETING = """
from dataclasses import dataclass
from yolact_core.cli.options import argument
from yolact_core.terminal import say

SUMMARY = 'greet somebody'

@dataclass(frozen=True, kw_only=True)
class Options:
    name: str = argument('whom', metavar='NAME')

def run(options):
    say(f'hello {options.name}')
    return 3
"""


def test_packages_add_commands_as_entry_points(tmp_path, monkeypatch, capsys):
    (tmp_path / 'greeting.py').write_text(GREETING)
    added = {'with': '[yolact.commands]\ngreet = greeting\n', 'before': ''}
    for folder, entry_points in added.items():  # of one name, as ROS and pip install yolact
        package = tmp_path / folder / 'hello-1.0.dist-info'
        package.mkdir(parents=True)
        (package / 'METADATA').write_text('Name: hello\nVersion: 1.0\n')
        (package / 'entry_points.txt').write_text(entry_points)
        monkeypatch.syspath_prepend(package.parent)
    monkeypatch.syspath_prepend(tmp_path)

    assert main(['--help']) == 0
    assert 'greet somebody' in capsys.readouterr().out
    assert main(['greet', 'you']) == 3
    assert capsys.readouterr().out == 'hello you\n'


def test_the_package_runs_as_a_module():
    child = subprocess.run(
        [sys.executable, '-m', 'yolact_core', '--version'], capture_output=True, text=True
    )
    assert child.stdout == f'yolact {__version__}\n'


def test_a_reader_that_leaves_early_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    child = subprocess.run(
        [sys.executable, '-m', 'yolact_core'],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    assert child.returncode == 141
    assert child.stderr == ''


def test_ctrl_c_ends_a_command_quietly(monkeypatch, capfd):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr('yolact_core.cli.models.list_models', interrupt)
    assert main(['models']) == 130
    assert capfd.readouterr() == ('', '')


def test_prototypes_draws_all_and_the_instances_below(place, capsys):
    assert main(f'prototypes {GOOD} --output out/p.png --max-detections 3'.split()) == 0
    picture = cv2.imread('out/p.png')
    assert picture.shape[2] == 3
    assert '8 prototypes, 3 instances' in capsys.readouterr().out


def test_models_lists_official_ones_with_size_and_accuracy(place, capsys):
    assert main(['models', '--json']) == 0
    entries = {entry['name']: entry for entry in json.loads(capsys.readouterr().out)}
    base = entries['yolact_base']
    assert (base['input_size'], base['backbone'], base['classes']) == (550, 'resnet101', 80)
    assert base['mask_ap'] == 29.8
    assert base['path'] is None
    assert base['url'].endswith('yolact_base_54_800000.pth')
    official = load_network_parameters('yolact_resnet18')
    assert entries['yolact_resnet18']['parameters'] == official
    assert entries['yolact_resnet18']['kind'] == 'configuration'


def load_network_parameters(name: str) -> int:
    from yolact_core import build_network

    return sum(weight.numel() for weight in build_network(name).parameters())


def test_models_prints_a_table_for_people(place, capsys):
    assert main(['models']) == 0
    lines = capsys.readouterr().out.splitlines()
    line = next(line for line in lines if line.startswith('yolact_im700 '))
    assert line.split()[1:8] == ['700', 'px', 'resnet101', '80', '50.2', 'M', '31.2']


def test_models_tells_what_is_in_a_checkpoint(place, capsys):
    assert main(['models', 'tiny.safetensors', '--json']) == 0
    about = json.loads(capsys.readouterr().out)
    assert about['config']['class_names'] == ['person', 'chair', 'cup']
    assert about['id'] == f'tiny@{about["sha256"][:12]}'
    assert np.shape(about['facts']['colors']) == (3, 3)

    assert main(['models', 'tiny.safetensors']) == 0
    assert 'backbone:\n    name: test_resnet' in capsys.readouterr().out
