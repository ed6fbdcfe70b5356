"""The table of ``docs/bags.md`` about what cannot be read, row by row."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')

from bags import compress, image_item, write_bag, write_mcap
from mcap.writer import IndexType

from yolact_core.cli import main

DOCS = Path(__file__).parents[2] / 'docs' / 'bags.md'
HEAD = '| found | read | exit status |'


def read_table():
    """Return the exit status of each row by what was found."""
    lines = DOCS.read_text().split(HEAD, 1)[1].split('\n\n', 1)[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]
    return {found: int(status) for found, _, status in rows}


def items(count=6):
    return [image_item(index) for index in range(count)]


def bare(folder):
    options = {'use_chunking': False, 'use_statistics': False, 'index_types': IndexType.NONE}
    return write_mcap(folder / 'a.mcap', items(), profile='', **options)


def packed(folder):
    bag = write_bag(folder / 'bag', items(), compress=lambda one: compress('FILE', one))
    metadata = bag / 'metadata.yaml'
    metadata.write_text(metadata.read_text().replace('bag.mcap.zstd', 'bag.mcap'))
    return bag


def with_changes(folder):
    bag = write_bag(folder / 'bag', items(), 'sqlite3')
    (bag / 'bag.db3-wal').write_bytes(b'nothing that was ever committed')
    return bag


def cut(path, size=3000):
    os.truncate(path, path.stat().st_size - size)
    return path


def scratch(path, share=0.5):
    content = bytearray(path.read_bytes())
    middle = int(len(content) * share)
    content[middle : middle + 5000] = b'\xff' * 5000
    path.write_bytes(content)
    return path


def rewrite(bag, old, new):
    path = bag / 'metadata.yaml'
    path.write_text(path.read_text().replace(old, new))
    return bag


def cut_message(folder):
    topic, kind, time, _ = image_item(6)
    return write_bag(folder / 'bag', [*items(), (topic, kind, time, b'\0\1\0\0abc')])


def nothing(folder):
    (folder / 'a.mcap').write_bytes(b'no bag at all')
    return folder / 'a.mcap'


MAKERS = {
    'mcap without chunks, indexes, statistics or profile': bare,
    'channels of JSON, Protobuf and others': lambda folder: write_mcap(folder / 'a.mcap', items()),
    'files compressed as a whole, with or without their names in the metadata': packed,
    '`.db3` with changes in `-wal` or `-journal` beside it': with_changes,
    'mcap cut off': lambda folder: cut(write_mcap(folder / 'a.mcap', items(60))),
    'damaged chunk or record of an mcap': lambda folder: scratch(
        write_mcap(folder / 'a.mcap', items(60), chunk_size=2**16)
    ),
    '`.db3` cut off or with damaged pages': lambda folder: scratch(
        write_bag(folder / 'bag', items(60), 'sqlite3') / 'bag.db3', 0.7
    ),
    'fewer or more messages than statistics or metadata count': lambda folder: rewrite(
        write_bag(folder / 'bag', items()), 'message_count: 6', 'message_count: 5'
    ),
    '`metadata.yaml` missing, malformed, or naming other files': lambda folder: rewrite(
        write_bag(folder / 'bag', items()), '- bag.mcap', '- other.mcap'
    ),
    'one of several files missing or damaged': lambda folder: rewrite(
        write_bag(folder / 'bag', items()), '- bag.mcap', '- bag.mcap\n  - other.mcap'
    ),
    'messages cut off': cut_message,
    'nothing that is whole': nothing,
}


@pytest.mark.parametrize('found', MAKERS)
def test_the_exit_status_is_that_of_the_table(found, tmp_path, capsys):
    status = read_table()[found]
    assert main(['bag', 'info', str(MAKERS[found](tmp_path)), '--json']) == status
    said = capsys.readouterr()
    assert bool(said.err) == bool(status)
    if said.out:
        shown = json.loads(said.out)
        assert shown['messages'] > 0
        assert bool(shown['losses']) == bool(status)


def test_every_row_of_the_table_is_tried():
    assert list(read_table()) == list(MAKERS)
