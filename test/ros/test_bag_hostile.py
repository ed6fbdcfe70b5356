"""Databases whose cells and tables are not what a recorder writes."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip('rosbags', reason="pip install 'yolact[bags]'")

from bags import image_item, write_bag

from yolact_core.errors import InputError
from yolact_ros.bag.io.bag import Bag

LOOPING = Path(__file__).parents[1] / 'data' / 'looping.db3.zlib'  # found by make fuzz


@pytest.fixture
def change(tmp_path):
    """Write a bag of two images, change it by a statement, and return its database."""

    def make(statement):
        folder = write_bag(tmp_path / 'bag', [image_item(0), image_item(1)], 'sqlite3')
        path = folder / 'bag.db3'
        with closing(sqlite3.connect(path)) as database, database:
            database.executescript(statement)
        return path

    return make


@pytest.mark.parametrize(
    'change_to',
    [
        "topics SET name = x'ff00'",
        'topics SET type = 7',
        'topics SET offered_qos_profiles = 2',
        'messages SET data = 1099511627776 WHERE id = 1',  # which asks for a terabyte
        "messages SET data = '' WHERE id = 1",
        "messages SET timestamp = 'never' WHERE id = 1",
        "messages SET topic_id = 'none' WHERE id = 1",
    ],
)
def test_whatever_stands_in_a_cell_the_other_messages_are_read(change, change_to):
    with Bag(change(f'UPDATE {change_to}'), lambda _: None) as bag:
        assert bag.list_topics()
        entries = list(bag.entries([topic.name for topic in bag.topics]))
    assert all(isinstance(entry.data, bytes) for entry in entries)
    assert any(len(entry.data) > 1000 for entry in entries)


@pytest.mark.parametrize('value', ["'never'", '0.5', '1e30'])
def test_messages_whose_time_is_no_number_of_nanoseconds_are_told(change, value):
    losses = []
    path = change(f'UPDATE messages SET timestamp = {value} WHERE id = 1')
    with Bag(path, losses.append) as bag:
        assert len(list(bag.entries([topic.name for topic in bag.topics]))) == 1
        assert bag.duration == 0
    assert [loss.messages for loss in losses] == [1]


def test_a_view_without_end_in_place_of_a_table_is_refused(change):
    endless = 'WITH RECURSIVE row(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM row)'
    path = change(f'DROP TABLE messages; CREATE VIEW messages AS {endless} SELECT id FROM row')
    with pytest.raises(InputError, match='must hold tables alone, got a view'):
        Bag(path, print)


def test_pages_that_lead_back_to_earlier_ones_are_not_read_for_ever(tmp_path):
    path = tmp_path / 'looping.db3'
    path.write_bytes(zlib.decompress(LOOPING.read_bytes()))
    losses = []
    with Bag(path, losses.append) as bag:
        assert list(bag.entries([topic.name for topic in bag.topics])) == []
    assert 'its table of messages is damaged' in str(losses[0])
