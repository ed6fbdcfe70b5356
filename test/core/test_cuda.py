"""What runs on an NVIDIA GPU agrees with what runs on the CPU."""

import json

import numpy as np
import pytest
import torch
from parity import OVERRIDE, PARITY_FILE, network_from_names, overrides_in, parity_image

from yolact_core import Detector, Prediction
from yolact_core.preprocessing import Preprocessor

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason='needs an NVIDIA GPU')


@pytest.fixture
def float32_only(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, 'allow_tf32', False)
    monkeypatch.setattr(torch.backends.cuda.matmul, 'allow_tf32', False)


def make_network(name):
    with np.load(PARITY_FILE) as file:
        numbers = {key: file[key] for key in file.files if key.startswith(f'{name}/')}
    multipliers = json.loads(str(numbers[f'{name}/multipliers']))
    return network_from_names(name, multipliers, overrides_in(numbers, f'{name}/{OVERRIDE}'))


@pytest.mark.parametrize('name', ['yolact_resnet50', 'yolact_plus_resnet50'])
@pytest.mark.usefixtures('float32_only')
def test_cuda_repeats_the_cpu_in_float32(name):
    network = make_network(name)
    image = Preprocessor(network, torch.device('cpu'))([parity_image()])[0]
    with torch.inference_mode():
        expected = network(image.unsqueeze(0))
    options = {'score_threshold': 0.1, 'max_detections': 30}
    single = Prediction(*(output[0] for output in expected))
    on_cpu = Detector(network, **options).postprocess(single, (240, 320))

    network.cuda()
    on_device = Preprocessor(network, torch.device('cuda'))([parity_image()])[0]
    torch.testing.assert_close(on_device.cpu(), image, atol=5e-4, rtol=0)
    with torch.inference_mode():
        found = network(image.unsqueeze(0).cuda())
    for ours, reference in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.cpu(), reference, atol=1e-3, rtol=1e-3)
    on_gpu = Detector(network, **options).postprocess(
        Prediction(*(output[0] for output in found)), (240, 320)
    )
    np.testing.assert_allclose(on_gpu.scores, on_cpu.scores, atol=1e-3)
    np.testing.assert_allclose(np.sort(on_gpu.boxes, 0), np.sort(on_cpu.boxes, 0), atol=0.1)


@pytest.mark.parametrize('precision', ['float32', 'float16', 'bfloat16'])
def test_every_precision_detects_on_cuda(precision):
    detector = Detector(make_network('yolact_resnet50').cuda(), precision, score_threshold=0.3)
    found = detector(parity_image())
    assert len(found) > 0
    assert found.boxes.dtype == np.float32
    assert detector.timing.network > 0
