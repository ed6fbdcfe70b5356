"""Graphs that give the most promising priors instead of all."""

import logging

import numpy as np
import pytest
import torch

from yolact_core import Detector, InputError, load_network
from yolact_core.cli import main
from yolact_core.inference.cuda.postprocessing import DevicePostprocessor
from yolact_core.inference.preprocessing import Normalizer
from yolact_core.network import Prediction
from yolact_core.network.boxes import decode_boxes
from yolact_core.network.candidates import pick_candidates
from yolact_core.network.scores import class_scores
from yolact_core.runtimes.export import ExportOptions, export_network
from yolact_core.timing import Clock

CPU = torch.device('cpu')
PICKING = {'onnx': 'model.onnx', 'openvino': 'model.xml'}
PRIORS = 7


def predict_anything(kind):
    generator = torch.Generator().manual_seed(2)
    outputs = [torch.randn(2, PRIORS, size, generator=generator) for size in (4, 3, 5)]
    outputs[1][:, 3] = outputs[1][:, 1]  # equally good
    return Prediction(*outputs, torch.rand(2, 5, 4, 4, generator=generator)), kind


@pytest.mark.parametrize('kind', ['softmax', 'sigmoid'])
@pytest.mark.parametrize('count', [1, 4, PRIORS, 100])
def test_the_priors_picked_are_those_of_the_largest_margins(kind, count):
    prediction, _ = predict_anything(kind)
    found = pick_candidates(prediction, count, kind)
    for index, logits in enumerate(prediction.class_logits):
        margins = [
            float(row.max() if kind == 'sigmoid' else row[1:].max() - row[0]) for row in logits
        ]
        picked = found.prior_ids[index].tolist()
        assert picked == sorted(set(picked))
        assert len(picked) == min(count, PRIORS)
        left = [margin for prior, margin in enumerate(margins) if prior not in picked]
        assert min(margins[prior] for prior in picked) >= max(left, default=-np.inf)
        for ours, all_of_them in zip(found[:3], prediction[:3], strict=True):
            torch.testing.assert_close(ours[index], all_of_them[index][picked])


@pytest.fixture(scope='module')
def network(tiny_model):
    return load_network(tiny_model)


@pytest.fixture(scope='module', params=list(PICKING))
def export(request, tmp_path_factory):
    """Return a function that exports to a file of a runtime."""
    pytest.importorskip({'onnx': 'onnxruntime'}.get(request.param, request.param))
    pytest.importorskip('onnxscript')

    def write(network, **options):
        path = tmp_path_factory.mktemp('picked') / PICKING[request.param]
        export_network(network, path, ExportOptions(request.param, **options))
        return path

    return write


def assert_same(found, expected):
    assert len(found) == len(expected) > 0
    np.testing.assert_array_equal(found.class_ids, expected.class_ids)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=0.01)
    assert (found.masks.dense() != expected.masks.dense()).mean() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize(
    ('model', 'threshold', 'count'), [('tiny_model', 0.8, 500), ('sigmoid_model', 0.3, 50)]
)
def test_a_graph_with_enough_candidates_finds_the_same(
    request, model, threshold, count, export, photo, caplog
):
    network = load_network(request.getfixturevalue(model))
    whole, picked = (
        Detector.load(export(network, candidates=one), 'cpu', score_threshold=threshold)
        for one in (None, count)
    )
    with caplog.at_level(logging.WARNING):
        assert_same(picked(photo), whole(photo))
        batch = [photo, photo[::-1].copy()]
        for found, expected in zip(
            picked.detect_batch(batch), whole.detect_batch(batch), strict=True
        ):
            assert_same(found, expected)
    assert 'candidates' not in caplog.text
    assert len(picked.prototypes) == 2


@pytest.mark.slow
def test_a_graph_with_too_few_candidates_says_so_once(network, export, photo, caplog):
    detector = Detector.load(export(network, candidates=5), 'cpu', score_threshold=0)
    with caplog.at_level(logging.WARNING):
        detector(photo)
        detector(photo)
    assert caplog.text.count('gives 5 candidates of an image, all of which may score above') == 1


@pytest.mark.slow
def test_decoded_candidates_are_boxes_and_scores_of_the_priors_named(network, export, tmp_path):
    openvino = pytest.importorskip('openvino')
    path = export(network, candidates=50, is_decoded=True)
    exact = {'INFERENCE_PRECISION_HINT': 'f32'}
    model = openvino.Core().compile_model(path, 'CPU', exact)
    assert [output.any_name for output in model.outputs] == [
        'boxes', 'scores', 'coefficients', 'prototypes', 'prior_ids',
    ]  # fmt: skip
    images = torch.randint(256, (1, 128, 128, 3), dtype=torch.uint8)
    boxes, scores, *_, prior_ids = model(images.numpy()).values()
    with torch.inference_mode():
        prediction = network(Normalizer(network.config)(images))
    expected = decode_boxes(prediction.box_offsets, network.priors)[0][prior_ids[0]]
    np.testing.assert_allclose(boxes[0], expected, atol=1e-4)
    expected_scores = class_scores(prediction.class_logits)[0][prior_ids[0]]
    np.testing.assert_allclose(scores[0], expected_scores, atol=1e-4)
    with pytest.raises(InputError, match='must give raw outputs to be run here'):
        Detector.load(path)


def test_on_a_device_a_choice_that_may_lose_counts_as_incomplete(network, photo, caplog):
    detector = Detector(network, score_threshold=0.8)
    detect = DevicePostprocessor(network.config, network.priors, network.rescore)
    with torch.inference_mode():
        prediction = network(
            torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(1))
        )
    for count, is_told in ((900, False), (2, True)):
        picked = pick_candidates(prediction, count, network.config.scores)
        with caplog.at_level(logging.WARNING):
            (found,) = detect(picked, [(90, 120)], detector.options, Clock(CPU))
        assert ('export it with more candidates' in caplog.text) == is_told
        if not is_told:
            single = Prediction(*(output[0] for output in prediction))
            with torch.inference_mode():
                assert_same(found, detector.postprocess(single, (90, 120)))


def test_ncnn_and_nothing_at_all_are_no_choices(tiny_model, tmp_path, capsys):
    pytest.importorskip('ncnn')
    arguments = ['export', str(tiny_model), '--candidates', '100', '--output', str(tmp_path / 'a')]
    assert main([*arguments, '--format', 'ncnn']) != 0
    assert (
        'candidates must be picked by openvino, onnx, tensorrt, got ncnn: its graphs give all'
        in capsys.readouterr().err
    )
    with pytest.raises(InputError, match='candidates must be at least 1, got 0'):
        ExportOptions('onnx', candidates=0)
