import pickle
import tracemalloc

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from shapes import draw_scene

from yolact_core import InputError, InstanceMasks, ModelConfig
from yolact_core.dataset import Sample
from yolact_core.inference.preprocessing import Preprocessor
from yolact_core.training.augmentation import (
    AugmentationOptions,
    evaluation_transform,
    training_recipe,
)
from yolact_core.training.augmentation.recipes import TINY, paste
from yolact_core.training.augmentation.rendering import (
    Projection,
    Window,
    render,
    shrink_masks,
)

SIDE = 96
CONFIG = ModelConfig.from_name('yolact_resnet18').replace(input_size=SIDE)
NOTHING = AugmentationOptions(photometric=0, expand=0, crop=0, mirror=0)
EVERYTHING = AugmentationOptions(**dict.fromkeys(AugmentationOptions.__dataclass_fields__, 1.0))
CLUTTER = AugmentationOptions(vertical_flip=0.5, grayscale=0.2, gamma=0.5, noise=0.5, jpeg=0.5)


def pack(masks):
    """Pack masks of 0 and 1, shape (N, H, W)."""
    return InstanceMasks.from_dense(masks.astype(np.bool_), masks.shape[1:])


def make_sample(seed, size=(60, 80)):
    """Draw shapes that may overlap."""
    image, masks, class_ids = draw_scene(np.random.default_rng(seed), size)
    masks = InstanceMasks.from_dense(masks, size)
    return Sample(
        image=image,
        boxes=masks.boxes(),
        class_ids=np.array(class_ids, dtype=np.int64),
        masks=masks,
        is_crowd=np.arange(len(masks)) % 4 == 3,
    )


def make_rectangles(seed, size=(60, 80)):
    """Draw rectangles, which fill their boxes however they are cut."""
    generator = np.random.default_rng(seed)
    count = int(generator.integers(1, 5))
    low = generator.integers(0, 40, (count, 2))
    boxes = np.concatenate([low, low + generator.integers(8, 40, (count, 2))], axis=1)
    boxes = np.minimum(boxes, [size[1], size[0]] * 2)
    masks = np.zeros((count, *size), dtype=np.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes, strict=True):
        mask[y1:y2, x1:x2] = 1
    image = generator.integers(0, 256, (*size, 3), dtype=np.uint8)
    is_crowd = np.zeros(count, dtype=np.bool_)
    return Sample(image, boxes.astype(np.float32), np.arange(count), pack(masks), is_crowd)


def empty_sample(size=(60, 80)):
    return Sample(
        image=np.full((*size, 3), 200, dtype=np.uint8),
        boxes=np.zeros((0, 4), dtype=np.float32),
        class_ids=np.zeros(0, dtype=np.int64),
        masks=InstanceMasks.from_dense([], size),
        is_crowd=np.zeros(0, dtype=np.bool_),
    )


def only(**options):
    """Return options in which one thing happens always and nothing else ever."""
    return AugmentationOptions(**{**vars(NOTHING), **options})


def apply(transform, sample, seed=0):
    return transform(sample, np.random.default_rng(seed))


seeds = st.integers(0, 10_000)


@settings(max_examples=60)
@given(seeds, seeds, st.sampled_from(['original', 'standard']))
def test_boxes_stay_around_their_masks(scene, seed, name):
    found = apply(training_recipe(name, CONFIG, CLUTTER), make_rectangles(scene), seed)
    seen = found.select(found.masks.areas() > 0)
    np.testing.assert_allclose(seen.boxes, seen.masks.boxes(), atol=1.0)


@settings(max_examples=60)
@given(seeds, seeds)
def test_boxes_of_cut_objects_fit_what_is_left_of_them(scene, seed):
    found = apply(training_recipe('standard', CONFIG, only(crop=1.0)), make_sample(scene), seed)
    around = found.masks.boxes()
    on_border = ((around[:, :2] == 0) | (around[:, 2:] == SIDE)).any(axis=1)
    np.testing.assert_allclose(found.boxes[on_border], around[on_border], atol=4.0)


@settings(max_examples=60)
@given(seeds, seeds, st.sampled_from(['original', 'standard']))
def test_a_recipe_gives_samples_that_fit_together(scene, seed, name):
    found = apply(training_recipe(name, CONFIG, CLUTTER), make_sample(scene), seed)
    count = len(found)
    assert found.image.shape == (SIDE, SIDE, 3)
    assert found.image.dtype == np.float32
    assert found.masks.dense().shape == (count, SIDE, SIDE)
    assert found.boxes.shape == (count, 4)
    assert found.boxes.dtype == np.float32
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
    assert found.boxes.min(initial=0) >= 0
    assert found.boxes.max(initial=0) <= SIDE
    assert found.class_ids.shape == found.is_crowd.shape == (count,)


@pytest.mark.parametrize('name', ['original', 'standard'])
def test_a_recipe_depends_on_its_generator_alone(name):
    sample, transform = make_sample(3), training_recipe(name, CONFIG, CLUTTER)
    first, again, other = (apply(transform, sample, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.masks.dense(), again.masks.dense())
    np.testing.assert_array_equal(first.boxes, again.boxes)
    assert (first.image != other.image).any()


@pytest.mark.parametrize('name', ['original', 'standard'])
@pytest.mark.parametrize('seed', range(5))
def test_an_image_without_objects_passes(name, seed):
    found = apply(training_recipe(name, CONFIG), empty_sample(), seed)
    assert found.image.shape == (SIDE, SIDE, 3)
    assert len(found) == 0


@pytest.mark.parametrize('seed', range(3))
def test_a_sample_that_was_read_is_never_written_to(seed):
    sample = make_sample(seed)
    before = pickle.dumps(sample)
    apply(training_recipe('standard', CONFIG, EVERYTHING, donors=[make_sample(9)]), sample)
    assert pickle.dumps(sample) == before


@pytest.mark.parametrize('option', ['mirror', 'vertical_flip'])
def test_a_mirror_twice_is_no_mirror(option):
    transform = training_recipe('original', CONFIG, only(**{option: 1.0}))
    straight = apply(training_recipe('original', CONFIG, NOTHING), make_sample(4))
    once = apply(transform, make_sample(4))
    twice = apply(transform, once)
    np.testing.assert_allclose(twice.image, straight.image, atol=0.01)
    np.testing.assert_array_equal(twice.masks.dense(), straight.masks.dense())
    np.testing.assert_allclose(twice.boxes, straight.boxes, atol=1e-3)
    axis = {'mirror': 1, 'vertical_flip': 0}[option]
    np.testing.assert_allclose(once.image, np.flip(straight.image, axis), atol=2.0)
    assert (once.masks.dense() != np.flip(straight.masks.dense(), axis + 1)).mean() < 0.002


def test_evaluation_resizes_as_the_detector_does():
    sample = make_sample(5)
    found = apply(evaluation_transform(CONFIG), sample)
    plain = CONFIG.replace(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))

    expected = Preprocessor(plain)([sample.image])[0]
    np.testing.assert_array_equal(found.image, expected.permute(1, 2, 0).numpy())
    scale = np.array([SIDE / 80, SIDE / 60] * 2, dtype=np.float32)
    np.testing.assert_allclose(found.boxes, sample.boxes * scale, rtol=1e-6)


def test_nothing_at_all_is_the_evaluation_transform_up_to_opencvs_rounding():
    sample = make_sample(6)
    plain = apply(evaluation_transform(CONFIG), sample)
    found = apply(training_recipe('original', CONFIG, NOTHING), sample)
    assert np.abs(found.image - plain.image).mean() < 0.5
    np.testing.assert_array_equal(found.masks.dense(), plain.masks.dense())


@settings(max_examples=20)
@given(seeds, st.sampled_from([24, 33, 48]))
def test_masks_can_be_had_at_the_size_that_the_loss_wants(scene, size):
    sample = make_sample(scene)
    whole = apply(evaluation_transform(CONFIG), sample).masks.dense()
    small = apply(evaluation_transform(CONFIG, mask_size=size), sample).masks.dense()
    assert small.shape == (len(sample), size, size)
    for mask, shrunk in zip(torch.from_numpy(whole).float(), small, strict=True):
        wanted = F.interpolate(mask[None, None], (size, size), mode='bilinear')[0, 0] > 0.5
        assert (shrunk != wanted.numpy()).mean() < 1e-3


def render_naively(mask, projection, size):
    """Sample a whole mask at the middle of each pixel of the square."""
    side, (a, b, c), (d, e, f) = projection.side, *projection.matrix
    middles = np.arange(side) + 0.5
    columns, rows = (middles - c) / a, (middles - f) / e
    mapped = [np.tile(columns - 0.5, (side, 1)), np.tile(rows - 0.5, (side, 1)).T]
    seen = cv2.remap(
        mask.astype(np.uint8),
        *(grid.astype(np.float32) for grid in mapped),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    inside = (columns > 0) & (columns < size[1])
    assert b == d == 0
    return seen * inside * ((rows > 0) & (rows < size[0]))[:, None]


@settings(max_examples=60)
@given(seeds, seeds, st.booleans(), st.booleans())
def test_a_mask_drawn_in_its_box_is_the_whole_mask_drawn(scene, seed, is_mirrored, is_flipped):
    sample, generator = make_sample(scene), np.random.default_rng(seed)
    low, extent = generator.uniform(-40, 30, 2), generator.uniform(10, 120, 2)
    window = Window(*low.tolist(), *(low + extent).tolist())
    projection = Projection(window, SIDE, is_mirrored, is_flipped)
    found = render(sample, projection).masks.dense()
    for mask, seen in zip(sample.masks.dense(), found, strict=True):
        wanted = render_naively(mask, projection, sample.size)
        assert (seen != wanted).mean() < 0.005  # OpenCV rounds positions to 1 / 32 pixel


def test_memory_for_a_sample_does_not_grow_with_the_number_of_its_objects():
    """Of a large picture with many objects, dense masks would take many times the image."""
    size, count = (1000, 1500), 150
    squares = (
        (np.ones((60, 60), dtype=np.bool_), (8 * index, 5 * index)) for index in range(count)
    )
    masks = InstanceMasks.from_crops(squares, size)
    image, no = np.zeros((*size, 3), np.uint8), np.zeros(count, np.bool_)
    sample = Sample(image, masks.boxes(), np.zeros(count, np.int64), masks, no)
    transform = training_recipe('standard', CONFIG, only(copy_paste=1.0), 24, [sample])
    tracemalloc.start()
    found = apply(transform, sample)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) > 50
    assert peak < 12 * image.nbytes  # the image as floats takes 4 times its bytes


def test_half_covered_pixels_of_smaller_masks_are_background():
    masks = np.zeros((1, 4, 4), dtype=np.uint8)
    masks[0, :2, 1:] = 1
    assert shrink_masks(pack(masks), 2).dense().tolist() == [[[False, True], [False, False]]]


def test_tiny_objects_are_dropped_in_the_standard_recipe_only():
    sample = make_sample(7)
    height, width = sample.size
    boxes = np.array([[5, 5, 5 + 0.9 * TINY * width, 40], [5, 5, 60, 50]], dtype=np.float32)
    masks = np.zeros((2, height, width), dtype=np.uint8)
    masks[:, 5:50, 5:60] = 1
    two = np.arange(2)
    sample = Sample(sample.image, boxes, two, pack(masks), two > 5)
    assert apply(training_recipe('original', CONFIG, NOTHING), sample).class_ids.tolist() == [0, 1]
    assert apply(training_recipe('standard', CONFIG, NOTHING), sample).class_ids.tolist() == [1]


def test_only_the_original_recipe_leaves_the_range_of_colours():
    white = empty_sample()
    results = {
        name: [
            apply(training_recipe(name, CONFIG, only(photometric=1.0)), white, seed).image.max()
            for seed in range(20)
        ]
        for name in ('original', 'standard')
    }
    assert max(results['original']) > 255
    assert max(results['standard']) == 255


@pytest.mark.parametrize('seed', range(10))
def test_objects_can_be_copied_from_another_image(seed):
    sample, donor = make_sample(8), make_sample(11, size=(90, 50))
    found = paste(sample, donor, np.random.default_rng(seed))
    np.testing.assert_array_equal(found.boxes[-1:], found.masks.boxes()[-1:])
    pasted = found.masks[len(found) - (len(found.class_ids) - len(sample)) :]
    unchanged = ~found.masks.union() & ~sample.masks.union()
    np.testing.assert_array_equal(found.image[unchanged], sample.image[unchanged])
    assert len(pasted) <= (~donor.is_crowd).sum()


def test_copied_objects_hide_what_is_behind_them():
    size = (20, 20)
    behind, front = np.zeros((2, 2, *size), dtype=np.uint8)
    behind[0, 2:12, 2:12] = behind[1, 14:18, 14:18] = 1
    front[0, 2:12, 6:19] = front[1, 13:19, 13:19] = 1
    ids, no = np.arange(2), np.zeros(2, dtype=np.bool_)
    behind, front = pack(behind), pack(front)
    sample = Sample(np.zeros((*size, 3), np.uint8), behind.boxes(), ids, behind, no)
    donor = Sample(np.full((*size, 3), 9, np.uint8), front.boxes(), ids + 2, front, no)

    class All:
        def random(self, count):
            return np.zeros(count)

    found = paste(sample, donor, All())
    assert found.class_ids.tolist() == [0, 2, 3]
    assert found.boxes.tolist() == [[2, 2, 6, 12], [6, 2, 19, 12], [13, 13, 19, 19]]
    assert found.image[5, 8, 0] == 9
    assert found.image[5, 3, 0] == 0


def test_wrong_names_and_probabilities_are_refused():
    with pytest.raises(InputError, match="recipe must be one of original, standard, got 'new'"):
        training_recipe('new', CONFIG)
    with pytest.raises(InputError, match=r'augmentation.jpeg must be in \[0, 1\], got 1.5'):
        AugmentationOptions(jpeg=1.5)
    with pytest.raises(InputError, match='copy_paste must be 0 without images to copy from'):
        training_recipe('standard', CONFIG, AugmentationOptions(copy_paste=0.1))
