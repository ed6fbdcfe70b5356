"""Files that are never seen half-written, and errors that name them."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from yolact_core.files import replace_together, replace_when_done


@pytest.mark.parametrize('replace', [replace_when_done, replace_together])
def test_an_error_names_the_file_that_was_asked_for(replace, tmp_path):
    path = tmp_path / 'file.json'
    path.write_text('old')

    def write():
        with replace(path) as unfinished:
            unfinished.write_text('half')
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match='No space left') as caught:
        write()
    assert caught.value.filename == str(path)
    assert [one.name for one in tmp_path.iterdir()] == ['file.json']
    assert path.read_text() == 'old'


@pytest.mark.parametrize('replace', [replace_when_done, replace_together])
def test_what_libraries_raise_on_a_full_disk_becomes_that(replace, tmp_path, monkeypatch):
    def write(error):
        with replace(tmp_path / 'file.json'):
            raise error

    with pytest.raises(RuntimeError, match='of its own'):
        write(RuntimeError('of its own'))
    usage = shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr('shutil.disk_usage', lambda _: usage)
    with pytest.raises(OSError, match='No space left'):
        write(RuntimeError('cannot write 12 of 30 bytes'))


@pytest.mark.parametrize('replace', [replace_when_done, replace_together])
def test_an_error_about_the_temporary_file_names_the_other_however_it_was_given(
    replace, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    hidden = str(tmp_path / 'sub' / '.file-1234.json')  # Python makes it absolute
    with pytest.raises(PermissionError) as caught, replace(Path('sub/file.json')):
        raise PermissionError(errno.EACCES, 'denied', hidden)
    assert caught.value.filename == 'sub/file.json'


def test_a_folder_that_cannot_be_written_to_is_told_by_the_name_of_the_file(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(OSError, match='file'), replace_when_done(tmp_path / 'file' / 'below'):
        pass
