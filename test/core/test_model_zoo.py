import hashlib
import json
import os

import pytest
import torch

from yolact_core import InputError
from yolact_core.checkpoints.model_zoo import (
    CHECKSUMS,
    OFFICIAL_MODELS,
    cache_folder,
    find_model,
    url_to_fetch,
)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('YOLACT_CACHE', str(tmp_path))
    return tmp_path


def test_an_official_file_in_the_cache_is_found_and_its_checksum_recorded(cache):
    path = cache / OFFICIAL_MODELS['yolact_base'].filename
    torch.save({}, path)
    assert find_model('yolact_base') == path
    recorded = json.loads((cache / CHECKSUMS).read_text())
    assert recorded == {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}
    assert find_model('yolact_base') == path


def test_a_model_is_to_be_fetched_until_it_is_there(cache):
    assert url_to_fetch('yolact_base') == OFFICIAL_MODELS['yolact_base'].url
    (cache / OFFICIAL_MODELS['yolact_base'].filename).write_bytes(b'weights')
    assert url_to_fetch('yolact_base') is None
    assert url_to_fetch('mine.pth') is None


def test_a_file_that_changed_since_its_first_use_is_refused(cache):
    path = cache / OFFICIAL_MODELS['yolact_base'].filename
    path.write_bytes(b'one')
    find_model('yolact_base')
    path.write_bytes(b'two')
    with pytest.raises(InputError, match='must have the sha256 recorded at its first use'):
        find_model('yolact_base')


def test_without_network_the_error_says_which_file_to_put_where(cache, monkeypatch):
    def unreachable(*_, **__):
        raise ConnectionError('no route to host')

    monkeypatch.setattr('huggingface_hub.hf_hub_download', unreachable)
    with pytest.raises(InputError) as caught:
        find_model('yolact_plus_base')
    url = OFFICIAL_MODELS['yolact_plus_base'].url
    assert str(caught.value) == (
        'cannot fetch yolact_plus_base_54_800000.pth (ConnectionError): '
        f'put the file from {url} into {cache}'
    )


def test_a_fetched_file_lands_in_the_cache(cache, monkeypatch):
    def fetch(repository, filename, local_dir):
        assert repository == 'dbolya/yolact-im700'
        (local_dir / filename).write_bytes(b'weights')

    monkeypatch.setattr('huggingface_hub.hf_hub_download', fetch)
    assert find_model('yolact_im700').read_bytes() == b'weights'


@pytest.fixture
def homeless(tmp_path, monkeypatch):
    """Be a user without a home and without an entry in the password database."""
    monkeypatch.delenv('YOLACT_CACHE', raising=False)
    monkeypatch.delenv('HOME')
    monkeypatch.setattr('pwd.getpwuid', {}.__getitem__)
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    return tmp_path / f'yolact-{os.getuid()}'


def test_a_user_without_a_home_has_a_cache_of_his_own_among_temporary_files(homeless):
    assert cache_folder() == homeless
    assert homeless.stat().st_mode & 0o777 == 0o700
    assert cache_folder() == homeless


def test_a_cache_among_temporary_files_that_is_not_ours_is_refused(homeless, tmp_path):
    homeless.symlink_to(tmp_path)
    with pytest.raises(InputError, match=r'^YOLACT_CACHE must name a folder: there is no HOME'):
        cache_folder()
