"""Whole networks against numbers of the original, at the tolerances that float32 allows."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from yolact_core import Detections, Detector, Prediction, Yolact, build_network
from yolact_core.checkpoints.state_dicts import load_weights
from yolact_core.inference.preprocessing import Preprocessor
from yolact_core.masks.assembly import assemble_masks

CONFIGS = ['yolact_resnet50', 'yolact_im400', 'yolact_resnet50_pascal', 'yolact_plus_resnet50']


@dataclass
class Run:
    """One network's numbers beside ours."""

    golden: dict
    weights: dict[str, torch.Tensor]
    network: Yolact
    image: torch.Tensor
    levels: list[torch.Tensor]
    prediction: Prediction

    def detect(self, **options: object) -> Detections:
        detector = Detector(self.network, **{'score_threshold': 0.0, **options})
        prediction = Prediction(*(output[0] for output in self.prediction))
        return detector.postprocess(prediction, self.golden['image'].shape[:2])


@pytest.fixture(scope='module', params=CONFIGS)
def run(request, golden, official_weights) -> Run:
    numbers = golden(request.param)
    weights = official_weights(numbers)
    network = build_network(request.param)
    load_weights(network, weights)
    image = Preprocessor(network.config)([numbers['image'][..., ::-1]])[0]
    with torch.inference_mode():
        features = network.extract(image.unsqueeze(0))
        prediction = network.predict(features)
    return Run(numbers, weights, network, image, features.levels, prediction)


def assert_same_detections(found: Detections, golden: dict, variant: str) -> None:
    """Match by class, box and score, since near ties may swap neighbours."""
    height, width = found.size
    expected = SimpleNamespace(
        boxes=golden[f'det_{variant}_box'] * [width, height, width, height],
        scores=golden[f'det_{variant}_score'],
        class_ids=golden[f'det_{variant}_class'],
        coefficients=golden[f'det_{variant}_mask'],
    )
    assert len(found) == int(golden[f'det_{variant}_count']) == len(expected.scores)
    clipped = expected.boxes.clip(0, [width, height, width, height])
    left = set(range(len(found)))
    for index in range(len(found)):
        match = min(
            (other for other in left if expected.class_ids[other] == found.class_ids[index]),
            key=lambda other: np.abs(clipped[other] - found.boxes[index]).sum(),
        )
        left.remove(match)
        np.testing.assert_allclose(found.boxes[index], clipped[match], atol=1e-5 * width)
        np.testing.assert_allclose(found.scores[index], expected.scores[match], atol=5e-5)
        np.testing.assert_allclose(
            found.coefficients[index], expected.coefficients[match], atol=1e-4
        )


def test_a_whole_network_repeats_the_original(run):
    check_weights(run)
    sample = run.image.numpy()[tuple(run.golden['input_sample_idx'].T)]
    np.testing.assert_allclose(sample, run.golden['input_sample'], atol=1e-5)
    check_pyramid(run.golden, run.levels)
    check_raw_outputs(run.golden, run.prediction)
    assert len(run.network.priors) == run.golden['priors_count']
    priors = run.network.priors.numpy()[run.golden['priors_idx']]
    np.testing.assert_array_equal(priors, run.golden['priors_val'])


def check_weights(run: Run) -> None:
    checksums = json.loads(str(run.golden['state_crc32']))
    ours = {key: zlib.crc32(value.numpy().tobytes()) for key, value in run.weights.items()}
    assert ours == checksums
    shapes = {key: list(value.shape) for key, value in run.network.state_dict().items()}
    assert shapes == json.loads(str(run.golden['state_shapes']))


def check_pyramid(golden: dict, levels: list[torch.Tensor]) -> None:
    assert [list(level.shape[1:]) for level in levels] == golden['fpn_shapes'].tolist()
    for index, level in enumerate(levels):
        values = level[0].flatten()[golden[f'fpn{index}_idx']].numpy()
        np.testing.assert_allclose(values, golden[f'fpn{index}_val'], atol=1e-4)


def check_raw_outputs(golden: dict, prediction: object) -> None:
    some = golden['raw_idx']
    scores = prediction.class_logits[0].softmax(dim=1)
    prototypes = prediction.prototypes[0].permute(1, 2, 0)
    assert list(prototypes.shape) == golden['proto_shape'].tolist()
    offsets = prediction.box_offsets[0]
    np.testing.assert_allclose(offsets[some], golden['raw_loc'], atol=1e-4)
    np.testing.assert_allclose(scores[some], golden['raw_conf'], atol=5e-5)
    np.testing.assert_allclose(prediction.coefficients[0][some], golden['raw_mask'], atol=1e-4)
    sampled = prototypes.numpy()[tuple(golden['proto_idx'].T)]
    np.testing.assert_allclose(sampled, golden['raw_proto'], atol=1e-4)
    candidates = (scores[:, 1:].amax(dim=1) > 0.05).sum()
    assert abs(int(candidates) - int(golden['candidates_conf_gt_thresh'])) <= 1
    for values, name in [(offsets, 'loc'), (scores, 'conf'), (prototypes, 'proto')]:
        stats = [values.mean(), values.std(correction=0), values.min(), values.max()]
        np.testing.assert_allclose(stats, golden[f'raw_{name}_stats'], atol=1e-4)


def test_detections_repeat_the_original(run):
    threshold = float(run.golden['conf_thresh_hi'])
    no_limit = {'class_agnostic': True, 'max_detections': 1000}
    variants = {
        'fast': {},
        'second': {'score_threshold': 0.05},
        'cross': no_limit,
        'trad': {'nms': 'traditional'},
    }
    for name, options in variants.items():
        assert_same_detections(run.detect(**options), run.golden, name)
        higher = {**options, 'candidate_threshold': threshold}
        if name == 'second':
            higher['score_threshold'] = threshold
        assert_same_detections(run.detect(**higher), run.golden, f'{name}_hi')


def test_boxes_masks_and_scores_repeat_the_original(run):
    found, golden = run.detect(), run.golden
    assert found.class_ids.tolist() == golden['post_class'].tolist()
    truncated = found.boxes.astype(np.int64)
    assert np.abs(truncated - golden['post_box']).max() <= 1
    assert (truncated != golden['post_box']).sum() <= 2

    packed = golden['post_masks_packed']
    expected = np.unpackbits(packed, axis=1)[:, : 480 * 640].reshape(-1, 480, 640).astype(bool)
    differing = (found.masks.dense()[: len(expected)] != expected).sum(axis=(1, 2))
    assert differing.max() <= 5
    np.testing.assert_allclose(found.masks.areas(), golden['post_mask_area'], atol=5)

    if 'post_mask_score' in golden:
        np.testing.assert_allclose(found.scores, golden['post_box_score'], atol=5e-5)
        np.testing.assert_allclose(found.mask_scores, golden['post_mask_score'], atol=1e-4)
    else:
        np.testing.assert_allclose(found.scores, golden['post_score'], atol=5e-5)
        np.testing.assert_array_equal(found.mask_scores, found.scores)


def test_masks_without_crop_repeat_the_original(run):
    found = run.detect()
    whole_image = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(len(found), 4)
    masks = assemble_masks(
        run.prediction.prototypes[0],
        torch.from_numpy(found.coefficients),
        whole_image,
        found.size,
    )
    np.testing.assert_allclose(masks.areas(), run.golden['post_mask_area_nocrop'], atol=8)


def test_mask_rescoring_repeats_the_original(golden, official_weights):
    network = build_network('yolact_plus_resnet50')
    load_weights(network, official_weights(golden('yolact_plus_resnet50')))
    numbers = golden('maskiou_net')
    with torch.inference_mode():
        iou = network.rescore(torch.from_numpy(numbers['masks']))
    np.testing.assert_allclose(iou, numbers['out'], atol=1e-4)
