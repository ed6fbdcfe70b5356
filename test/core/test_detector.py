import numpy as np
import pytest
import torch

from yolact_core import (
    Detector,
    InputError,
    ModelConfig,
    Prediction,
    build_network,
    save_checkpoint,
)


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(0)
    config = ModelConfig.from_name('yolact_efficientnet_lite0').replace(
        name='small', input_size=128, feature_channels=16, class_names=('cup', 'bowl', 'box')
    )
    network = build_network(config)
    with torch.no_grad():  # spread the logits, so that random weights find something
        network.prediction_layers[0].conf_layer.weight *= 20
        network.prediction_layers[0].mask_layer.weight *= 20
    return network


@pytest.fixture
def detector(network):
    return Detector(network, score_threshold=0.4)


@pytest.fixture
def rgb():
    return np.random.default_rng(1).integers(0, 255, (90, 160, 3), dtype=np.uint8)


def test_detections_are_of_the_image_in_its_own_pixels_best_first(detector, rgb):
    found = detector(rgb)
    count = len(found)
    assert 0 < count <= 100
    assert found.size == (90, 160)
    assert found.boxes.shape == (count, 4)
    assert found.boxes.dtype == found.scores.dtype == found.coefficients.dtype == np.float32
    assert (found.boxes >= 0).all()
    assert (found.boxes <= [160, 90, 160, 90]).all()
    assert (found.scores > 0.4).all()
    assert (np.diff(found.scores) <= 0).all()
    assert found.class_ids.dtype == np.int64
    assert found.class_names == [detector.class_names[index] for index in found.class_ids]
    assert found.masks.dense().shape == (count, 90, 160)
    assert found.coefficients.shape == (count, 32)


def test_detections_are_picked_like_rows_of_an_array(detector, rgb):
    found = detector(rgb)
    best = found[found.scores >= found.scores[0]]
    assert len(best) >= 1
    assert len(found[:0]) == 0
    np.testing.assert_array_equal(found[1:3].boxes, found.boxes[1:3])
    np.testing.assert_array_equal(found[1:3].masks.dense(), found.masks.dense()[1:3])
    assert found[1:3].class_names == found.class_names[1:3]


def test_a_batch_of_images_of_any_sizes_equals_each_alone(detector, rgb):
    images = [rgb, np.ascontiguousarray(rgb[:50, :33]), rgb[:1, :1]]
    for together, image in zip(detector.detect_batch(images), images, strict=True):
        alone = detector(image)
        assert together.size == image.shape[:2]
        np.testing.assert_array_equal(together.class_ids, alone.class_ids)
        np.testing.assert_allclose(together.boxes, alone.boxes, atol=1e-2)
    assert detector.detect_batch([]) == []


def test_timing_says_where_the_time_went(detector, rgb):
    assert detector.timing.total == 0
    detector(rgb)
    timing = detector.timing
    assert timing.network > 0
    parts = timing.preprocess + timing.network + timing.nms + timing.masks
    assert timing.total == pytest.approx(parts)


def test_options_change_what_counts_as_a_detection(network):
    prediction = predict(network, {500: [0.0, 3.0, -9, -9], 900: [0.0, -9, 1.0, -9]})
    detector = Detector(network, score_threshold=0.1)
    assert len(detector.postprocess(prediction, (90, 160))) == 2
    detector.configure(max_detections=1)
    assert detector.postprocess(prediction, (90, 160)).class_names == ['cup']
    detector.configure(max_detections=100, score_threshold=0.8)
    assert detector.postprocess(prediction, (90, 160)).class_names == ['cup']
    detector.configure(score_threshold=0.1, candidate_threshold=0.99)
    assert len(detector.postprocess(prediction, (90, 160))) == 0


def predict(network, logits_of_priors):
    """Make the prediction of a network that sees an object at some priors, and nothing else."""
    priors, side = len(network.priors), network.config.input_size // 4
    class_logits = torch.tensor([9.0, -9.0, -9.0, -9.0]).repeat(priors, 1)
    for prior, logits in logits_of_priors.items():
        class_logits[prior] = torch.tensor(logits)
    return Prediction(
        torch.zeros(priors, 4), class_logits, torch.ones(priors, 32), torch.ones(32, side, side)
    )


def test_other_classes_are_no_rivals_of_those_that_are_looked_for(network, rgb):
    everything = Detector(network, score_threshold=0.0, max_detections=1000)(rgb)
    limited = Detector(network, score_threshold=0.0, max_detections=5, classes=('cup',))(rgb)
    cups = everything[everything.class_ids == everything.all_class_names.index('cup')]
    assert len(limited) == 5
    assert set(limited.class_names) == {'cup'}
    np.testing.assert_array_equal(limited.scores, cups.scores[:5])


def test_a_class_that_the_model_does_not_know_is_refused_by_name(detector):
    with pytest.raises(InputError, match=r"classes must be among .*cup.*, got 'cop'"):
        detector.configure(classes=('cup', 'cop'))
    with pytest.raises(InputError, match='classes must be a sequence of names'):
        detector.configure(classes='cup')
    assert detector.options.classes == ()
    detector.configure(classes=['cup'])
    assert detector.options.classes == ('cup',)


@pytest.mark.parametrize('nms', ['fast', 'traditional'])
def test_class_agnostic_boxes_drop_each_other_across_classes(network, nms):
    prediction = predict(network, {500: [0.0, 3.0, 2.5, -9.0], 900: [0.0, -9.0, 2.0, -9.0]})
    options = {'score_threshold': 0.1, 'nms': nms}
    per_class = Detector(network, **options).postprocess(prediction, (90, 160))
    agnostic = Detector(network, class_agnostic=True, **options).postprocess(prediction, (90, 160))
    assert per_class.class_names == ['bowl', 'cup', 'bowl']
    assert agnostic.class_names == ['bowl', 'cup']
    np.testing.assert_array_equal(agnostic.boxes, per_class.boxes[:2])
    np.testing.assert_array_equal(agnostic.scores, per_class.scores[:2])


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        ({'score_threshold': 1.0}, r'score_threshold must be in \[0, 1\), got 1.0'),
        ({'candidate_threshold': 0.0}, r'candidate_threshold must be in \(0, 1\), got 0.0'),
        ({'iou_threshold': 0}, r'iou_threshold must be in \(0, 1\], got 0'),
        ({'top_k': 0}, 'top_k must be at least 1, got 0'),
        ({'max_detections': -1}, 'max_detections must be at least 1, got -1'),
        ({'nms': 'slow'}, "nms must be fast or traditional, got 'slow'"),
    ],
)
def test_an_option_outside_its_range_is_refused_and_changes_nothing(detector, options, text):
    before = detector.options
    with pytest.raises(InputError, match=text):
        detector.configure(**options)
    assert detector.options == before


@pytest.mark.parametrize(
    ('image', 'text'),
    [
        (np.zeros((4, 4), np.uint8), r'got \(4, 4\) uint8'),
        (np.zeros((4, 4, 4), np.uint8), r'got \(4, 4, 4\) uint8'),
        (np.zeros((4, 4, 3), np.float32), r'got \(4, 4, 3\) float32'),
        (np.zeros((0, 4, 3), np.uint8), r'not empty, got \(0, 4, 3\)'),
        ([[1]], 'image must be a numpy array, got list'),
    ],
)
def test_what_is_not_an_image_is_refused(detector, image, text):
    with pytest.raises(InputError, match=text):
        detector(image)


def test_a_saved_model_is_loaded_by_path(network, tmp_path, rgb):
    save_checkpoint(network, tmp_path / 'model.safetensors')
    detector = Detector.load(tmp_path / 'model.safetensors', device='cpu', score_threshold=0.4)
    np.testing.assert_array_equal(
        detector(rgb).boxes, Detector(network, score_threshold=0.4)(rgb).boxes
    )


@pytest.mark.parametrize(
    ('wishes', 'text'),
    [
        ({'device': 'gpu'}, "device must be auto, cpu, cuda or cuda:N, got 'gpu'"),
        ({'device': 'mps'}, "device must be auto, cpu, cuda or cuda:N, got 'mps'"),
        ({'device': 'cuda:99'}, "device must be present, got 'cuda:99'"),
        ({'backend': 'caffe'}, "backend must be .*, got 'caffe'"),
        ({'precision': 'int3'}, "precision .* must be one of auto, .*, got 'int3'"),
    ],
)
def test_an_impossible_wish_is_refused(network, tmp_path, wishes, text):
    save_checkpoint(network, tmp_path / 'model.safetensors')
    with pytest.raises(InputError, match=text):
        Detector.load(tmp_path / 'model.safetensors', **wishes)


def test_bfloat16_finds_about_the_same(network, rgb):
    exact = Detector(network, score_threshold=0.4)(rgb)
    close = Detector(network, precision='bfloat16', score_threshold=0.4)(rgb)
    assert close.boxes.dtype == np.float32
    assert abs(len(close) - len(exact)) <= max(5, len(exact) // 3)
