"""What recorders, disks and other tools do to bags: all that is whole is read, the rest told."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import struct
from contextlib import closing

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')

from bags import image_item, stamp_of, write_bag, write_mcap
from mcap.reader import make_reader
from mcap.writer import CompressionType

from yolact_core.cli import main
from yolact_ros.bag.io.bag import Bag

COUNT = 18
TOPIC = '/camera/image'


def noise(index):
    return np.random.default_rng(index).integers(0, 256, (96, 128, 3), np.uint8)


def items(count=COUNT):
    return [image_item(index, noise(index)) for index in range(count)]


def read(path):
    """Return the numbers of the images in a bag, each held against its pixels, and the losses."""
    losses = []
    found = []
    with Bag(path, losses.append) as bag:
        for entry, message in bag.messages([TOPIC]):
            index = round((entry.time - stamp_of(0)) / (stamp_of(1) - stamp_of(0)))
            np.testing.assert_array_equal(message.data, noise(index).ravel())
            found.append(index)
    return found, losses


def find_chunks(path):
    with path.open('rb') as file:
        return make_reader(file).get_summary().chunk_indexes


def damage(path, chunk, place, replacement):
    """Overwrite bytes of a chunk, counted from its begin or, if negative, from its end."""
    content = bytearray(path.read_bytes())
    start = chunk.chunk_start_offset + (place if place >= 0 else chunk.chunk_length + place)
    content[start : start + len(replacement)] = replacement
    path.write_bytes(content)


HARM = {
    'content': (-2000, bytes(100)),
    'checksum': (9 + 24, b'oops'),
    'kind': (0, bytes(1)),
    'too long': (1, struct.pack('<Q', 2**40)),
    'a little longer': (1, struct.pack('<Q', 2**17 + 991)),
    'too short': (1, struct.pack('<Q', 60)),
    'overwritten': (0, bytes(range(200)) * 2),
    'name of the compression': (9 + 32, b'zip9'),
}


@pytest.mark.parametrize('is_cut', [False, True])
@pytest.mark.parametrize('compression', [CompressionType.ZSTD, CompressionType.NONE])
@pytest.mark.parametrize('how', HARM)
def test_all_other_chunks_are_read_around_a_damaged_one(how, compression, is_cut, tmp_path):
    path = write_mcap(tmp_path / 'a.mcap', items(), chunk_size=2**17, compression=compression)
    chunks = find_chunks(path)
    hurt = chunks[2]
    damage(path, hurt, *HARM[how])
    if is_cut:
        os.truncate(path, path.stat().st_size - 200)
    found, losses = read(path)
    lost = {
        index
        for index in range(COUNT)
        if hurt.message_start_time <= stamp_of(index) + 5 <= hurt.message_end_time
    }
    assert set(range(COUNT)) - lost <= set(found)
    assert len(found) == len(set(found))
    assert losses
    assert any(loss.size for loss in losses)
    known = [loss for loss in losses if loss.start is not None]
    assert any(loss.start <= hurt.message_start_time + 10**8 for loss in known)


@pytest.mark.parametrize('how', ['kind', 'length', 'content'])
def test_all_messages_outside_of_chunks_are_read_around_a_damaged_one(how, tmp_path):
    path = write_mcap(tmp_path / 'a.mcap', items(), use_chunking=False)
    content = bytearray(path.read_bytes())
    wanted = bytes(noise(7)[0, :8].ravel())
    begin = content.index(wanted)
    record = content.rindex(b'\x05', 0, begin - 60)
    while int.from_bytes(content[record + 1 : record + 9], 'little') not in range(30000, 40000):
        record = content.rindex(b'\x05', 0, record)
    if how == 'kind':
        content[record] = 0
    elif how == 'length':
        struct.pack_into('<Q', content, record + 1, 2**50)
    else:
        content[record + 9 + 22 : record + 9 + 60] = b'\xff' * 38
    path.write_bytes(content)
    losses = []
    with Bag(path, losses.append) as bag:
        times = [entry.time for entry, _ in bag.messages([TOPIC])]
    assert times == [stamp_of(index) + 5 for index in range(COUNT) if index != 7]
    assert losses


def test_statistics_that_promise_more_than_there_is_are_told(tmp_path, capsys):
    path = write_mcap(tmp_path / 'a.mcap', items(4))
    content = bytearray(path.read_bytes())
    at = content.rindex(b'\x0b' + struct.pack('<QQ', 66, 8))
    struct.pack_into('<Q', content, at + 9, 11)
    path.write_bytes(content)
    assert main(['bag', 'info', str(path), '--json']) == 2
    (loss,) = json.loads(capsys.readouterr().out)['losses']
    assert loss['reason'] == 'it must hold 11 messages, but has 8'
    assert loss['messages'] == 3


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_file_of_several_that_is_missing_is_told_with_its_messages(storage, tmp_path):
    bag = write_bag(tmp_path / 'bag', items(6), storage)
    text = (bag / 'metadata.yaml').read_text()
    other = write_bag(tmp_path / 'other', [image_item(9, noise(9))], storage)
    (file,) = (path for path in other.iterdir() if path.suffix != '.yaml')
    shutil.copy(file, bag / f'second{file.suffix}')
    first = next(path for path in bag.iterdir() if path.stem == 'bag')
    text = text.replace(f'- {first.name}', f'- {first.name}\n  - second{file.suffix}', 1)
    (bag / 'metadata.yaml').write_text(text.replace('message_count: 6', 'message_count: 7'))
    found, losses = read(bag)
    assert found == [0, 1, 2, 3, 4, 5, 9]
    (bag / f'second{file.suffix}').write_bytes(b'nothing of a bag' * 99)
    found, losses = read(bag)
    assert found == [0, 1, 2, 3, 4, 5]
    assert [loss.messages for loss in losses] == [None, 1]
    (bag / f'second{file.suffix}').unlink()
    found, losses = read(bag)
    assert found == [0, 1, 2, 3, 4, 5]
    assert 'must name the files that are there' in losses[0].reason
    assert losses[1].messages == 1


def test_files_that_the_metadata_do_not_name_are_read_too(tmp_path):
    bag = write_bag(tmp_path / 'bag', items(4))
    other = write_bag(tmp_path / 'other', [image_item(9, noise(9))])
    shutil.copy(other / 'other.mcap', bag / 'other.mcap')
    found, losses = read(bag)
    assert found == [0, 1, 2, 3, 9]
    assert [loss.messages for loss in losses] == [0, 0]


def leave_changes(bag, folder, mode):
    """Add images to a database, and leave them in a file beside a copy of it."""
    path = bag / 'bag.db3'
    folder.mkdir()
    with closing(sqlite3.connect(path)) as database:
        database.execute(f'PRAGMA journal_mode = {mode}')
        database.execute('PRAGMA wal_autocheckpoint = 0')
        database.execute('PRAGMA cache_size = 1')
        rows = database.execute('SELECT topic_id, timestamp, data FROM messages').fetchall()
        for topic, time, data in rows:
            database.execute(
                'INSERT INTO messages (topic_id, timestamp, data) VALUES (?, ?, ?)',
                (topic, time + 6 * (stamp_of(1) - stamp_of(0)), data),
            )
        if mode == 'WAL':
            database.commit()
        for file in bag.iterdir():
            shutil.copy(file, folder / file.name)
    return folder


@pytest.mark.parametrize('mode', ['WAL', 'DELETE'])
def test_changes_beside_a_database_are_applied_and_stay(mode, tmp_path):
    bag = write_bag(tmp_path / 'bag', items(6), 'sqlite3')
    folder = leave_changes(bag, tmp_path / 'copy', mode)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert len(before) >= 3
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    losses = []
    with Bag(folder, losses.append) as opened:
        times = [entry.time for entry in opened.entries([TOPIC])]
    folder.chmod(0o755)
    assert len(times) == (12 if mode == 'WAL' else 6)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert len(losses) == (1 if mode == 'WAL' else 0)  # the metadata know nothing of them


@pytest.mark.parametrize(
    'name', ['lab #2', 'what?', '50%20', 'a&b=c', 'stra\u00dfe \u6905', '\udcff']
)
@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_bags_may_have_any_name(name, storage, tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', items(3), storage).rename(tmp_path / name)
    assert read(bag) == ([0, 1, 2], [])
    assert main(['bag', 'info', str(bag)]) == 0
    assert TOPIC in capsys.readouterr().out


@pytest.mark.parametrize('page', [0.2, 0.5, 0.9])
def test_of_a_database_with_damaged_pages_the_other_messages_are_read(page, tmp_path):
    bag = write_bag(tmp_path / 'bag', items(40), 'sqlite3')
    path = bag / 'bag.db3'
    content = bytearray(path.read_bytes())
    at = int(len(content) * page) // 4096 * 4096
    content[at : at + 2 * 4096] = b'\xff' * 2 * 4096
    path.write_bytes(content)
    losses = []
    with Bag(bag, losses.append) as opened:
        times = [entry.time for entry, _ in opened.messages([TOPIC])]
    assert len(times) >= 36
    assert times == sorted(set(times))


def test_times_before_1970_and_after_2262_are_read(tmp_path):
    late, early = list(image_item(1, noise(1))), list(image_item(0, noise(0)))
    late[2], early[2] = 2**64 - 2, -5
    path = write_mcap(tmp_path / 'a.mcap', [late])
    with Bag(path, pytest.fail) as bag:
        assert [entry.time for entry in bag.entries([TOPIC])] == [2**64 - 2]
    folder = write_bag(tmp_path / 'bag', [image_item(0)], 'sqlite3')
    with closing(sqlite3.connect(folder / 'bag.db3')) as database:
        database.execute('UPDATE messages SET timestamp = -5')
        database.commit()
    with Bag(folder, pytest.fail) as bag:
        assert [entry.time for entry in bag.entries([TOPIC])] == [-5]
