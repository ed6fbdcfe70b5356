"""The core as others import it."""

import subprocess
import sys

import pytest

import yolact_core


def run_python(code):
    finished = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_importing_the_package_imports_nothing_heavy():
    loaded = run_python('import sys, yolact_core; print(*sys.modules)').split()
    heavy = {'torch', 'torchvision', 'numpy', 'cv2', 'timm', 'rclpy', 'yolact_ros', 'lightning'}
    assert heavy.isdisjoint(loaded)


def test_no_module_of_the_core_imports_ros():
    code = """
import pkgutil, importlib, sys, yolact_core
for module in pkgutil.walk_packages(yolact_core.__path__, 'yolact_core.'):
    if not module.name.endswith('__main__'):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            print('missing', error.name)
print(*sys.modules)
"""
    loaded = run_python(code).split()
    assert {'rclpy', 'sensor_msgs', 'yolact_ros'}.isdisjoint(loaded)


def test_public_names_are_found_and_others_are_not():
    for name in yolact_core.__all__:
        assert getattr(yolact_core, name) is not None
        assert name in dir(yolact_core)
    with pytest.raises(AttributeError, match="no attribute 'Detecter'"):
        _ = yolact_core.Detecter
