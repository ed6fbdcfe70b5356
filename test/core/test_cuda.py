"""What runs on an NVIDIA GPU agrees with what runs on the CPU."""

import json

import numpy as np
import pytest
import torch
from parity import OVERRIDE, PARITY_FILE, network_from_names, overrides_in, parity_image

from yolact_core import Detector
from yolact_core.inference.cuda.graphs import PLAIN_CALLS, CudaGraphs
from yolact_core.inference.preprocessing import DevicePreprocessor, Preprocessor

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason='needs an NVIDIA GPU')
OPTIONS = {'score_threshold': 0.1, 'max_detections': 30}


@pytest.fixture
def float32_only(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, 'allow_tf32', False)
    monkeypatch.setattr(torch.backends.cuda.matmul, 'allow_tf32', False)


def make_network(name):
    with np.load(PARITY_FILE) as file:
        numbers = {key: file[key] for key in file.files if key.startswith(f'{name}/')}
    multipliers = json.loads(str(numbers[f'{name}/multipliers']))
    return network_from_names(name, multipliers, overrides_in(numbers, f'{name}/{OVERRIDE}'))


def assert_same(found, expected, tolerance=1e-3):
    """Compare detections whose order may differ where scores are almost equal."""
    np.testing.assert_allclose(found.scores, expected.scores, atol=tolerance)
    assert sorted(found.class_ids) == sorted(expected.class_ids)
    np.testing.assert_allclose(np.sort(found.boxes, 0), np.sort(expected.boxes, 0), atol=0.1)
    areas = np.sort(found.masks.areas()), np.sort(expected.masks.areas())
    np.testing.assert_allclose(*areas, rtol=0.01, atol=10)


@pytest.mark.parametrize('name', ['yolact_resnet50', 'yolact_plus_resnet50'])
@pytest.mark.usefixtures('float32_only')
def test_cuda_repeats_the_cpu_in_float32(name):
    network = make_network(name)
    image = Preprocessor(network.config)([parity_image()])
    with torch.inference_mode():
        expected = network(image)
    on_cpu = Detector(network, **OPTIONS)(parity_image())

    network.cuda()
    on_device = DevicePreprocessor(network.config, torch.device('cuda'))([parity_image()])
    torch.testing.assert_close(on_device.cpu(), image, atol=5e-4, rtol=0)
    with torch.inference_mode():
        found = network(image.cuda())
    for ours, reference in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.cpu(), reference, atol=1e-3, rtol=1e-3)
    detector = Detector(network, **OPTIONS)
    for _ in range(PLAIN_CALLS + 2):  # as it is, recorded, replayed
        assert_same(detector(parity_image()), on_cpu)


@pytest.mark.usefixtures('float32_only')
def test_images_of_a_batch_are_as_they_are_alone():
    detector = Detector(make_network('yolact_resnet50').cuda(), **OPTIONS)
    images = [parity_image(), np.zeros((60, 80, 3), np.uint8), parity_image()[:, ::-1]]
    alone = [detector(image) for image in images]
    for _ in range(PLAIN_CALLS + 2):
        for found, expected in zip(detector.detect_batch(images), alone, strict=True):
            assert_same(found, expected)


@pytest.mark.parametrize('precision', ['float32', 'float16', 'bfloat16'])
def test_every_precision_detects_on_cuda(precision):
    detector = Detector(make_network('yolact_resnet50').cuda(), precision, score_threshold=0.3)
    for _ in range(3):
        found = detector(parity_image())
        assert len(found) > 0
        assert found.boxes.dtype == np.float32
        assert detector.timing.network > 0


@pytest.mark.parametrize('nms', ['fast', 'traditional'])
def test_options_may_change_between_images(nms):
    detector = Detector(make_network('yolact_resnet50').cuda(), **OPTIONS, nms=nms)
    before = len(detector(parity_image()))
    detector.configure(max_detections=3)
    assert len(detector(parity_image())) == 3 < before


def test_a_recorded_function_takes_other_values():
    graphs = CudaGraphs()
    for number in range(5):
        values = torch.full((3,), float(number), device='cuda')
        (found,) = graphs.run('double', lambda one: (one * 2,), values)
        assert found.tolist() == [2.0 * number] * 3


def test_a_frame_waits_for_the_device_once():
    detector = Detector(make_network('yolact_resnet50').cuda(), 'float16', **OPTIONS)
    for _ in range(3):
        detector(parity_image())
    torch.cuda.set_sync_debug_mode('error')  # whatever waits by the way raises
    try:
        detector(parity_image())
    finally:
        torch.cuda.set_sync_debug_mode('default')
