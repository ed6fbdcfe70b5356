import json
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from coco_files import annotation, write_dataset
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from shapes import write_shapes

from yolact_core import Detector, InputError, load_network
from yolact_core.dataset import CocoDataset
from yolact_core.evaluation import EvaluationOptions, ImageResult, assess, detect_all, evaluate
from yolact_core.evaluation.comparison import variants
from yolact_core.evaluation.results import write_coco_results

RENAMED = [{'id': 7, 'name': 'cup'}, {'id': 14, 'name': 'sofa'}, {'id': 21, 'name': 'person'}]


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
    """Return shapes under other names, one of which the model does not know."""
    folder = tmp_path_factory.mktemp('shapes')
    path = write_shapes(folder, images=12, seed=3, size=(60, 80))
    content = json.loads(path.read_text())
    kept = {category['id'] for category in RENAMED}
    content['annotations'] = [
        item for item in content['annotations'] if item['category_id'] in kept
    ]
    path.write_text(json.dumps({**content, 'categories': RENAMED}))
    return CocoDataset(path, folder / 'images')


@pytest.fixture(scope='module')
def network(tiny_model):
    return load_network(tiny_model)


@pytest.fixture
def detector(network):
    return Detector(network, score_threshold=0.4, max_detections=30)


def test_an_evaluation_says_what_was_measured(detector, dataset):
    found = evaluate(detector, dataset)
    assert found.model.startswith('tiny@')
    assert len(found.model) == len('tiny@') + 12
    assert (found.dataset, found.images) == ('annotations.json', 12)
    assert found.unknown_classes == ('sofa',)
    known = dataset.annotations.class_ids != dataset.class_names.index('sofa')
    assert found.objects == (known & ~dataset.annotations.is_crowd).sum()
    assert found.objects == sum(found.objects_by_class.values())
    counts = Counter(
        dataset.class_names[class_id]
        for class_id in dataset.annotations.class_ids[known & ~dataset.annotations.is_crowd]
    )
    assert found.objects_by_class == dict(counts)
    assert found.detector['score_threshold'] == 0
    assert found.detector['max_detections'] == 30
    assert list(found.box.by_class) == ['cup', 'person']
    assert found.timing.total > 0
    assert json.loads(json.dumps(found.to_mapping()))['precisions']['mask']['ap'] == found.mask.ap


def test_the_score_threshold_of_the_detector_is_as_before(detector, dataset):
    evaluate(detector, dataset, EvaluationOptions(limit=1))
    assert detector.options.score_threshold == 0.4


def test_every_image_is_reported(detector, dataset):
    calls = []
    options = EvaluationOptions(limit=5)
    findings = detect_all(detector, dataset, options, lambda: calls.append(1))
    assert len(calls) == len(findings.images) == len(findings.results) == 5


def test_images_without_annotations_take_part_but_not_by_the_original_protocol(detector, dataset):
    counts = np.diff(dataset.annotations.starts)
    assert (counts == 0).any()
    findings = detect_all(detector, dataset, EvaluationOptions('original'))
    assert findings.images == np.flatnonzero(counts).tolist()


def guesses(truth, generator):
    """Return the truth, shaken and doubted."""
    count = len(truth.boxes)
    return ImageResult(
        boxes=truth.boxes + generator.normal(0, 1.5, (count, 4)),
        class_ids=generator.integers(2, size=count),
        scores=generator.random(count),
        mask_scores=generator.random(count),
        rles=truth.rles[::-1],
    )


def test_exported_results_give_the_same_figures_with_pycocotools_alone(
    detector, dataset, tmp_path, capsys
):
    options, generator = EvaluationOptions(), np.random.default_rng(0)
    findings = detect_all(detector, dataset, options)
    results = [guesses(truth, generator) for truth in findings.truths]
    findings = replace(findings, results=results)
    found = assess(findings, detector, dataset, options)
    write_coco_results(tmp_path / 'results', findings, dataset)
    truth = COCO(str(dataset.path))
    for name, kind, expected in (('boxes', 'bbox', found.box), ('masks', 'segm', found.mask)):
        run = COCOeval(truth, truth.loadRes(str(tmp_path / 'results' / f'{name}.json')), kind)
        run.params.catIds = [7, 21]
        run.evaluate()
        run.accumulate()
        run.summarize()
        assert 3 < expected.ap < 90
        assert 100 * run.stats[0] == pytest.approx(expected.ap, abs=1.0)  # boxes are rounded
    capsys.readouterr()


def test_a_data_set_of_other_things_is_refused(detector, tmp_path):
    others = [{'id': 3, 'name': 'fork'}, {'id': 90, 'name': 'knife'}]
    path = write_dataset(tmp_path, [annotation(1, 10, [0, 0, 9, 9])], categories=others)
    with pytest.raises(InputError, match='must share a class, got fork, knife and person, chair'):
        evaluate(detector, CocoDataset(path, tmp_path))


def test_wrong_options_are_refused():
    with pytest.raises(InputError, match="protocol must be one of coco, original, got 'voc'"):
        EvaluationOptions('voc')
    with pytest.raises(InputError, match='limit must be at least 1, got 0'):
        EvaluationOptions(limit=0)


def test_without_pycocotools_one_sentence_says_what_to_install(detector, dataset, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pycocotools', None)
    with pytest.raises(InputError, match=r'pip install "yolact\[train\]"'):
        evaluate(detector, dataset, EvaluationOptions(limit=1))


def test_variants_differ_in_one_thing_and_the_detector_ends_as_it_was(detector):
    options = EvaluationOptions()
    seen = [
        (
            variant.subject,
            variant.value,
            variant.detector.options.nms,
            variant.options.score_threshold,
        )
        for variant in variants(('nms', 'threshold'), detector, options, 'float32')
    ]
    assert seen == [
        ('nms', 'fast', 'fast', 0.0),
        ('nms', 'traditional', 'traditional', 0.0),
        ('threshold', '0.0', 'fast', 0.0),
        ('threshold', '0.05', 'fast', 0.05),
    ]
    assert detector.options.nms == 'fast'
    assert detector.options.score_threshold == 0.4


def test_input_sizes_are_to_each_other_as_in_the_paper(detector):
    found = list(variants(('size',), detector, EvaluationOptions(), 'float32'))
    assert [variant.value for variant in found] == ['93', '128', '163']
    assert all(variant.detector.options == detector.options for variant in found)
    with pytest.raises(InputError, match="must be one of nms, size, threshold, got 'colour'"):
        list(variants(('colour',), detector, EvaluationOptions(), 'float32'))
