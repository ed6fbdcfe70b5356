"""What a GPU does after the network, done on the CPU: equal to what the CPU does there."""

import numpy as np
import pytest
import torch
from postprocess import cluttered_prediction
from torch._subclasses.fake_tensor import FakeTensorMode

from yolact_core import ModelConfig, Prediction, build_network
from yolact_core.inference.cuda import postprocessing
from yolact_core.inference.cuda.masks import pack_masks
from yolact_core.inference.cuda.nms import FixedInstances, select_instances
from yolact_core.inference.cuda.postprocessing import DevicePostprocessor
from yolact_core.inference.nms import class_factors
from yolact_core.inference.options import DetectorOptions
from yolact_core.inference.postprocessing import Postprocessor
from yolact_core.inference.preprocessing import (
    BytePreprocessor,
    DeviceBytePreprocessor,
    DevicePreprocessor,
    Preprocessor,
)
from yolact_core.masks.assembly import soft_masks_in_boxes
from yolact_core.runtimes.torch import TorchBackend
from yolact_core.timing import Clock

CPU = torch.device('cpu')
SOME_CLASSES = ModelConfig.from_name('yolact_resnet18').class_names[:40]


@pytest.fixture(scope='module', params=['yolact_resnet18', 'yolact_nanodet'])
def backend(request):
    return TorchBackend(build_network(request.param))


@pytest.fixture
def images(photo):
    return [photo, np.ascontiguousarray(photo[:50, ::2]), photo[::-1], photo[:1, :1]]


def scene(backend, candidates=300, objects=15):
    single = cluttered_prediction(backend.config, backend.priors, candidates, objects)
    return Prediction(*(output.unsqueeze(0) for output in single))


def nothing(backend):
    outputs = scene(backend)
    logits = torch.full_like(outputs.class_logits, -20)
    if backend.config.scores == 'softmax':
        logits[..., 0] = 20
    return outputs._replace(class_logits=logits)


def parts(backend):
    return backend.config, backend.priors, backend.rescore


def detect(postprocessor, predictions, sizes, **options):
    with torch.inference_mode():
        return postprocessor(predictions, sizes, DetectorOptions(**options), Clock(CPU))


def assert_same(found, expected):
    np.testing.assert_array_equal(found.class_ids, expected.class_ids)
    for name in ('scores', 'mask_scores', 'boxes', 'coefficients'):
        ours, theirs = getattr(found, name), getattr(expected, name)
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(found.masks.corners, expected.masks.corners)
    differing = found.masks.dense() != expected.masks.dense()
    assert differing.sum() <= 2  # pixels that lie on the threshold but for rounding
    assert all(crop.flags.c_contiguous for crop in found.masks.crops)


@pytest.mark.parametrize(
    'options',
    [
        {'score_threshold': 0.0},
        {'score_threshold': 0.3},
        {'score_threshold': 0.3, 'class_agnostic': True},
        {'score_threshold': 0.3, 'top_k': 5, 'iou_threshold': 0.9},
        {'score_threshold': 0.3, 'max_detections': 7},
        {'nms': 'traditional', 'max_detections': 10},
        {'score_threshold': 0.3, 'max_detections': 7, 'classes': SOME_CLASSES},
    ],
    ids=lambda options: ' '.join(options),
)
def test_fixed_arrays_hold_what_arrays_of_any_size_hold(backend, options):
    predictions = scene(backend)
    (found,) = detect(DevicePostprocessor(*parts(backend)), predictions, [(120, 161)], **options)
    (expected,) = detect(Postprocessor(*parts(backend)), predictions, [(120, 161)], **options)
    assert len(found) > 5
    assert_same(found, expected)


def test_nothing_found_is_a_result_of_length_zero(backend):
    (found,) = detect(DevicePostprocessor(*parts(backend)), nothing(backend), [(60, 80)])
    assert len(found) == len(found.masks) == 0
    assert found.size == (60, 80)


def test_images_of_a_batch_do_not_mix(backend):
    scenes = scene(backend), nothing(backend), scene(backend, 100, 4)
    together = Prediction(*(torch.cat(outputs) for outputs in zip(*scenes, strict=True)))
    sizes = [(120, 161), (60, 80), (120, 161)]
    postprocessor = DevicePostprocessor(*parts(backend))
    found = detect(postprocessor, together, sizes)
    assert [len(one) > 0 for one in found] == [True, False, True]
    for one, single, size in zip(found, scenes, sizes, strict=True):
        assert_same(one, detect(Postprocessor(*parts(backend)), single, [size])[0])


def test_images_of_many_sizes_do_not_fill_the_memory(backend, monkeypatch):
    monkeypatch.setattr(postprocessing, 'MOST_ARRIVALS', 2)
    predictions, ours = scene(backend), DevicePostprocessor(*parts(backend))
    for height in (60, 70, 80, 60):
        (expected,) = detect(Postprocessor(*parts(backend)), predictions, [(height, 80)])
        assert_same(*detect(ours, predictions, [(height, 80)]), expected)
        assert len(ours._arrivals) <= 2


def test_masks_that_do_not_fit_get_room(backend):
    predictions = scene(backend, candidates=3500, objects=100)
    if backend.config.box_coding == 'offsets':
        predictions.box_offsets[..., 2:] += 8  # boxes five times as large
    else:
        predictions.box_offsets.mul_(5)
    postprocessor = DevicePostprocessor(*parts(backend))
    (expected,) = detect(
        Postprocessor(*parts(backend)), predictions, [(64, 64)], iou_threshold=1.0
    )
    for _ in range(2):
        (found,) = detect(postprocessor, predictions, [(64, 64)], iou_threshold=1.0)
        assert_same(found, expected)
        assert postprocessor._capacity[64, 64] > 64 * 8


def test_more_pairs_than_take_part_are_noticed(backend):
    single = cluttered_prediction(backend.config, backend.priors, 3500, 15)
    options = DetectorOptions(score_threshold=0.0, iou_threshold=0.01)
    factors = class_factors(backend.config.class_names, options.classes, CPU)
    found = select_instances(single, backend.priors, factors, options, backend.config)
    assert found.number < options.max_detections
    assert not found.is_complete
    predictions = Prediction(*(output.unsqueeze(0) for output in single))
    limits = {'score_threshold': 0.0, 'iou_threshold': 0.01}
    (ours,) = detect(DevicePostprocessor(*parts(backend)), predictions, [(60, 80)], **limits)
    assert_same(ours, detect(Postprocessor(*parts(backend)), predictions, [(60, 80)], **limits)[0])


def test_rescored_masks_get_the_same_scores():
    backend = TorchBackend(build_network('yolact_plus_resnet50'))
    predictions = scene(backend)
    (found,) = detect(DevicePostprocessor(*parts(backend)), predictions, [(60, 80)])
    (expected,) = detect(Postprocessor(*parts(backend)), predictions, [(60, 80)])
    np.testing.assert_allclose(found.mask_scores, expected.mask_scores, rtol=1e-4)
    assert (found.mask_scores != found.scores).any()


def test_all_tensors_lie_on_the_gpu_and_it_is_never_asked_for_values(backend):
    """A fake tensor has a device and no values: asking for one would raise."""
    real = cluttered_prediction(backend.config, backend.priors, 100, 5)
    with FakeTensorMode():
        prediction = Prediction(*(torch.empty(one.shape, device='cuda') for one in real))
        priors = torch.empty(backend.priors.shape, device='cuda')
        factors = torch.empty(len(backend.config.class_names), device='cuda')
        found: FixedInstances = select_instances(
            prediction, priors, factors, DetectorOptions(), backend.config
        )
        soft = soft_masks_in_boxes(prediction.prototypes, found.coefficients, found.boxes)
        packed = pack_masks(soft, found.boxes, found.number, (480, 640), 1000)
        assert {one.device.type for one in (*found, *packed)} == {'cuda'}


def test_uploaded_images_become_the_same_inputs(backend, images):
    on_device = DevicePreprocessor(backend.config, CPU)
    for batch in (images, images[:1], images):
        found, expected = on_device(batch), Preprocessor(backend.config)(batch)
        assert found.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(found, expected, atol=5e-4, rtol=0)


def test_uploaded_images_become_the_same_bytes(backend, images):
    on_device = DeviceBytePreprocessor(backend.config, CPU)
    for batch in (images, images[:1], images):
        found, expected = on_device(batch), BytePreprocessor(backend.config)(batch)
        assert (found.shape, found.dtype) == (expected.shape, torch.uint8)
        assert found.is_contiguous()
        assert (found.int() - expected).abs().max() <= 1  # where they lie between two levels
        assert (found == expected).float().mean() > 0.8
