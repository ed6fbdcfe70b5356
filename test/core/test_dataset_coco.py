import json
import pickle

import cv2
import numpy as np
import pytest
import torch
from coco_files import SIZE, annotation, write_dataset
from pycocotools import mask as coco_mask

from yolact_core import InputError, ModelConfig
from yolact_core.dataset import CocoDataset, Sample, SampleLoader, collate
from yolact_core.training.augmentation import training_recipe
from yolact_core.training.samples import TrainingSamples


def crop_somewhere(sample, generator):
    """Stands for an augmentation: it only marks the sample with its randomness."""
    size = (sample.size[0], sample.size[1], 3)
    return Sample(
        generator.random(size, dtype=np.float32),
        sample.boxes,
        sample.class_ids,
        sample.masks,
        sample.is_crowd,
    )


@pytest.fixture
def dataset(tmp_path):
    annotations = [
        annotation(7, 30, [10, 5, 20, 15]),
        annotation(5, 10, [0, 0, 30, 20], category_id=90),
        annotation(9, 30, [40, 20, 10, 10], iscrowd=1),
    ]
    return CocoDataset(write_dataset(tmp_path, annotations), tmp_path)


def test_classes_are_the_categories_in_the_order_of_their_ids(dataset):
    assert dataset.class_names == ('bowl', 'cup')
    assert dataset.category_ids == (3, 90)
    assert [dataset[index].class_ids.tolist() for index in range(3)] == [[1], [], [0, 0]]


def test_a_given_order_of_classes_is_kept(dataset, tmp_path):
    names = ('fork', 'cup', 'bowl')
    reordered = CocoDataset(dataset.path, tmp_path, class_names=names)
    assert reordered.class_names == names
    assert reordered[0].class_ids.tolist() == [1]
    with pytest.raises(InputError, match="category must be one of fork, cup, got 'bowl'"):
        CocoDataset(dataset.path, tmp_path, class_names=('fork', 'cup'))


def test_a_sample_holds_pixels_boxes_masks_and_crowds(dataset):
    sample = dataset[2]
    bgr = cv2.imread(str(dataset.folder / '2.png'))
    np.testing.assert_array_equal(sample.image, bgr[..., ::-1])
    assert sample.image.dtype == np.uint8
    assert sample.boxes.tolist() == [[10, 5, 30, 20], [40, 20, 50, 30]]
    assert sample.is_crowd.tolist() == [False, True]
    assert sample.masks.size == SIZE
    assert sample.masks.areas().tolist() == [20 * 15, 10 * 10]
    assert sample.masks.dense()[0, 5:20, 10:30].all()


def test_an_image_without_annotations_is_a_sample_without_objects(dataset):
    sample = dataset[1]
    assert len(sample) == 0
    assert sample.boxes.shape == (0, 4)
    assert sample.masks.dense().shape == (0, *SIZE)


def test_polygons_and_both_run_length_forms_give_the_same_mask(tmp_path):
    mask = np.zeros(SIZE, dtype=np.uint8, order='F')
    mask[5:20, 10:30] = 1
    compressed = coco_mask.encode(mask)
    text = {'size': list(SIZE), 'counts': compressed['counts'].decode()}
    flat = mask.ravel(order='F')
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *edges, flat.size]).tolist()
    forms = [
        annotation(1, 10, [10, 5, 20, 15]),
        annotation(2, 10, [10, 5, 20, 15], segmentation=text),
        annotation(3, 10, [10, 5, 20, 15], segmentation={'size': list(SIZE), 'counts': counts}),
    ]
    sample = CocoDataset(write_dataset(tmp_path, forms), tmp_path)[0]
    for found in sample.masks.dense():
        np.testing.assert_array_equal(found, mask)


def test_what_has_no_extent_is_left_out(tmp_path):
    annotations = [
        annotation(1, 10, [5, 5, 0, 10]),
        annotation(2, 10, [5, 5, 10, 10], segmentation=[]),
        annotation(3, 10, [5, 5, 10, 10], segmentation=[[5, 5, 15, 15]]),
        annotation(4, 10, [59.995, 5, 10, 10]),
        annotation(5, 10, [5, 5, 10, 10], segmentation={'size': [40, 60], 'counts': [2400]}),
        annotation(6, 10, [50, 30, 20, 20]),
    ]
    sample = CocoDataset(write_dataset(tmp_path, annotations), tmp_path)[0]
    assert sample.boxes.tolist() == [[50, 30, 60, 40]]


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        (
            {'category_id': 4},
            'annotation 7 in 0.png: category_id must be one of the categories, got 4',
        ),
        ({'image_id': 11}, 'annotation 7: image_id must be one of the images, got 11'),
        ({'bbox': [1, 2, 3]}, 'annotation 7 in 0.png: bbox must be x, y, width, height'),
        (
            {'segmentation': {'size': [2, 2], 'counts': [4]}},
            r'size of the RLE must be that of its image, \[40, 60\], got \[2, 2\]',
        ),
        (
            {'segmentation': {'size': [40, 60], 'counts': [5, 9]}},
            'run lengths must add up to the 2400 pixels of the image, got 14',
        ),
        ({'segmentation': {'size': [40, 60], 'counts': 'ü'}}, 'run lengths must be whole numbers'),
        (
            {'segmentation': [[0, 0, 9, 1e9, 9, 9]]},
            'polygons must be lists of x and y that are nearer than 100000 pixels',
        ),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(tmp_path, changes, reason):
    path = write_dataset(tmp_path, [annotation(7, 10, [1, 1, 5, 5], **changes)])
    with pytest.raises(InputError, match=reason):
        CocoDataset(path, tmp_path)


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        ('{', 'must be a readable COCO annotation file'),
        ('[]', 'must hold a list of images'),
        ('{"images": [], "annotations": []}', 'must hold a list of categories'),
        ('{"images": [1], "annotations": [], "categories": []}', 'each of the images must hold'),
        (
            '{"images": [{"id": 1}], "annotations": [], "categories": []}',
            'height and width must be pixels',
        ),
    ],
)
def test_other_files_are_refused(tmp_path, content, reason):
    path = tmp_path / 'annotations.json'
    path.write_text(content)
    with pytest.raises(InputError, match=reason):
        CocoDataset(path, tmp_path)


def test_image_ids_must_not_repeat(tmp_path):
    record = {'id': 10, 'file_name': '0.png', 'height': 40, 'width': 60}
    path = write_dataset(tmp_path, [], images=1)
    content = json.loads(path.read_text()) | {'images': [record, record]}
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match='ids must not repeat, got 10 again'):
        CocoDataset(path, tmp_path)


def test_randomness_depends_on_seed_epoch_and_index_alone(dataset):
    first = TrainingSamples(dataset, crop_somewhere, seed=1)
    again = TrainingSamples(dataset, crop_somewhere, seed=1)
    other = TrainingSamples(dataset, crop_somewhere, seed=2)
    image = first[0].image
    np.testing.assert_array_equal(image, first[0].image)
    np.testing.assert_array_equal(image, again[0].image)
    np.testing.assert_array_equal(dataset[-1].image, dataset[2].image)
    for different in (first[1].image, other[0].image):
        assert (image != different).any()
    assert (image != first[len(dataset)].image).any()
    np.testing.assert_array_equal(image, first[0].image)


def test_an_index_beyond_the_end_is_refused(dataset):
    with pytest.raises(IndexError):
        dataset[3]


def test_a_pickled_data_set_gives_the_same_samples(dataset):
    copy = pickle.loads(pickle.dumps(dataset))
    np.testing.assert_array_equal(copy[2].masks.dense(), dataset[2].masks.dense())


@pytest.mark.slow
def test_workers_that_persist_see_a_new_epoch(dataset):
    config = ModelConfig.from_name('yolact_resnet18').replace(input_size=64)
    shuffled = TrainingSamples(dataset, training_recipe('standard', config), seed=0)
    epochs = [range(3), range(3, 6)]
    loader = SampleLoader(
        shuffled,
        collate,
        workers=1,
        batch_sampler=epochs,
        persistent_workers=True,
        multiprocessing_context='spawn',
    )
    (images, targets), (later, _) = loader
    assert len(targets) == 3
    assert (images != later).any()
    np.testing.assert_allclose(later[0].permute(1, 2, 0), shuffled[3].image, atol=1e-3)


def test_a_batch_holds_fractions_and_sets_crowds_apart(dataset):
    images, targets = collate([dataset[0], dataset[1], dataset[2]])
    assert images.shape == (3, 3, *SIZE)
    assert images.dtype == torch.uint8
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert [len(boxes) for boxes in targets.boxes] == [1, 0, 1]
    assert [boxes.shape for boxes in targets.crowd_boxes] == [(0, 4), (0, 4), (1, 4)]
    torch.testing.assert_close(targets.boxes[2], torch.tensor([[10 / 60, 5 / 40, 0.5, 0.5]]))
    assert targets.masks[2].shape == (1, *SIZE)
    assert targets.masks[2].dtype == torch.uint8
    assert targets.class_ids[0].tolist() == [1]


def test_targets_move_to_a_device(dataset):
    _, targets = collate([dataset[2]])
    moved = targets.to('meta')
    assert {tensor.device.type for tensor in (*moved.boxes, *moved.crowd_boxes)} == {'meta'}
    assert {tensor.device.type for tensor in (*moved.masks, *moved.class_ids)} == {'meta'}
