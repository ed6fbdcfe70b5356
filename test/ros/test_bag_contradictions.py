"""Bags that contradict themselves: what they hold is read, and the contradiction is told."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason="pip install 'yolact[train]'")
pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')

from bags import image_item, make_detections, truth_item, write_bag
from mcap.opcode import Opcode

from yolact_core.cli import main
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.io.mcap_records import MAGIC
from yolact_ros.messages.types import COMPRESSED_IMAGE, IMAGE, ros2_types

TOPIC = '/camera/image'
ITEMS = [image_item(index) for index in range(4)]
TIMES = [item[2] for item in ITEMS]


def record(kind, content):
    return struct.pack('<BQ', kind, len(content)) + content


def text(value):
    return struct.pack('<I', len(value)) + value.encode()


def schema(number, name=IMAGE):
    return record(
        Opcode.SCHEMA, struct.pack('<H', number) + text(name) + text('ros2msg') + text('')
    )


def channel(number, schema, topic=TOPIC):
    head = struct.pack('<HH', number, schema)
    return record(Opcode.CHANNEL, head + text(topic) + text('cdr') + text(''))


def messages(items, channel=1):
    types = ros2_types()
    return b''.join(
        record(
            Opcode.MESSAGE,
            struct.pack('<HIQQ', channel, 0, time, time) + bytes(types.serialize_cdr(data, kind)),
        )
        for _, kind, time, data in items
    )


def chunk(content, first, last):
    head = struct.pack('<QQQI', first, last, len(content), 0) + text('')
    return record(Opcode.CHUNK, head + struct.pack('<Q', len(content)) + content)


def write(folder, *records):
    end = record(Opcode.DATA_END, bytes(4)) + record(Opcode.FOOTER, bytes(20))
    path = folder / 'a.mcap'
    head = record(Opcode.HEADER, text('ros2') + text('by hand'))
    path.write_bytes(b''.join([MAGIC, head, *records, end, MAGIC]))
    return path


def read(path, **span):
    losses = []
    with Bag(path, losses.append) as bag:
        return [entry.time for entry in bag.entries([TOPIC], **span)], losses


@pytest.mark.parametrize(
    ('second', 'told'),
    [
        (channel(1, 1), None),
        (
            channel(1, 1, '/other'),
            'channel 1 as /camera/image of type 1 in cdr and then as /other',
        ),
        (schema(1), None),
        (schema(1, 'std_msgs/msg/String'), f'type 1 as {IMAGE} and then as std_msgs/msg/String'),
    ],
)
def test_of_two_definitions_the_first_is_taken_and_another_is_told(second, told, tmp_path):
    whole = messages(ITEMS[:2]) + second + messages(ITEMS[2:])
    found, losses = read(write(tmp_path, schema(1) + channel(1, 1), whole))
    assert found == TIMES
    assert len(losses) == bool(told)
    assert all(told in str(loss) for loss in losses)


def test_messages_whose_type_is_not_defined_are_lost(tmp_path, capsys):
    path = write(tmp_path, schema(1) + channel(1, 1) + channel(2, 7, '/b'), messages(ITEMS[:1], 2))
    assert main(['bag', 'info', str(path), '--json']) == 2
    (loss,) = json.loads(capsys.readouterr().out)['losses']
    assert (loss['reason'], loss['messages']) == (
        'it does not define the types of all messages',
        1,
    )


def test_chunks_without_times_are_found_by_those_of_their_messages(tmp_path):
    chunks = [chunk(messages(one), 0, 0) for one in (ITEMS[:2], ITEMS[2:])]
    path = write(tmp_path, schema(1) + channel(1, 1), *chunks)
    assert read(path) == (TIMES, [])
    assert read(path, start=TIMES[2]) == (TIMES[2:], [])


def test_chunks_with_wrong_times_are_told(tmp_path):
    path = write(tmp_path, schema(1) + channel(1, 1), chunk(messages(ITEMS), 1, 2))
    found, (loss,) = read(path)
    assert found == TIMES
    assert 'says other times than its messages' in str(loss)


def test_of_two_types_on_a_topic_that_of_most_messages_is_read(tmp_path):
    defined = schema(1) + channel(1, 1) + schema(2, COMPRESSED_IMAGE) + channel(2, 2)
    path = write(tmp_path, defined, messages(ITEMS), messages(ITEMS[:1], channel=2))
    found, (loss,) = read(path)
    assert found == TIMES
    assert loss.messages == 1
    assert f'{IMAGE} is not the only type on {TOPIC} ({COMPRESSED_IMAGE})' in str(loss)
    assert main(['bag', 'info', str(path)]) == 2


def test_a_file_that_the_metadata_name_twice_is_read_once(tmp_path):
    bag = write_bag(tmp_path / 'bag', ITEMS)
    metadata = bag / 'metadata.yaml'
    metadata.write_text(metadata.read_text().replace('- bag.mcap', '- bag.mcap\n  - bag.mcap', 1))
    assert read(bag) == (TIMES, [])


def test_more_messages_than_the_metadata_count_are_no_loss_of_a_time(tmp_path):
    bag = write_bag(tmp_path / 'bag', ITEMS)
    metadata = bag / 'metadata.yaml'
    metadata.write_text(metadata.read_text().replace('message_count: 4', 'message_count: 3'))
    found, (loss,) = read(bag)
    assert found == TIMES
    assert str(loss).endswith('metadata.yaml counts 3 messages, and 4 are there')


def test_metadata_that_are_missing_are_told_in_a_few_words(tmp_path):
    bag = write_bag(tmp_path / 'bag', ITEMS)
    (bag / 'metadata.yaml').unlink()
    assert str(read(bag)[1][0]).endswith('metadata.yaml cannot be used: it is missing')


def test_info_tells_images_that_cannot_be_decoded_among_others(tmp_path, capsys):
    odd = image_item(4)
    odd[3].encoding = 'telepathy8'
    short = image_item(5)
    short[3].data = short[3].data[:-1]
    assert (
        main(['bag', 'info', str(write_bag(tmp_path / 'bag', [*ITEMS, odd, short])), '--json'])
        == 2
    )
    found = json.loads(capsys.readouterr().out)
    assert (found['topics'][0]['unreadable'], found['topics'][0]['use']) == (2, 'images')
    (loss,) = found['losses']
    assert (loss['messages'], loss['start'], loss['end']) == (2, odd[2], short[2])


def square(size=(96, 128)):
    mask = np.zeros(size, bool)
    mask[20:40, 20:40] = True
    return make_detections([mask], size=size)


def evaluate(bag, capsys, *words):
    status = main([str(word) for word in ('bag', 'evaluate', bag, *words, '--json')])
    return status, json.loads(capsys.readouterr().out)


def test_truth_and_results_of_other_images_are_told(tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', [*ITEMS, truth_item(9, square())])
    results = write_bag(tmp_path / 'results', [truth_item(9, square(), '/yolact/instances')])
    status, found = evaluate(bag, capsys, '--results', results, '--truth', '/camera/truth')
    assert (status, found['missing']) == (2, 4)
    assert [loss['reason'] for loss in found['losses']] == [
        f'none of its images has a stamp that occurs in the results {results.name}',
        'none of its images has a stamp that occurs in the truth /camera/truth',
    ]


def test_an_image_whose_truth_has_another_size_is_skipped_and_told(tmp_path, capsys):
    truths = [truth_item(0, square()), truth_item(1, square((50, 50))), truth_item(2, square())]
    bag = write_bag(tmp_path / 'bag', [*ITEMS, *truths])
    found = [truth_item(index, square(), '/yolact/instances') for index in range(4)]
    results = write_bag(tmp_path / 'results', found)
    status, found = evaluate(bag, capsys, '--results', results, '--truth', '/camera/truth')
    assert status == 2
    assert [found[name] for name in ('images', 'skipped', 'without_truth')] == [3, 1, 1]
    assert found['figures']['mask_ap'] == 1
    (loss,) = found['losses']
    assert 'must be of its size, 128 x 96, got 50 x 50' in loss['reason']
