"""Bags that were cut off, or are none."""

from __future__ import annotations

import json
import os
import tracemalloc

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')

from bags import (
    compress,
    image_item,
    jpeg_item,
    make_detections,
    stamp_of,
    truth_item,
    write_bag,
    write_mcap,
)

from yolact_core import InputError
from yolact_core.cli import main
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.replay.frames import decode, read_raw

COUNT = 12


def items():
    return [
        *(image_item(index) for index in range(COUNT)),
        *(jpeg_item(index) for index in range(0, COUNT, 2)),
        *(truth_item(index, make_detections([])) for index in range(COUNT)),
    ]


def cut(bag, share):
    file = next(bag.glob('*.mcap'), None) or next(bag.glob('*.db3'))
    os.truncate(file, int(file.stat().st_size * share))
    return file


@pytest.mark.parametrize('has_metadata', [True, False])
@pytest.mark.parametrize('mode', [None, 'STORAGE'])
def test_of_a_file_that_was_cut_off_the_whole_chunks_are_read(
    mode, has_metadata, tmp_path, capsys
):
    count = 120  # 4 MB
    chosen = (lambda writer: compress(mode, writer)) if mode else None
    noisy = [image_item(index, noise(index)) for index in range(count)]
    bag = write_bag(tmp_path / 'bag', noisy, compress=chosen)
    cut(bag, 0.7)
    if not has_metadata:
        (bag / 'metadata.yaml').unlink()
    damages = []
    with Bag(bag, damages.append) as opened:
        frames = [decode(opened, raw) for raw in read_raw(opened, ['/camera/image'])]
    assert 40 < len(frames) < 0.7 * count
    np.testing.assert_array_equal(frames[-1].rgb, noise(len(frames) - 1))
    assert damages[0 if has_metadata else 1].reason.startswith('bag.mcap: it is cut off after')
    assert sum(loss.messages or 0 for loss in damages) == (
        count - len(frames) if has_metadata else 0
    )
    assert main(['bag', 'info', str(bag)]) == 2
    said = capsys.readouterr()
    assert str(len(frames)) in said.out
    assert said.err.count('\n') == len(damages)


@pytest.mark.parametrize('options', [{'use_chunking': False}, {'chunk_size': 2**17}])
def test_of_any_file_that_was_cut_off_the_whole_messages_are_read(options, tmp_path):
    items = [image_item(index, noise(index)) for index in range(40)]
    path = write_mcap(tmp_path / 'cut.mcap', items, **options)
    os.truncate(path, path.stat().st_size // 2)
    damages = []
    with Bag(path, damages.append) as bag:
        frames = [decode(bag, raw) for raw in read_raw(bag, ['/camera/image'])]
        assert bag.select_images([])[0].count == len(frames)
    assert 16 <= len(frames) <= 20
    np.testing.assert_array_equal(frames[-1].rgb, noise(len(frames) - 1))
    assert len(damages) == 1


def test_what_is_whole_on_both_sides_of_a_damaged_chunk_is_read(tmp_path):
    items = [image_item(index, noise(index)) for index in range(12)]
    path = write_mcap(tmp_path / 'scratched.mcap', items, chunk_size=2**16)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 100] = bytes(100)
    path.write_bytes(content)
    damages = []
    with Bag(path, damages.append) as bag:
        indices = [entry.time for entry in bag.entries(['/camera/image'])]
    assert len(indices) == 10
    (loss,) = damages
    assert 'must be whole, but the chunk at byte' in str(loss)
    assert (loss.messages, loss.start, loss.end) == (4, stamp_of(5) + 5, stamp_of(7) + 5)


def test_a_large_file_that_was_cut_off_is_not_held_in_memory(tmp_path):
    items = [image_item(index, noise(index)) for index in range(300)]  # 11 MB
    path = write_mcap(tmp_path / 'cut.mcap', items, chunk_size=2**19)
    os.truncate(path, path.stat().st_size - 100)
    tracemalloc.start()
    with Bag(path, lambda _: None) as bag:
        assert sum(1 for _ in bag.entries(['/camera/image'])) > 290
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6


def noise(index):
    return np.random.default_rng(index).integers(0, 256, (96, 128, 3), np.uint8)


def test_a_file_cut_off_before_its_first_chunk_is_refused(tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', items())
    cut(bag, 0.1)
    assert main(['bag', 'info', str(bag)]) == 2
    assert 'must be a bag that can be read' in capsys.readouterr().err


def test_a_database_cut_off_is_told_of(tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', [image_item(index) for index in range(60)], 'sqlite3')
    cut(bag, 0.5)
    assert main(['bag', 'info', str(bag), '--json']) == 2
    found = json.loads(capsys.readouterr().out)
    assert 20 < found['messages'] < 35
    assert found['losses'][-1]['messages'] in range(1, 5)


@pytest.mark.parametrize(
    'content',
    [
        None,
        'nonsense: [',
        'rosbag2_bagfile_information: {}',
        '',
        'rosbag2_bagfile_information: {relative_file_paths: [renamed.mcap]}',
        'rosbag2_bagfile_information: {relative_file_paths: []}',
    ],
)
def test_metadata_that_is_missing_or_wrong_is_told_and_done_without(content, tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', items())
    if content is None:
        (bag / 'metadata.yaml').unlink()
    else:
        (bag / 'metadata.yaml').write_text(content)
    assert main(['bag', 'info', str(bag), '--json']) == 2
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert len(found['topics']) == 3
    assert found['losses'][0]['messages'] == 0
    assert 'metadata.yaml' in said.err
    assert said.err.count('\n') == 1


@pytest.mark.parametrize('name', ['bag.mcap', 'bag.db3', 'bag.bag', 'bag.txt', 'folder'])
def test_what_is_no_bag_is_refused(name, tmp_path):
    path = tmp_path / name
    if name == 'folder':
        path.mkdir()
    else:
        path.write_bytes(b'no bag at all' * 50)
    with pytest.raises(InputError, match='must be a bag that can be read'):
        Bag(path, pytest.fail)


def test_what_does_not_exist_is_refused(tmp_path):
    with pytest.raises(InputError, match='must be a folder or file that exists'):
        Bag(tmp_path / 'nothing', pytest.fail)


def test_a_topic_that_is_missing_lists_the_others(tmp_path):
    with Bag(write_bag(tmp_path / 'bag', items()), pytest.fail) as bag:
        with pytest.raises(InputError, match=r"/camera/image \(sensor_msgs/msg/Image\).*'/nope'"):
            bag.select_images(['/nope'])
        with pytest.raises(InputError, match=r'/camera/truth must be of type sensor_msgs.*yolact'):
            bag.select_images(['/camera/truth'])


def test_a_bag_without_images_lists_its_topics(tmp_path):
    bag = write_bag(tmp_path / 'bag', [truth_item(0, make_detections([]))])
    with (
        Bag(bag, pytest.fail) as opened,
        pytest.raises(InputError, match=r'of a camera, got only: /camera/truth \(yolact'),
    ):
        opened.select_images([])
