"""The scene that all networks see, and the plain algorithms that ours are compared with."""

import numpy as np
import pytest
import torch

from yolact_core import Detector, InputError, load_network
from yolact_core.benchmark.references import (
    MaskRcnn,
    PlainBackend,
    PlainDetector,
    assemble_plainly,
)
from yolact_core.benchmark.workload import SceneBackend, cluttered_prediction, random_boxes
from yolact_core.inference.nms import select_candidates
from yolact_core.inference.options import DetectorOptions
from yolact_core.network.boxes import pairwise_iou
from yolact_core.runtimes.torch import TorchBackend

CPU = torch.device('cpu')


@pytest.fixture(scope='module', params=['tiny_model', 'sigmoid_model'])
def network(request):
    return load_network(request.getfixturevalue(request.param))


@pytest.mark.parametrize(('candidates', 'objects'), [(1, 1), (15, 15), (300, 15), (200, 60)])
def test_so_many_candidates_become_so_many_instances(network, photo, candidates, objects):
    backend = SceneBackend(TorchBackend(network), candidates, objects)
    (logits,) = backend(torch.zeros(1, 3, 128, 128)).class_logits
    for threshold in (0.05, 0.3):
        found, _ = select_candidates(logits, threshold, kind=network.config.scores)
        assert len(found) == candidates
    assert len(Detector(backend)(photo)) == objects


def test_the_scene_is_that_of_each_image_of_a_batch_and_the_backend_still_runs(network):
    calls = []

    class Counting(TorchBackend):
        def __call__(self, images):
            calls.append(len(images))
            return super().__call__(images)

    backend = SceneBackend(Counting(network), 20, 4)
    one, three = (backend(torch.randn(count, 3, 128, 128)) for count in (1, 3))
    assert calls[1:] == [1, 3]
    for single, batch in zip(one, three, strict=True):
        torch.testing.assert_close(batch, single.expand_as(batch))
    assert backend.rescore(torch.rand(2, 8, 8)).shape == (2, 3)


def test_objects_hardly_overlap_and_lie_in_the_image():
    boxes = random_boxes(60, torch.Generator().manual_seed(0))
    assert boxes.min() >= 0
    assert boxes.max() <= 1
    assert pairwise_iou(boxes, boxes).fill_diagonal_(0).max() <= 0.4


@pytest.mark.parametrize(('candidates', 'objects'), [(3, 4), (10_000, 4), (4, 0)])
def test_an_impossible_scene_is_refused(network, candidates, objects):
    with pytest.raises(InputError, match=f'must be more and more.*got {objects} and {candidates}'):
        cluttered_prediction(network.config, network.priors, candidates, objects)


@pytest.mark.parametrize('scene', [(300, 15), (5, 2)])
def test_the_plain_algorithms_find_what_ours_find(network, photo, scene):
    ours = Detector(SceneBackend(TorchBackend(network), *scene))
    plain = PlainDetector(SceneBackend(PlainBackend(network, CPU), *scene), DetectorOptions())
    assert_same(plain(photo), ours(photo))
    assert plain.timing.network > 0


def test_the_plain_network_predicts_what_ours_predicts(network, photo):
    options = {'score_threshold': 0.0, 'max_detections': 20}
    plain = PlainDetector(PlainBackend(network, CPU), DetectorOptions(**options))
    assert_same(plain(photo), Detector(network, **options)(photo))
    nothing = PlainDetector(PlainBackend(network, CPU), DetectorOptions(candidate_threshold=0.999))
    assert len(nothing(photo)) == 0
    assert nothing(photo).masks.shape == (0, *photo.shape[:2])


def assert_same(found, expected):
    np.testing.assert_array_equal(found.class_ids, expected.class_ids)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
    height, width = expected.masks.size
    inside = np.clip(found.boxes, 0, [width, height, width, height])
    np.testing.assert_allclose(inside, expected.boxes, atol=1e-2)
    assert (found.masks != expected.masks.dense()).mean() < 1e-4


def test_no_masks_have_the_size_of_the_image_too():
    empty = assemble_plainly(torch.rand(8, 16, 16), torch.empty(0, 8), torch.empty(0, 4), (30, 40))
    assert empty.shape == (0, 30, 40)


@pytest.mark.slow
def test_mask_rcnn_gets_as_much_to_do_as_a_trained_one(photo):
    found = MaskRcnn(CPU, photo, candidates=100, instances=5, shorter_side=96)(photo)
    assert found.shape == (5, *photo.shape[:2])
