"""Names in bags stay names: they lead to no file elsewhere."""

from __future__ import annotations

import shutil

import pytest

pytest.importorskip('rosbags', reason="pip install 'yolact[bags]'")

from bags import image_item, write_bag

from yolact_core.errors import InputError
from yolact_ros.bag.io.bag import Bag


@pytest.mark.parametrize(
    'name', ['../outside/outside.mcap', '{folder}/outside/outside.mcap', '..']
)
def test_metadata_name_files_of_their_own_folder_only(name, tmp_path):
    write_bag(tmp_path / 'outside', [image_item(0)])
    inside = tmp_path / 'inside'
    inside.mkdir()
    shutil.copy(tmp_path / 'outside' / 'metadata.yaml', inside)
    metadata = inside / 'metadata.yaml'
    wanted = name.format(folder=tmp_path)
    metadata.write_text(metadata.read_text().replace('outside.mcap', wanted))
    with pytest.raises(InputError, match='must be a bag that can be read'):
        Bag(inside, print)
