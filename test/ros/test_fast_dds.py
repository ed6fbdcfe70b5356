"""The variable for profiles is that of the Fast DDS that is installed."""

import pytest

pytest.importorskip('ament_index_python', reason='needs ROS 2: make setup')

from yolact_ros.health.transport import OLD_VARIABLE, PACKAGE, VARIABLE, find_profile_variable


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that installs a version of the package, and nothing else."""
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))

    def write(version):
        share = tmp_path / 'share'
        (share / PACKAGE).mkdir(parents=True)
        (share / PACKAGE / 'package.xml').write_text(
            f'<package format="3"><name>{PACKAGE}</name><version>{version}</version></package>'
        )
        (share / 'ament_index/resource_index/packages').mkdir(parents=True)
        (share / 'ament_index/resource_index/packages' / PACKAGE).touch()

    return write


@pytest.mark.parametrize(
    ('version', 'variable'),
    [
        ('6.2.7', OLD_VARIABLE),  # Humble
        ('8.4.3', OLD_VARIABLE),  # Jazzy
        ('9.3.3', VARIABLE),  # Kilted
        ('10.0.0', VARIABLE),
    ],
)
def test_it_depends_on_the_version_and_not_on_the_environment(
    install, monkeypatch, version, variable
):
    install(version)
    for distribution in ('jazzy', 'kilted'):
        monkeypatch.setenv('ROS_DISTRO', distribution)
        assert find_profile_variable() == variable


@pytest.mark.usefixtures('install')
def test_without_fast_dds_it_is_the_present_name():
    assert find_profile_variable() == VARIABLE
