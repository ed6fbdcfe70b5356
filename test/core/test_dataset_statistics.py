import numpy as np
import pytest
from coco_files import annotation, write_dataset

from yolact_core import ModelConfig
from yolact_core.config import AnchorConfig
from yolact_core.dataset.annotations import read_annotations
from yolact_core.dataset.statistics import assess_priors, describe, fit_priors, object_boxes

ANCHORS = ModelConfig.from_name('yolact_resnet50_pascal').anchors


@pytest.fixture
def annotations(tmp_path):
    objects = [
        annotation(1, 10, [5, 5, 20, 10]),
        annotation(2, 10, [0, 0, 40, 40], category_id=90, area=1024),
        annotation(3, 30, [0, 0, 60, 40], category_id=90, area=9217),
        annotation(4, 30, [0, 0, 50, 30], category_id=90, iscrowd=1),
    ]
    return read_annotations(write_dataset(tmp_path, objects))


def test_objects_are_counted_by_class_size_and_image(annotations):
    found = describe(annotations)
    assert (found.images, found.empty_images) == (3, 1)
    assert found.objects_per_image == (0, 1.0, 2)
    assert found.image_sizes == ((40, 60),) * 3
    bowl, cup = found.classes
    assert (bowl.name, bowl.objects, bowl.images, bowl.crowds) == ('bowl', 1, 1, 0)
    assert bowl.sizes == (1, 0, 0)
    assert (cup.name, cup.objects, cup.images, cup.crowds) == ('cup', 2, 2, 1)
    assert cup.sizes == (0, 1, 1)


def test_the_least_objects_of_an_image_may_be_more_than_none(tmp_path):
    path = write_dataset(tmp_path, [annotation(1, 10, [5, 5, 20, 10])], images=1)
    assert describe(read_annotations(path)).objects_per_image == (1, 1.0, 1)


def test_a_file_without_images_can_be_described(tmp_path):
    annotations = read_annotations(write_dataset(tmp_path, [], images=0))
    found = describe(annotations)
    assert (found.images, found.objects_per_image) == (0, (0, 0.0, 0))
    boxes = object_boxes(annotations)
    assert boxes.shape == (0, 4)
    assert fit_priors(boxes, ANCHORS, 128).recall == 0.0


def test_boxes_are_fractions_and_leave_out_crowds(annotations):
    boxes = object_boxes(annotations)
    np.testing.assert_allclose(boxes[0], [5 / 60, 5 / 40, 25 / 60, 15 / 40])
    assert len(boxes) == 3


def test_a_box_that_is_a_prior_is_recalled():
    anchors = AnchorConfig(((16.0,), (32.0,), (64.0,), (96.0,), (128.0,)), aspect_ratios=(1.0,))
    centre, half = 4.5 * 8 / 128, 8 / 128
    exact = np.array([[centre - half, centre - half, centre + half, centre + half]])
    found = assess_priors(exact, anchors, 128)
    assert found.recall == 1.0
    assert found.mean_iou == pytest.approx(1.0)
    sliver = np.array([[0.1, 0.1, 0.11, 0.9]])
    assert assess_priors(sliver, anchors, 128).recall == 0.0


def test_fitted_priors_suit_unusual_objects_better():
    generator = np.random.default_rng(0)
    width, height = generator.uniform(0.05, 0.1, 150), generator.uniform(0.3, 0.6, 150)
    x, y = generator.uniform(0, 0.9, 150), generator.uniform(0, 0.4, 150)
    boxes = np.stack([x, y, x + width, y + height], axis=1)
    current, fitted = assess_priors(boxes, ANCHORS, 128), fit_priors(boxes, ANCHORS, 128)
    assert fitted.recall > current.recall + 0.2
    assert max(fitted.anchors.aspect_ratios) < 0.6
    assert len(fitted.anchors.scales) == 5
    assert len(fitted.anchors.aspect_ratios) == len(ANCHORS.aspect_ratios)


def test_priors_that_cannot_be_bettered_stay():
    generator = np.random.default_rng(1)
    size = generator.uniform(0.05, 0.9, 60)
    x, y = generator.uniform(0, 1 - size), generator.uniform(0, 1 - size)
    boxes = np.stack([x, y, x + size, y + size], axis=1)
    fitted, current = fit_priors(boxes, ANCHORS, 128), assess_priors(boxes, ANCHORS, 128)
    assert fitted.recall + fitted.mean_iou >= current.recall + current.mean_iou
