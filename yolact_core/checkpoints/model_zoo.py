"""Models by name: those that ship with the package, and the official ones, fetched once."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from yolact_core.errors import InputError
from yolact_core.files import replace_when_done

CHECKSUMS = 'sha256.json'
SUFFIXES = ('.pth', '.pt', '.ckpt', '.safetensors')  # of files with weights


@dataclass(frozen=True)
class OfficialModel:
    """A checkpoint by the authors of YOLACT.

    Args:
        repository: Name of the repository on the Hugging Face hub.
        filename: Name of the checkpoint in the repository.
        mask_ap: Mask AP on COCO test-dev, as published, in percent.
    """

    repository: str
    filename: str
    mask_ap: float

    @property
    def path(self) -> Path:
        """Where it is kept once it is fetched."""
        return cache_folder() / self.filename

    @property
    def url(self) -> str:
        """Where a browser can fetch it."""
        return f'https://huggingface.co/{self.repository}/resolve/main/{self.filename}'


ACCURACY_SOURCE = 'COCO test-dev mask AP from the README of dbolya/yolact'

OFFICIAL_MODELS = {
    'yolact_resnet50': OfficialModel(
        'dbolya/yolact-resnet50', 'yolact_resnet50_54_800000.pth', 28.2
    ),
    'yolact_darknet53': OfficialModel(
        'dbolya/yolact-darknet53', 'yolact_darknet53_54_800000.pth', 28.7
    ),
    'yolact_base': OfficialModel('dbolya/yolact-base', 'yolact_base_54_800000.pth', 29.8),
    'yolact_im700': OfficialModel('dbolya/yolact-im700', 'yolact_im700_54_800000.pth', 31.2),
    'yolact_plus_resnet50': OfficialModel(
        'dbolya/yolact-plus-resnet50', 'yolact_plus_resnet50_54_800000.pth', 34.1
    ),
    'yolact_plus_base': OfficialModel(
        'dbolya/yolact-plus-base', 'yolact_plus_base_54_800000.pth', 34.6
    ),
}


def cache_folder() -> Path:
    """Return where fetched models are kept: ``$YOLACT_CACHE`` or ``~/.cache/yolact``.

    A user without a home, as in a container, has a folder below the temporary one.

    Raises:
        InputError: That folder is somebody else's.
    """
    if named := os.environ.get('YOLACT_CACHE'):
        return Path(named)
    try:
        return Path.home() / '.cache' / 'yolact'
    except RuntimeError:  # neither HOME nor an entry in the password database
        folder = Path(tempfile.gettempdir()) / f'yolact-{os.getuid()}'
    if folder.is_symlink() or (folder.exists() and folder.stat().st_uid != os.getuid()):
        raise InputError(
            f'YOLACT_CACHE must name a folder: there is no HOME, and {folder} is not ours'
        )
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def shipped_models() -> dict[str, Path]:
    """Return the models that come with the package, by name."""
    folder = Path(str(files('yolact_core') / 'models'))
    return {path.stem: path for path in sorted(folder.glob('*.safetensors'))}


def url_to_fetch(source: str | Path) -> str | None:
    """Return where an official model would be fetched from now; None if nothing need be."""
    model = OFFICIAL_MODELS.get(str(source))
    if model is None or model.path.is_file():
        return None
    return model.url


def find_model(source: str | Path) -> Path:
    """Return the file of a model, fetching an official one that is not here yet.

    Args:
        source: A shipped model, an official name or a path.

    Raises:
        InputError: There is no such model or file, or it cannot be fetched or was tampered with.
    """
    name = str(source)
    if name in shipped_models():
        return shipped_models()[name]
    if name in OFFICIAL_MODELS:
        return _find_official(OFFICIAL_MODELS[name])
    path = Path(source)
    if path.is_file():
        return path
    if path.suffix not in SUFFIXES:
        known = ', '.join([*shipped_models(), *OFFICIAL_MODELS])
        raise InputError(
            f'model must be one of {known} or a {", ".join(SUFFIXES[:-1])} or {SUFFIXES[-1]} '
            f'file, got {name!r}'
        )
    raise InputError(f'model file must exist, got {name!r}')


def _find_official(model: OfficialModel) -> Path:
    if not model.path.is_file():
        _fetch(model, model.path.parent)
    _verify(model.path)
    return model.path


def _fetch(model: OfficialModel, folder: Path) -> None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # what goes wrong is said below
    try:
        hf_hub_download(model.repository, model.filename, local_dir=folder)
    except Exception as error:  # the hub's client raises errors of many libraries
        raise InputError(
            f'cannot fetch {model.filename} ({type(error).__name__}): '
            f'put the file from {model.url} into {folder}'
        ) from error


def _verify(path: Path) -> None:
    """Compare a file with its sha256 recorded at first use, or record it."""
    import json  # only here: every help of the command line imports this module

    record = path.parent / CHECKSUMS
    known = json.loads(record.read_text()) if record.is_file() else {}
    digest = _sha256(path)
    if known.setdefault(path.name, digest) != digest:
        raise InputError(
            f'{path} must have the sha256 recorded at its first use in {record}, '
            f'{known[path.name]}, got {digest}: delete the file to fetch it again'
        )
    with replace_when_done(record) as unfinished:
        unfinished.write_text(json.dumps(known, indent=2) + '\n')


def _sha256(path: Path) -> str:
    import hashlib

    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
