import json
import sys

import cv2
import numpy as np
import pytest

from yolact_core import InputError
from yolact_core.dataset import CocoDataset
from yolact_core.dataset.conversion import convert_to_coco


@pytest.fixture
def folder(tmp_path):
    """Return a folder with two images and room for labels."""
    for name in ('images', 'labels'):
        (tmp_path / name).mkdir()
    for name in ('a.png', 'b.png'):
        cv2.imwrite(str(tmp_path / 'images' / name), np.zeros((40, 60, 3), dtype=np.uint8))
    return tmp_path


def convert(source, folder, names=None):
    output = folder / 'coco.json'
    convert_to_coco(source, folder / 'labels', folder / 'images', output, names)
    return CocoDataset(output, folder / 'images')


def test_yolo_polygons_become_masks(folder):
    pytest.importorskip('supervision')
    (folder / 'data.yaml').write_text('names: [cup, bowl]\n')
    (folder / 'labels' / 'a.txt').write_text('1 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n')
    dataset = convert('yolo', folder, folder / 'data.yaml')
    assert dataset.class_names == ('cup', 'bowl')
    assert dataset[0].class_ids.tolist() == [1]
    np.testing.assert_allclose(dataset[0].boxes, [[6, 4, 30, 20]], atol=1)
    assert dataset[0].masks.areas().sum() == pytest.approx(24 * 16, rel=0.12)
    assert len(dataset[1]) == 0


def test_labelme_shapes_become_masks(folder):
    pytest.importorskip('supervision')
    shape = {'label': 'cup', 'points': [[5, 5], [30, 5], [30, 20]], 'shape_type': 'polygon'}
    content = {'imagePath': 'a.png', 'imageHeight': 40, 'imageWidth': 60, 'shapes': [shape]}
    (folder / 'labels' / 'a.json').write_text(json.dumps(content))
    dataset = convert('labelme', folder)
    assert dataset.class_names == ('cup',)
    assert dataset[0].masks.areas().sum() == pytest.approx(25 * 15 / 2, rel=0.2)


def test_an_object_with_a_hole_is_no_crowd_and_nobody_licenses_the_images(folder):
    pytest.importorskip('supervision')
    outside = [[5, 5], [35, 5], [35, 35], [5, 35], [5, 5]]
    inside = [[12, 12], [12, 28], [28, 28], [28, 12], [12, 12]]
    ring = {'label': 'cup', 'points': outside + inside, 'shape_type': 'polygon'}
    content = {'imagePath': 'a.png', 'imageHeight': 40, 'imageWidth': 60, 'shapes': [ring]}
    (folder / 'labels' / 'a.json').write_text(json.dumps(content))
    sample = convert('labelme', folder)[0]
    assert sample.is_crowd.tolist() == [False]
    assert sample.masks.dense()[0][20, 20] == 0
    assert sample.masks.dense()[0][20, 8] == 1
    written = json.loads((folder / 'coco.json').read_text())
    assert set(written) == {'images', 'annotations', 'categories'}
    assert 'license' not in written['images'][0]


def test_what_cannot_be_converted_is_refused(folder, monkeypatch):
    pytest.importorskip('supervision')
    with pytest.raises(InputError, match=r'must come with its data\.yaml'):
        convert('yolo', folder)
    with pytest.raises(InputError, match='must be folders'):
        convert('labelme', folder / 'nothing')
    (folder / 'labels' / 'a.json').write_text('{}')
    with pytest.raises(InputError, match='must hold labelme annotations'):
        convert('labelme', folder)
    monkeypatch.setitem(sys.modules, 'supervision', None)
    with pytest.raises(InputError, match=r'pip install "yolact\[convert\]"'):
        convert('labelme', folder)
