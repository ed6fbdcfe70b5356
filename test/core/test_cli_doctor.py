"""``yolact doctor`` survives broken installations and says what to do."""

from __future__ import annotations

import json

import pytest

from yolact_core.cli import doctor_checks, main
from yolact_core.cli.doctor_checks import Finding, Probe, examine, list_checks, probe_modules

SOUND = {
    'torch': Probe(True, facts={'version': '2.9.0', 'cuda': 'none', 'gpus': []}),
    'torchvision': Probe(True, facts={'version': '0.24.0', 'works': [0]}),
    'cv2': Probe(True, facts={'version': '4.12.0'}),
}


@pytest.fixture
def probes(monkeypatch):
    """Return the probes that ``examine`` gets instead of real ones; to be changed by the test."""
    probes = {name: SOUND.get(name, Probe(False)) for name in list_checks()}
    monkeypatch.setattr(doctor_checks, 'probe_modules', lambda _: probes)
    return probes


def finding(what: str) -> Finding:
    return next(entry for entry in examine() if entry.what == what)


def test_a_sound_installation_is_fit(probes, capsys):
    assert main(['doctor', '--json']) == 0
    report = json.loads(capsys.readouterr().out)
    assert report['ok']
    states = {entry['what']: entry['state'] for entry in report['findings']}
    assert states['PyTorch'] == states['Python'] == 'ok'
    assert states['ROS 2'] == states['TensorRT'] == 'missing'


def test_torchvision_that_does_not_fit_is_found_with_its_remedy(probes, capsys):
    probes['torchvision'] = Probe(True, 'RuntimeError: operator torchvision::nms does not exist')
    assert main(['doctor']) == 1
    printed = capsys.readouterr().out
    assert 'operator torchvision::nms does not exist' in printed
    assert 'install both from the same index' in printed
    assert 'Something required does not work.' in printed


def test_what_is_optional_and_broken_is_told_and_no_failure(probes, capsys):
    probes['tensorrt'] = Probe(True, 'ImportError: libnvinfer.so.10: cannot open')
    assert main(['doctor']) == 0
    assert 'libnvinfer.so.10' in capsys.readouterr().out


def test_gpus_are_named(probes):
    facts = {'version': '2.9.0', 'cuda': '12.8', 'gpus': ['Some GPU']}
    probes['torch'] = Probe(True, facts=facts)
    assert finding('CUDA in PyTorch') == Finding('CUDA in PyTorch', 'Some GPU')


def test_the_ros_distribution_comes_from_the_environment(probes, monkeypatch):
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    monkeypatch.setenv('RMW_IMPLEMENTATION', 'rmw_zenoh_cpp')
    found = finding('ROS environment').found
    assert found == 'jazzy, RMW_IMPLEMENTATION rmw_zenoh_cpp'


def test_a_cache_that_cannot_be_written_is_a_problem(probes, monkeypatch, tmp_path):
    monkeypatch.setenv('YOLACT_CACHE', str(tmp_path))
    monkeypatch.setattr('os.access', lambda *_: False)
    assert finding('model cache').state == 'problem'


def test_a_broken_driver_is_a_problem(probes, monkeypatch, tmp_path):
    tool = tmp_path / 'nvidia-smi'
    tool.write_text('#!/bin/sh\nexit 9\n')
    tool.chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path), prepend=':')
    assert finding('NVIDIA driver').state == 'problem'


def test_modules_that_crash_hang_or_fail_do_not_stop_the_others(tmp_path, monkeypatch):
    sources = {
        'sound_module': 'print("hello")\nversion = "1.2"',
        'failing_module': 'raise RuntimeError("does not fit")',
        'crashing_module': 'import os; os.abort()',
        'hanging_module': 'import time; time.sleep(60)',
    }
    for name, source in sources.items():
        (tmp_path / f'{name}.py').write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    expressions = dict.fromkeys((*sources, 'absent_module'), '{}')
    expressions['sound_module'] = '{"version": sound_module.version}'

    probes = probe_modules(expressions, seconds=3)

    assert probes['sound_module'] == Probe(True, facts={'version': '1.2'})
    assert probes['failing_module'].error == 'RuntimeError: does not fit'
    assert probes['crashing_module'].error == 'import ends with signal 6'
    assert probes['hanging_module'].error == 'import takes more than 3 s'
    assert probes['absent_module'] == Probe(False)


@pytest.mark.slow
def test_this_machine_is_examined_for_real(capsys):
    assert main(['doctor', '--json']) == 0
    findings = {entry['what']: entry for entry in json.loads(capsys.readouterr().out)['findings']}
    assert findings['torchvision']['state'] == 'ok'
    assert 'fits PyTorch' in findings['torchvision']['found']
