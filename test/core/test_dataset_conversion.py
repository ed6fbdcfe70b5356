"""Annotations of labelme and YOLO become objects, or are counted or named."""

from __future__ import annotations

import base64
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from yolact_core import InputError
from yolact_core.dataset import CocoDataset
from yolact_core.dataset.conversion import convert_to_coco

TRIANGLE = {'label': 'cup', 'points': [[5, 5], [30, 5], [30, 20]], 'shape_type': 'polygon'}


@pytest.fixture
def folder(tmp_path):
    """Return a folder with two images and room for labels."""
    for name in ('images', 'labels'):
        (tmp_path / name).mkdir()
    for name in ('a.png', 'b.png'):
        cv2.imwrite(str(tmp_path / 'images' / name), np.zeros((40, 60, 3), dtype=np.uint8))
    return tmp_path


def write_labelme(folder, *shapes, name='a', **changes):
    content = {'imagePath': f'{name}.png', 'imageHeight': 40, 'imageWidth': 60, 'shapes': shapes}
    (folder / 'labels' / f'{name}.json').write_text(json.dumps({**content, **changes}))


def convert(source, folder, names=None):
    output = folder / 'coco.json'
    done = convert_to_coco(source, folder / 'labels', folder / 'images', output, names)
    return CocoDataset(output, folder / 'images'), done


def shape_of(kind, points, **changes):
    return {'label': 'cup', 'shape_type': kind, 'points': points, **changes}


def mask_of(pixels):
    return base64.b64encode(cv2.imencode('.png', 255 * pixels)[1].tobytes()).decode()


@pytest.mark.parametrize(
    ('shape', 'area'),
    [
        (TRIANGLE, 25 * 15 / 2),
        (shape_of(None, TRIANGLE['points']), 25 * 15 / 2),
        (shape_of('rectangle', [[30, 20], [5, 5]]), 25 * 15),
        (shape_of('circle', [[20, 20], [20, 30]]), np.pi * 100),
        (shape_of('mask', [[5, 5], [14, 8]], mask=mask_of(np.ones((4, 10), np.uint8))), 40),
        (shape_of('mask', [[-2, 38], [7, 41]], mask=mask_of(np.ones((4, 10), np.uint8))), 16),
    ],
)
def test_each_shape_with_an_area_becomes_an_object(shape, area, folder):
    write_labelme(folder, shape)
    dataset, done = convert('labelme', folder)
    assert (done.images, done.objects, done.faults) == (1, 1, [])
    assert dataset.class_names == ('cup',)
    assert np.asarray(dataset.annotations.areas)[0] == pytest.approx(area, rel=0.1)


def test_shapes_without_an_area_and_unknown_ones_are_counted(folder):
    kinds = ['point', 'point', 'line', 'linestrip', 'points', 'spiral']
    shapes = [shape_of(kind, [[5, 5], [9, 9]]) for kind in kinds]
    flat = shape_of('polygon', [[5, 5], [9, 9]])
    write_labelme(folder, TRIANGLE, *shapes, flat)
    _, done = convert('labelme', folder)
    assert done.objects == 1
    assert done.left_out['point shapes enclose no area'] == 2
    assert done.left_out["'spiral' shapes are unknown"] == 1
    assert done.left_out.total() == 7


def test_shapes_of_one_group_are_one_object(folder):
    other = shape_of('rectangle', [[40, 20], [50, 30]], group_id=1)
    blob = shape_of(
        'mask', [[0, 30], [3, 33]], mask=mask_of(np.ones((4, 4), np.uint8)), group_id=2
    )
    shapes = [{**TRIANGLE, 'group_id': 1}, other, blob, {**other, 'group_id': 2}, TRIANGLE]
    write_labelme(folder, *shapes)
    dataset, _ = convert('labelme', folder)
    areas = dataset.annotations.areas.tolist()
    assert areas == pytest.approx([187 + 100, 16 + 100, 187], rel=0.1)


def test_an_object_with_a_hole_is_no_crowd(folder):
    outside = [[5, 5], [35, 5], [35, 35], [5, 35], [5, 5]]
    inside = [[12, 12], [12, 28], [28, 28], [28, 12], [12, 12]]
    write_labelme(folder, shape_of('polygon', outside + inside))
    dataset, _ = convert('labelme', folder)
    assert dataset.annotations.is_crowd.tolist() == [False]
    assert dataset.annotations.areas[0] == pytest.approx(30 * 30 - 16 * 16, rel=0.1)


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'imageHeight': 80, 'imageWidth': 120}, 'it must be for the 60 x 40 pixels of'),
        ({'imagePath': 'c.png'}, 'its picture c.png must be in'),
        ({'shapes': None}, 'it must hold a list of shapes'),
        ({'shapes': [5]}, 'each shape must have a label, got None'),
        ({'shapes': [{**TRIANGLE, 'label': ''}]}, "each shape must have a label, got ''"),
        ({'shapes': [{**TRIANGLE, 'points': 'all'}]}, 'points of a shape must be pairs'),
        (
            {'shapes': [{**TRIANGLE, 'points': [[float('nan'), 1]] * 3}]},
            'must be pairs of x and y',
        ),
        ({'shapes': [shape_of('circle', [[1, 2]])]}, 'a circle must have 2 points, got 1'),
        ({'shapes': [shape_of('mask', [[1, 2], [3, 4]], mask='?')]}, 'must be an image in base64'),
        (
            {'shapes': [shape_of('mask', [[1, 2], [3, 4]], mask=mask_of(np.ones((99, 9))))]},
            'not larger than the picture',
        ),
    ],
)
def test_a_file_that_cannot_be_converted_is_named_and_the_others_are(changes, reason, folder):
    write_labelme(folder, TRIANGLE, name='b')
    write_labelme(folder, TRIANGLE, **changes)
    (folder / 'labels' / '._b.json').write_bytes(b'hidden')
    dataset, done = convert('labelme', folder)
    assert len(dataset) == done.images == 1
    (fault,) = done.faults
    assert fault.startswith(f'{folder / "labels" / "a.json"}: ')
    assert reason in fault


def test_what_is_no_json_is_named(folder):
    write_labelme(folder, TRIANGLE)
    (folder / 'labels' / 'b.json').write_bytes(b'\xff{')
    _, done = convert('labelme', folder)
    assert 'b.json: it must be readable JSON' in done.faults[0]


@pytest.mark.parametrize('told', ['..\\pictures\\a.png', '/home/me/a.png', None])
def test_the_picture_is_found_wherever_labelme_saw_it(told, folder):
    write_labelme(folder, TRIANGLE, imagePath=told, imageData='AAAA', imageHeight=None)
    dataset, _ = convert('labelme', folder)
    assert dataset.annotations.file_name(0) == 'a.png'


@pytest.mark.parametrize('source', ['labelme', 'yolo'])
def test_annotations_are_for_the_picture_as_viewers_show_it(source, folder):
    image = np.zeros((40, 60, 3), np.uint8)
    image[:20, :30] = 255
    exif = Image.Exif()
    exif[0x112] = 3
    Image.fromarray(image).save(folder / 'images' / 'a.png', exif=exif)
    write_labelme(folder, shape_of('rectangle', [[30, 20], [60, 40]]))
    (folder / 'labels' / 'a.txt').write_text('0 0.75 0.75 0.5 0.5\n')
    (folder / 'data.yaml').write_text('names: {0: cup}\n')
    dataset, _ = convert(source, folder, folder / 'data.yaml')
    assert dataset.orientation == 'upright'
    assert dataset.read_image(0)[20:, 30:].min() == 255


def test_yolo_polygons_and_boxes_become_objects(folder):
    (folder / 'data.yaml').write_text('names: [cup, bowl]\n')
    lines = '1 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n\n0 0.5 0.5 0.2 0.5\n'
    (folder / 'labels' / 'a.txt').write_text(lines)
    (folder / 'labels' / 'classes.txt').write_text('cup\nbowl\n')
    dataset, done = convert('yolo', folder, folder / 'data.yaml')
    assert (done.images, done.objects, done.faults) == (2, 2, [])
    assert dataset.class_names == ('cup', 'bowl')
    assert dataset.annotations.class_ids.tolist() == [1, 0]
    np.testing.assert_allclose(dataset.annotations.boxes, [[6, 4, 24, 16], [24, 10, 12, 20]])


@pytest.mark.parametrize(
    ('line', 'reason'),
    [
        ('2 0.1 0.1 0.5 0.5', 'line 1 must begin with a class below 2'),
        ('-1 0.1 0.1 0.5 0.5', 'line 1 must begin with a class below 2'),
        ('0 0.1 0.1 0.5', 'line 1 must be a class and a polygon or box'),
        ('0 nan 0.1 0.5 0.5', 'line 1 must be a class and a polygon or box'),
        ('0 60 20 10 10', 'line 1 must be a class and a polygon or box, as fractions'),
        ('cup', 'line 1 must be a class and a polygon or box'),
    ],
)
def test_a_wrong_line_of_yolo_is_named(line, reason, folder):
    (folder / 'data.yaml').write_text('names: [cup, bowl]\n')
    (folder / 'labels' / 'a.txt').write_text(line)
    _, done = convert('yolo', folder, folder / 'data.yaml')
    assert done.images == 1
    assert reason in done.faults[0]


def test_labels_without_a_picture_are_named(folder):
    (folder / 'data.yaml').write_text('names: [cup]\n')
    (folder / 'labels' / 'c.txt').write_text('0 0.5 0.5 0.1 0.1')
    _, done = convert('yolo', folder, folder / 'data.yaml')
    assert 'c.txt: its picture c must be in' in done.faults[0]


def test_where_nothing_can_be_converted_nothing_is_written(folder):
    with pytest.raises(InputError, match=r'must come with its data\.yaml'):
        convert('yolo', folder)
    with pytest.raises(InputError, match='must be folders'):
        convert('labelme', folder / 'nothing')
    (folder / 'labels' / 'a.json').write_text('{}')
    with pytest.raises(
        InputError, match=r'must hold labelme annotations of images in .*a list of'
    ):
        convert('labelme', folder)
    (folder / 'data.yaml').write_text('names: 5\n')
    with pytest.raises(InputError, match='must hold names, in the order of the classes'):
        convert('yolo', folder, folder / 'data.yaml')
    assert not (folder / 'coco.json').exists()
