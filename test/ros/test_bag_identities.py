"""Tracks in bags against truth that has ids: HOTA, IDF1, switches, and how steady tracks are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')
pytest.importorskip('pycocotools', reason="pip install 'yolact[train]'")

from bags import SIZE, image_item, make_detections, make_rgb, truth_item, write_bag, write_coco

from yolact_core.cli import main
from yolact_core.errors import InputError
from yolact_core.evaluation.results import ImageTruth
from yolact_core.evaluation.tracks import TrackedImage
from yolact_ros.bag.evaluate.following import TrackedDetections
from yolact_ros.bag.evaluate.truth import FrameTruth
from yolact_ros.bag.evaluate.truth_matching import compare_identities

ROOM = Path(__file__).parents[1] / 'data' / 'room_path'
COUNT = 8
ROWS, COLUMNS = np.mgrid[: SIZE[0], : SIZE[1]]
TRUTH, FOUND = '/camera/truth', '/found'
NEW = ('hota', 'det_a', 'ass_a', 'idf1', 'identity_switches')
OF_TRACKS = (
    'tracked_stability',
    'tracked_flicker_per_minute',
    'tracked_class_switches_per_minute',
)


def disk(x, y=48):
    return (COLUMNS - x) ** 2 + (ROWS - y) ** 2 < 15**2


LEFT, RIGHT = disk(30), disk(90)


def found_item(index, ids, class_ids=(0, 0)):
    """Return two disks that were found, with ids."""
    item = truth_item(index, make_detections([LEFT, RIGHT], class_ids), FOUND)
    for instance, track_id in zip(item[3].instances, ids, strict=True):
        instance.id = track_id
    return item


def write_scene(folder, ids, indices=range(COUNT)):
    """Write a still scene of two objects, which were found under these ids in each image."""
    items = []
    for index in indices:
        items += [
            image_item(index, make_rgb()),
            truth_item(index, make_detections([LEFT, RIGHT], [0, 0])),
            found_item(index, ids(index)),
        ]
    return write_bag(folder, items)


def swap(index):
    return ('1', '2') if index < COUNT // 2 else ('2', '1')


@pytest.fixture
def evaluate(evaluate_bag):
    """Evaluate recorded results, and return the figures."""

    def run(bag, *words):
        words = ('--truth', TRUTH, '--results', f'{bag}#{FOUND}', *words)
        status, found, said = evaluate_bag(bag, *words, model=False)
        assert (status, said) == (0, '')
        return found['figures']

    return run


def test_ids_that_were_recorded_are_used(evaluate, tmp_path):
    figures = evaluate(write_scene(tmp_path / 'bag', swap), '--tracks')
    assert figures['identity_switches'] == 2
    assert figures['idf1'] == 0.5
    assert figures['det_a'] == 1.0
    assert figures['hota'] < 1.0


def test_instances_that_were_recorded_without_ids_are_followed(evaluate, tmp_path):
    figures = evaluate(write_scene(tmp_path / 'bag', lambda _: ('', '')), '--tracks')
    assert [figures[name] for name in NEW] == [1.0, 1.0, 1.0, 1.0, 0]


def test_a_missing_result_is_an_object_that_was_not_found(evaluate, tmp_path):
    bag = write_scene(tmp_path / 'bag', swap)
    results = write_bag(tmp_path / 'results', [found_item(0, ('1', '2'))])
    figures = evaluate(bag, '--tracks', '--results', f'{results}#{FOUND}')
    assert figures['det_a'] == 1 / COUNT


def test_a_class_that_flickers_is_voted_by_its_track(evaluate, tmp_path):
    items = []
    for index in range(COUNT):
        items += [
            image_item(index, make_rgb()),
            truth_item(index, make_detections([LEFT, RIGHT], [0, 1])),
            found_item(index, ('', ''), (0, 1 if index == 3 else 0)),
        ]
    figures = evaluate(write_bag(tmp_path / 'bag', items), '--tracks')
    assert figures['class_switches_per_minute'] > 0
    assert figures['tracked_class_switches_per_minute'] == 0
    assert figures['tracked_stability'] == figures['stability'] == 1.0
    assert figures['identity_switches'] == 0


def test_only_instances_with_a_track_are_compared_as_tracks(evaluate, tmp_path):
    bag = write_scene(tmp_path / 'bag', lambda index: ('1', '' if index % 2 else '2'))
    figures = evaluate(bag, '--tracks')
    assert figures['flicker_per_minute'] == 0
    assert figures['tracked_flicker_per_minute'] > 0
    assert figures['tracked_stability'] < figures['stability'] == 1.0


def test_ids_of_two_bags_never_mix(tmp_path, capsys):
    def ids(index):
        return ('1', '2') if index < COUNT else ('3', '4')

    bags = [
        write_scene(tmp_path / 'one', ids),
        write_scene(tmp_path / 'two', ids, range(COUNT, 2 * COUNT)),
    ]
    results = write_bag(
        tmp_path / 'out', [found_item(index, ids(index)) for index in range(2 * COUNT)]
    )
    words = ['bag', 'evaluate', *bags, '--truth', TRUTH, '--results', f'{results}#{FOUND}']
    assert main([str(one) for one in [*words, '--tracks', '--json', '--workers', 1]]) == 0
    total = json.loads(capsys.readouterr().out)['total']
    assert total['images'] == 2 * COUNT
    assert [total['figures'][name] for name in NEW] == [1.0, 1.0, 1.0, 1.0, 0]


def test_ids_of_two_topics_never_mix(tmp_path, evaluate_bag):
    items = []
    for index in range(COUNT):
        side, ids = [('left', ('1', '2')), ('right', ('3', '4'))][index % 2]
        truth = make_detections([LEFT, RIGHT], [0, 0])
        items += [
            image_item(index, make_rgb(), f'/{side}/image'),
            truth_item(index, truth, f'/{side}/truth'),
            found_item(index, ids),
        ]
    bag = write_bag(tmp_path / 'bag', items)
    left, right = (f'/{side}/image=/{side}/truth' for side in ('left', 'right'))
    words = ('--truth', left, '--truth', right, '--results', f'{bag}#{FOUND}', '--tracks')
    status, found, said = evaluate_bag(bag, *words, model=False)
    assert (status, said) == (0, '')
    assert [found['figures'][name] for name in NEW] == [1.0, 1.0, 1.0, 1.0, 0]


def test_a_bag_is_not_split_where_instances_are_followed(tmp_path, evaluate_bag):
    bag = write_scene(tmp_path / 'bag', swap)
    words = (bag, '--truth', TRUTH, '--score-threshold', 0.05, '--tracks')
    _, whole, _ = evaluate_bag(*words, '--workers', 1, '--part-images', 100)
    _, shared, _ = evaluate_bag(*words, '--workers', 2, '--part-images', 2)
    assert whole['figures'] == shared['figures']
    assert whole['figures']['hota'] is not None
    assert whole['tracks'] is shared['tracks'] is True


def test_tracks_of_a_run_are_those_of_the_model(tmp_path, run_bag, evaluate_bag, capsys):
    bag, output = write_scene(tmp_path / 'bag', swap), tmp_path / 'out.mcap'
    assert run_bag(bag, output, '--score-threshold', 0.3) == 0
    capsys.readouterr()
    words = ('--truth', TRUTH, '--tracks', '--score-threshold', 0.3)
    _, live, _ = evaluate_bag(bag, *words)
    _, recorded, _ = evaluate_bag(bag, *words, '--results', output, model=False)
    for name in (*NEW, *OF_TRACKS):
        assert recorded['figures'][name] == live['figures'][name] is not None


def test_truth_without_ids_tells_only_how_steady_tracks_are(tmp_path, evaluate_bag):
    bag = write_scene(tmp_path / 'bag', swap)
    truth = write_coco(tmp_path / 'coco', [make_detections([LEFT, RIGHT], [0, 0])] * COUNT)
    words = ('--truth', truth, '--results', f'{bag}#{FOUND}', '--tracks')
    figures = evaluate_bag(bag, *words, model=False)[1]['figures']
    assert [figures[name] for name in NEW] == [None] * len(NEW)
    assert [figures[name] for name in OF_TRACKS] == [1.0, 0.0, 0.0]


def test_figures_of_tracks_are_opt_in_and_truth_with_ids_reminds_of_them(tmp_path, capsys):
    bag = write_scene(tmp_path / 'bag', swap)
    words = ['bag', 'evaluate', str(bag), '--results', f'{bag}#{FOUND}']
    remark = 'the truth has ids: --tracks adds HOTA'
    said = {}
    for name, more in {
        'no truth': [],
        'truth': ['--truth', TRUTH],
        'tracks': ['--truth', TRUTH, '--tracks'],
    }.items():
        assert main([*words, *more]) == 0
        said[name] = capsys.readouterr().out
    assert [remark in one for one in said.values()] == [False, True, False]
    assert ['AssA' in one for one in said.values()] == [False, False, True]
    assert ['stability of tracks' in one for one in said.values()] == [False, False, True]


def test_figures_of_tracks_have_limits_and_none_without_tracks(tmp_path, capsys):
    bag = write_scene(tmp_path / 'bag', swap)
    words = ['bag', 'evaluate', str(bag), '--results', f'{bag}#{FOUND}', '--truth', TRUTH]
    words += ['--fail-below', 'idf1=0.6']
    assert main([*words, '--tracks']) == 1
    assert 'idf1 must be at least 0.6, got 0.5' in capsys.readouterr().err
    assert main(words) == 1
    assert 'idf1 must be at least 0.6, but cannot be told' in capsys.readouterr().err


def test_tracks_are_compared_without_an_interval(tmp_path, capsys):
    bag = write_scene(tmp_path / 'bag', lambda _: ('1', '2'))
    worse = write_bag(
        tmp_path / 'worse', [found_item(index, swap(index)) for index in range(COUNT)]
    )
    words = ['bag', 'compare', str(bag), f'{bag}#{FOUND}', f'{worse}#{FOUND}', '--truth', TRUTH]
    words += ['--tracks', '--resamples', '20']
    assert main([*words, '--json']) == 0
    (differences,) = json.loads(capsys.readouterr().out)['differences']
    assert differences['idf1'] == {'value': -0.5, 'low': None, 'high': None, 'is_sure': False}
    assert differences['identity_switches']['value'] == 2
    assert differences['tracked_stability']['low'] == 0.0
    assert main(words) == 0
    (line,) = [one for one in capsys.readouterr().out.splitlines() if 'idf1' in one]
    assert line.replace('│', ' ').split() == ['idf1', '1.0000', '0.5000', '-0.5000', '-', '-']


def test_the_report_lists_figures_of_tracks_only_where_there_are_any(tmp_path):
    pytest.importorskip('matplotlib', reason="pip install 'yolact[plot]'")
    pytest.importorskip('jinja2', reason="pip install 'yolact[plot]'")
    bag, texts = write_scene(tmp_path / 'bag', swap), []
    for more in ([], ['--tracks']):
        page = tmp_path / 'report.html'
        words = ['bag', 'evaluate', bag, '--results', f'{bag}#{FOUND}', '--truth', TRUTH]
        assert main([str(one) for one in [*words, '--report', page, *more]]) == 0
        texts.append(page.read_text())
    for title in ('HOTA', 'identity switches', 'stability of tracks'):
        assert [f'{title}<small>' in one for one in texts] == [False, True]


def make_truth(tracks, is_crowd):
    found = make_detections([LEFT, RIGHT, disk(60)], [0, 0, 0])
    return FrameTruth(
        ImageTruth(
            size=SIZE,
            boxes=found.boxes.astype(np.float64),
            class_ids=found.class_ids,
            is_crowd=np.array(is_crowd),
            areas=found.masks.areas().astype(np.float64),
            rles=found.masks.coco_rles(),
        ),
        tracks,
    )


def test_what_lies_in_an_object_without_id_or_that_need_not_be_found_does_not_count():
    tracked = TrackedDetections(
        make_detections([LEFT, RIGHT, disk(60), disk(63), disk(46)], [0] * 5), tuple('abcde')
    )
    one = compare_identities(tracked, make_truth(('x', '', 'y'), [False, False, True]))
    assert one.truth == ('x',)
    assert one.found == ('a', 'e')  # of the last one less than half lies in the third object
    assert one.similarity[0, 0] == 1.0
    assert 0 < one.similarity[0, 1] < 0.5


def test_an_image_without_anything_is_compared():
    nothing = TrackedDetections(make_detections([]), ())
    one = compare_identities(nothing, make_truth(('x', 'y', 'z'), [False] * 3))
    assert isinstance(one, TrackedImage)
    assert one.similarity.shape == (3, 0)


def test_an_id_must_occur_once():
    found = TrackedDetections(make_detections([LEFT, RIGHT], [0, 0]), ('a', 'a'))
    with pytest.raises(InputError, match="ids of one image must differ, got 'a' twice"):
        compare_identities(found, make_truth(('x', 'y', 'z'), [False] * 3))


@pytest.mark.skipif(not ROOM.is_dir(), reason='is made by `make -C recipes/indoor bag`')
def test_true_tracks_of_the_room_are_perfect(evaluate_bag):
    words = ('--truth', TRUTH, '--results', f'{ROOM}#{TRUTH}', '--end', 1, '--tracks')
    status, found, _ = evaluate_bag(ROOM, *words, model=False)
    assert status == 0
    figures = found['figures']
    assert [figures[name] for name in NEW] == pytest.approx([1.0, 1.0, 1.0, 1.0, 0])
    assert figures['tracked_stability'] > 0.97
