"""One reader for all commands: what check calls an error, none of them reads."""

from __future__ import annotations

import json
import logging

import cv2
import numpy as np
import pytest
from coco_files import SIZE, annotation, write_dataset
from PIL import Image

from yolact_core import InputError
from yolact_core.cli import main
from yolact_core.dataset import CocoDataset
from yolact_core.dataset.annotations import read_annotations
from yolact_core.dataset.checking import check_dataset, require_sound

BOX = [5, 5, 20, 15]
HUGE, NAN = 10**400, float('nan')
RUNS = {'size': [40, 60], 'counts': [100, 50, 2250]}
WRONG_COUNTS = ('ü', [-1, 2401], [2401], [NAN], [True, 2399], None, HUGE, '')


def errors_of(path, **options):
    problems = check_dataset(path, path.parent, **options)
    return [str(problem) for problem in problems if problem.severity == 'error']


def change(path, section, **values):
    content = json.loads(path.read_text())
    content[section][0].update(values)
    path.write_text(json.dumps(content))


def good(folder):
    return write_dataset(
        folder, [annotation(1, 10, BOX), annotation(2, 20, BOX, category_id=90)], images=2
    )


WRONG = [
    ('annotations', 'iscrowd', ['0', '1', 'false', 2, -1, 1.0, [], {}, NAN]),
    ('annotations', 'area', [None, [9], '9', NAN, float('inf'), -1, HUGE, True]),
    ('annotations', 'id', [None, '1', 1.0, True, 2**63, [], 2]),
    ('annotations', 'image_id', [None, '10', 10.0, True, [10], 2**70, 99]),
    ('annotations', 'category_id', [None, '3', 3.0, [3], 4]),
    ('annotations', 'bbox', [None, '1', [1, 2, 3], [1, 2, 3, '4'], [1, 2, 3, None]]),
    ('annotations', 'bbox', [[NAN, 2, 3, 4], [1, 2, HUGE, 4], [True, 2, 3, 4], {}, [70, 1, 2, 2]]),
    ('annotations', 'segmentation', ['all', 5, [1, 2, 3, 4], [[1, 2, 3]], [['1'] * 6]]),
    ('annotations', 'segmentation', [[[one] * 6] for one in (NAN, HUGE, True, 1e9, None)]),
    ('annotations', 'segmentation', [{}, {**RUNS, 'size': [1, 2]}, {'counts': [2400]}]),
    ('annotations', 'segmentation', [{**RUNS, 'counts': one} for one in WRONG_COUNTS]),
    ('images', 'id', [None, '10', 10.0, 2**63, -(2**64), True, [1], 20]),
    ('images', 'height', [None, 0, -1, '40', 40.0, True, 2**40, NAN]),
    ('images', 'file_name', [None, '', 5, 'a\0.png', '\ud800.png', 'x' * 5000, []]),
    ('categories', 'id', [None, '90', 1.5, 2**63, 3]),
    ('categories', 'name', [None, '', ' ', 5, True, 'a\nb', 'a\0', '\udfff', ['cup'], 'bowl']),
]  # fmt: skip


@pytest.mark.parametrize(
    ('section', 'key', 'value'),
    [(section, key, value) for section, key, values in WRONG for value in values],
)
def test_what_check_calls_an_error_nobody_reads(section, key, value, tmp_path):
    path = good(tmp_path)
    assert errors_of(path) == []
    change(path, section, **{key: value})
    first, *consequences = errors_of(path)
    assert len(consequences) <= 2
    with pytest.raises(InputError, match='must have no errors, but has') as refusal:
        read_annotations(path)
    assert first.removeprefix('error: ') in str(refusal.value)


@pytest.mark.parametrize('value', [0, 1, True, False, None])
def test_crowds_are_0_1_true_false_or_null(value, tmp_path):
    path = good(tmp_path)
    change(path, 'annotations', iscrowd=value)
    assert errors_of(path) == []
    assert read_annotations(path).is_crowd.tolist() == [bool(value), False]


@pytest.mark.parametrize(
    ('segmentation', 'reason'),
    [
        (None, 'got none'),
        ([], 'got 0 polygons, none of 3 points'),
        ([[1, 2, 3, 4]], 'got 1 polygons, none of 3 points'),
        ({'size': [40, 60], 'counts': [2400]}, 'got an empty mask'),
    ],
)
def test_what_is_left_out_is_counted_with_its_reason(segmentation, reason, tmp_path, caplog):
    path = good(tmp_path)
    change(path, 'annotations', segmentation=segmentation)
    dataset = CocoDataset(path, tmp_path)
    assert [len(dataset[index]) for index in range(2)] == [0, 1]
    assert '1 objects left out: segmentation must enclose an area' in caplog.text
    assert f'the first is annotation 1 in 0.png, {reason}' in caplog.text


def test_without_any_object_data_are_refused(tmp_path):
    path = good(tmp_path)
    content = json.loads(path.read_text())
    for kept in ([], [{**one, 'segmentation': []} for one in content['annotations']],
                 [{**one, 'iscrowd': 1} for one in content['annotations']]):  # fmt: skip
        path.write_text(json.dumps({**content, 'annotations': kept}))
        assert 'there must be at least one object' in errors_of(path)[0]
        with pytest.raises(InputError, match='there must be at least one object, got'):
            require_sound(CocoDataset(path, tmp_path))
        require_sound(CocoDataset(path, tmp_path), needs_objects=False)


def test_without_images_data_are_refused(tmp_path):
    path = write_dataset(tmp_path, [], images=0)
    assert errors_of(path) == ['error: images: there must be at least one']


def test_swapped_sizes_are_an_error_unless_an_orientation_explains_them(tmp_path):
    path = good(tmp_path)
    change(path, 'images', height=SIZE[1], width=SIZE[0])
    assert 'must be 40 x 60 pixels, as its annotations say, got 60 x 40' in errors_of(path)[0]
    exif = Image.Exif()
    exif[0x112] = 6
    Image.new('RGB', SIZE[::-1]).save(tmp_path / '0.png', exif=exif)
    assert errors_of(path) == []


def test_an_orientation_that_nothing_tells_is_a_warning(tmp_path, caplog):
    path = good(tmp_path)
    exif = Image.Exif()
    exif[0x112] = 3
    Image.new('RGB', SIZE[::-1]).save(tmp_path / '0.png', exif=exif)
    (warning,) = check_dataset(path, tmp_path)
    assert (warning.severity, warning.where) == ('warning', 'image 10 (0.png)')
    assert 'option "orientation" should be stored or upright' in warning.reason
    require_sound(CocoDataset(path, tmp_path))
    assert '1 warnings: with an EXIF orientation' in caplog.text
    assert check_dataset(path, tmp_path, orientation='upright') == []
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, 'info': {'orientation': 'stored'}}))
    assert check_dataset(path, tmp_path) == []
    path.write_text(json.dumps({**content, 'info': {'orientation': 'left'}}))
    assert 'orientation must be one of auto, stored, upright, got' in errors_of(path)[0]


def test_the_pixels_of_an_upright_data_set_are_turned(tmp_path):
    path = good(tmp_path)
    image = np.zeros((*SIZE, 3), np.uint8)
    image[:10] = 255
    exif = Image.Exif()
    exif[0x112] = 4
    Image.fromarray(image).save(tmp_path / '0.png', exif=exif)
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, 'info': {'orientation': 'upright'}}))
    dataset = CocoDataset(path, tmp_path)
    assert dataset.read_image(0)[[0, -1], 0, 0].tolist() == [0, 255]
    assert CocoDataset(path, tmp_path, orientation='stored').read_image(0)[0, 0, 0] == 255


def test_cut_pictures_are_found_by_their_end_and_damage_inside_by_decoding(tmp_path):
    path = good(tmp_path)
    data = (tmp_path / '0.png').read_bytes()
    (tmp_path / '0.png').write_bytes(data[:-10])
    assert 'must be a whole image file, but its end is missing' in errors_of(path)[0]
    (tmp_path / '0.png').write_bytes(data[:60] + bytes(len(data) - 160) + data[-100:])
    cv2.imwrite(str(tmp_path / '1.bmp'), np.zeros((*SIZE, 3), np.uint8))
    bmp = (tmp_path / '1.bmp').read_bytes()
    (tmp_path / '1.png').write_bytes(bmp[: len(bmp) // 2])
    deep = errors_of(path, is_deep=True)
    assert any('1.png must be an image, but it cannot be decoded' in one for one in deep)
    assert len(deep) > len(errors_of(path))


def test_files_and_categories_that_repeat_are_told(tmp_path):
    path = good(tmp_path)
    change(path, 'images', file_name='1.png')
    found = [str(problem) for problem in check_dataset(path, tmp_path)]
    assert found == ['warning: image 1.png: files should not repeat, got it 2 times']


@pytest.mark.parametrize('data', [b'[' * 10**5, b'\xff\xfe\x00', b'\x1f\x8b\x08gzip', b'9' * 9999])
def test_files_that_are_no_json_are_refused(data, tmp_path):
    (tmp_path / 'a.json').write_bytes(data)
    with pytest.raises(InputError, match=r'must be a readable COCO annotation file|must hold'):
        read_annotations(tmp_path / 'a.json')


def test_a_byte_order_mark_does_not_matter(tmp_path):
    path = good(tmp_path)
    path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes())
    assert len(read_annotations(path).image_ids) == 2


def test_check_says_how_deep_it_looked(tmp_path, capsys):
    path = good(tmp_path)
    assert main(['dataset', 'check', str(path), '--images', str(tmp_path)]) == 0
    assert 'of each picture the header was read' in capsys.readouterr().out
    assert main(['dataset', 'check', str(path), '--images', str(tmp_path), '--deep']) == 0
    assert 'every picture was decoded' in capsys.readouterr().out


@pytest.mark.parametrize('command', ['stats', 'evaluate', 'complete'])
def test_every_command_refuses_what_check_does(command, tmp_path, capsys):
    path = good(tmp_path)
    change(path, 'annotations', bbox=[NAN, 1, 2, 3])
    words = {
        'stats': ['dataset', 'stats', str(path)],
        'complete': ['dataset', 'complete', str(path), str(tmp_path / 'out.json')],
        'evaluate': ['evaluate', str(path)],
    }[command]
    pictures = [] if command == 'stats' else ['--images', str(tmp_path)]
    assert main([*words, *pictures]) == 2
    said = capsys.readouterr().err
    assert 'annotation 1 in 0.png: bbox must be x, y, width, height in pixels' in said


def test_warnings_are_logged_as_warnings(tmp_path, caplog):
    path = good(tmp_path)
    change(path, 'annotations', bbox=[55, 5, 20, 15])
    with caplog.at_level(logging.WARNING):
        read_annotations(path)
    assert '1 warnings: bbox should lie in its image; the first is annotation 1' in caplog.text
