"""The ROS 2 package: what it declares, builds and installs."""

import ast
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import yolact_core

ROOT = Path(__file__).parents[2]
WHY_SKIPPED = 'needs ROS 2 and the built interfaces of this package: make setup'
INTERFACES = [*sorted(ROOT.glob('msg/*.msg')), *sorted(ROOT.glob('srv/*.srv'))]
OWN_MODULES = {'yolact', 'yolact_core', 'yolact_ros'}
FROM_ROSDEP = {
    'PIL': 'python3-pil',
    'cv2': 'python3-opencv',
    'numpy': 'python3-numpy',
    'rich': 'python3-rich',
    'yaml': 'python3-yaml',
}
FROM_PIP = {
    'jinja2',
    'lz4',
    'markupsafe',
    'matplotlib',
    'mcap',
    'ray',
    'rosbags',
    'torch',
    'zstandard',
}
OPTIONAL = {'cv_bridge'}

pytest.importorskip('yolact.msg', reason=WHY_SKIPPED)


@pytest.fixture(scope='module')
def manifest():
    return ElementTree.parse(ROOT / 'package.xml').getroot()


def imported_modules(path):
    """Return the top-level names that a Python file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split('.')[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split('.')[0]


def test_the_manifest_is_valid():
    catkin_pkg = pytest.importorskip('catkin_pkg.package', reason=WHY_SKIPPED)
    warnings = []
    package = catkin_pkg.parse_package(str(ROOT / 'package.xml'), warnings=warnings)
    package.validate(warnings=warnings)
    assert not warnings
    assert package.name == 'yolact'
    assert package.licenses == ['Apache-2.0']


def test_the_version_is_told_once(manifest):
    assert manifest.findtext('version') == yolact_core.__version__


def test_every_package_that_is_imported_is_declared(manifest):
    declared = {tag.text for name in ('depend', 'exec_depend') for tag in manifest.iter(name)}
    files = [*ROOT.glob('yolact_ros/**/*.py'), *ROOT.glob('launch/*.py'), *ROOT.glob('scripts/*')]
    imported = {name for path in files for name in imported_modules(path)}
    from_elsewhere = imported - set(sys.stdlib_module_names) - OWN_MODULES - FROM_PIP - OPTIONAL
    assert {FROM_ROSDEP.get(name, name) for name in from_elsewhere} <= declared


def test_colcon_installs_the_commands_that_pip_installs():
    group = 'yolact.commands'
    declared = (
        (ROOT / 'pyproject.toml').read_text().split(f'[project.entry-points."{group}"]\n')[1]
    )
    commands = [line.replace('"', '') for line in declared.split('\n\n')[0].splitlines()]
    built = '\\n'.join(['[options.entry_points]', f'{group} =', *(f'  {one}' for one in commands)])
    assert f'"{built}\\n"' in (ROOT / 'CMakeLists.txt').read_text()


def test_every_interface_is_built():
    from yolact import msg, srv

    listed = (ROOT / 'CMakeLists.txt').read_text()
    for path in INTERFACES:
        assert f'  {path.relative_to(ROOT)}\n' in listed
        assert hasattr(srv if path.suffix == '.srv' else msg, path.stem)


@pytest.mark.parametrize('path', INTERFACES, ids=lambda path: path.stem)
def test_every_interface_explains_its_fields(path):
    lines = path.read_text().splitlines()
    assert lines[0].startswith('# ')
    assert max(map(len, lines)) <= 100


def test_messages_of_their_own_topic_begin_with_a_header():
    from yolact import msg

    for kind in (msg.InstanceArray, msg.StageTiming, msg.ModelInfo):
        assert next(iter(kind.get_fields_and_field_types())) == 'header'


def test_constants_are_those_of_the_decoders():
    from yolact.msg import InstanceMask

    from yolact_ros.masks import MaskEncoding

    assert all(getattr(InstanceMask, encoding.name) == encoding for encoding in MaskEncoding)


@pytest.mark.parametrize('name', ['yolact_node', 'yolact_player'])
def test_executables_run_what_they_import(name):
    script = ROOT / 'scripts' / name
    assert script.stat().st_mode & stat.S_IXUSR
    assert script.read_text().startswith('#!/usr/bin/env python3\n')
    run(sys.executable, '-c', f'import runpy; runpy.run_path({str(script)!r})')


@pytest.fixture(scope='module')
def prefix():
    """Return where the built package lies."""
    from ament_index_python import get_package_prefix

    return Path(get_package_prefix('yolact'))


def test_the_share_of_the_package_is_installed(prefix):
    for folder in ('launch', 'config'):
        for path in (ROOT / folder).iterdir():
            if path.is_file():
                assert (prefix / 'share/yolact' / folder / path.name).exists()
    for name in ('yolact_node', 'yolact_player'):
        assert os.access(prefix / 'lib/yolact' / name, os.X_OK)


def run(*command, **options):
    answer = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, timeout=500, **options
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.mark.parametrize('name', ['yolact_node', 'yolact_player'])
def test_installed_executables_run_from_a_bare_shell(prefix, name):
    if prefix != Path(sys.prefix):
        pytest.skip('needs the environment of make setup: a distribution is sourced first')
    first = (prefix / 'lib/yolact' / name).read_text().splitlines()[0]
    assert first == f'#!/usr/bin/env -S --block-signal=INT {prefix}/bin/python'


def test_a_cpp_package_finds_the_decoders_and_messages(prefix, tmp_path):
    if not shutil.which('cmake') or not shutil.which('g++'):
        pytest.skip('needs cmake and a C++ compiler: apt install cmake g++')
    (tmp_path / 'CMakeLists.txt').write_text(
        'cmake_minimum_required(VERSION 3.16)\n'
        'project(consumer LANGUAGES C CXX)\n'
        'find_package(yolact REQUIRED)\n'
        'add_executable(consumer consumer.cpp)\n'
        'target_link_libraries(consumer yolact::masks ${yolact_TARGETS})\n'
    )
    (tmp_path / 'consumer.cpp').write_text(
        '#include <yolact/masks.hpp>\n'
        '#include <yolact/msg/instance_array.hpp>\n'
        'int main() {\n'
        '  yolact::msg::InstanceArray array;\n'
        '  array.image_height = array.image_width = 1;\n'
        '  array.instances.resize(1);\n'
        '  auto & mask = array.instances[0].mask;\n'
        '  mask.encoding = mask.RLE;\n'
        '  mask.roi.height = mask.roi.width = 1;\n'
        '  mask.rle = {0, 1};\n'
        '  return yolact::unite(array, [](const auto &) {return true;})[0] == 255 ? 0 : 1;\n'
        '}\n'
    )
    folder, python = tmp_path / 'build', f'-DPython3_EXECUTABLE={sys.executable}'
    environment = {**os.environ, 'CMAKE_PREFIX_PATH': os.environ['AMENT_PREFIX_PATH']}
    run('cmake', '-S', tmp_path, '-B', folder, '-Wno-dev', python, env=environment)
    run('cmake', '--build', folder)
    run(folder / 'consumer')
