import json

import numpy as np
from shapes import CLASS_NAMES, write_shapes

from yolact_core.dataset import CocoDataset


def test_the_same_seed_gives_the_same_data_set(tmp_path):
    first = write_shapes(tmp_path / 'a', images=3, seed=5, size=(48, 64))
    again = write_shapes(tmp_path / 'b', images=3, seed=5, size=(48, 64))
    other = write_shapes(tmp_path / 'c', images=3, seed=6, size=(48, 64))
    assert first.read_text() == again.read_text() != other.read_text()
    for name in ('000001.jpg', '000003.jpg'):
        pictures = [path.parent / 'images' / name for path in (first, again)]
        assert pictures[0].read_bytes() == pictures[1].read_bytes()


def test_masks_are_what_is_seen_and_never_overlap(tmp_path):
    path = write_shapes(tmp_path, images=300, seed=0, size=(48, 64))
    dataset = CocoDataset(path, tmp_path / 'images')
    samples = [dataset[index] for index in range(len(dataset))]
    assert dataset.class_names == CLASS_NAMES
    assert {name for sample in samples for name in sample.class_ids.tolist()} == set(range(5))
    assert any(len(sample) == 0 for sample in samples)
    assert any(sample.is_crowd.any() for sample in samples)
    for sample in samples:
        assert sample.masks.dense().sum(axis=0).max(initial=0) <= 1
        areas = sample.masks.areas()
        extents = (sample.boxes[:, 2:] - sample.boxes[:, :2]).prod(axis=1)
        assert (areas <= extents).all()
    areas = [item['area'] for item in json.loads(path.read_text())['annotations']]
    assert areas == [area for sample in samples for area in sample.masks.areas().tolist()]
    assert np.mean(areas) > 50
