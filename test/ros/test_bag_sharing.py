"""Many bags and many processes: who does a part, and how often, must not be seen in the result."""

from __future__ import annotations

import json
import re
from contextlib import closing, nullcontext

import cv2
import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')
pytest.importorskip('pycocotools', reason="pip install 'yolact[train]'")

import executor_jobs
from bags import SIZE, image_item, jpeg_item, make_detections, truth_item, write_bag

from yolact_core.cli import main
from yolact_core.errors import InputError
from yolact_core.threads import single_thread
from yolact_ros.bag.commands.bag_paths import name_results
from yolact_ros.bag.commands.options import SharingOptions
from yolact_ros.bag.evaluate import jobs as evaluation
from yolact_ros.bag.evaluate.figures.summary import summarize
from yolact_ros.bag.evaluate.plan import Candidate, EvaluationPlan, open_evaluation
from yolact_ros.bag.evaluate.records import merge_bags
from yolact_ros.bag.executors.pools import Processes
from yolact_ros.bag.replay import jobs as replaying

COUNT = 10
NAME = 'bag.mcap'  # of results; it is in the file
ROWS, COLUMNS = np.mgrid[: SIZE[0], : SIZE[1]]


def make_items(count=COUNT, first=0):
    """Return images of two cameras, and truth of the first."""
    numbers = range(first, first + count)
    items = [image_item(index) for index in numbers]
    items += [jpeg_item(index) for index in numbers[::2]]
    for index in numbers:
        disks = [(COLUMNS - 20 - 3 * x) ** 2 + (ROWS - 50) ** 2 < 300 for x in (index % 5, 20)]
        items.append(truth_item(index, make_detections(disks)))
    return items


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Return a folder with two bags somewhere below it."""
    folder = tmp_path_factory.mktemp('shared')
    (folder / 'day 2').mkdir()
    (folder / 'day 1').mkdir()
    write_bag(folder / 'day 1' / 'bag', make_items())
    write_bag(folder / 'day 2' / 'bag', make_items(6, first=3))
    return folder


@pytest.fixture(scope='module')
def bag(folder):
    return folder / 'day 1' / 'bag'


@pytest.fixture(scope='module')
def pool():
    """Give two processes to all tests of this module: they take seconds to start."""
    with closing(Processes(2)) as pool:
        yield pool


@pytest.fixture
def call(tiny_model, capfd, monkeypatch, pool):
    """Run ``yolact bag`` and return its exit status, figures and complaints."""
    open_executor = SharingOptions.open_executor

    def open_shared(options, **keywords):
        return nullcontext(pool) if options.workers == 2 else open_executor(options, **keywords)

    monkeypatch.setattr(SharingOptions, 'open_executor', open_shared)

    def run(action, *words):
        fixed = ('--model', tiny_model, '--device', 'cpu', '--score-threshold', '0.05')
        if action == 'evaluate':
            fixed += ('--truth', '/camera/image=/camera/truth')
        words = ('bag', action, '--part-images', 4, *words, *fixed, '--json')
        with single_thread():  # as workers have it, where this process does it by itself
            status = main([str(word) for word in words])
        said = capfd.readouterr()
        return status, json.loads(said.out) if said.out else None, said.err

    return run


def count_images(video):
    """Return how many images a video holds."""
    capture, count = cv2.VideoCapture(str(video)), 0
    while capture.read()[0]:
        count += 1
    return count


def without_latency(value):
    """Return figures without those that differ from run to run."""
    if isinstance(value, dict):
        return {
            name: without_latency(one)
            for name, one in value.items()
            if name not in ('latency', 'median_seconds', 'output')
        }
    return [without_latency(one) for one in value] if isinstance(value, list) else value


def test_any_number_of_workers_gives_the_same_figures_to_the_last_digit(bag, call):
    status, wanted, _ = call('evaluate', bag, '--workers', 1)
    assert status == 0
    assert wanted['images'] == COUNT + COUNT // 2
    assert wanted['figures']['mask_ap'] is not None
    assert wanted['stability']['compared'] > 0
    for words in (('--workers', 2), ('--workers', 4, '--part-images', 7), ()):
        _, found, _ = call('evaluate', bag, *words)
        assert without_latency(found) == without_latency(wanted)


def test_any_number_of_workers_writes_the_same_bag_to_the_last_byte(bag, call, tmp_path):
    words = ('--outputs', 'instances,label_image')
    alone, output = tmp_path / 'alone' / 'out.mcap', tmp_path / 'shared' / 'out.mcap'
    _, wanted, _ = call('run', bag, '--output', alone, *words)
    for size in (4, 7):
        more = ('--workers', 2, '--part-images', size)
        status, found, _ = call('run', bag, '--output', output, *words, *more)
        assert status == 0
        assert found['instances'] == wanted['instances']
        assert found['images'] == COUNT + COUNT // 2
        assert output.read_bytes() == alone.read_bytes()
        assert list(output.parent.iterdir()) == [output]


def test_any_number_of_workers_draws_the_same_report_and_video(bag, call, tmp_path):
    galleries, videos = [], []
    for folder, workers in ((tmp_path / 'alone', ()), (tmp_path / 'shared', ('--workers', 2))):
        folder.mkdir()
        page, video = folder / 'report.html', folder / 'video.mp4'
        status, _, _ = call('evaluate', bag, '--report', page, *workers)
        assert status == 0
        galleries.append(re.findall(r'data:image/[^"]+', page.read_text()))
        words = ('--topic', '/camera/image', '--output', folder / NAME)
        status, _, _ = call('run', bag, '--overlay', video, *words, *workers)
        assert status == 0
        videos.append(count_images(video))
    assert galleries[0] == galleries[1] != []
    assert videos == [COUNT, COUNT]


@pytest.mark.slow
def test_a_cluster_gives_the_same_figures(bag, call):
    pytest.importorskip('ray', reason="pip install 'yolact[cluster]'")
    _, wanted, _ = call('evaluate', bag)
    status, found, _ = call('evaluate', bag, '--cluster', 'local', '--workers', 3)
    assert status == 0
    assert without_latency(found) == without_latency(wanted)


def test_figures_of_many_bags_are_those_of_each_and_of_all_images_together(folder, call):
    status, found, _ = call('evaluate', folder, '--workers', 2)
    assert status == 0
    first, second = found['bags']
    paths = [folder / 'day 1' / 'bag', folder / 'day 2' / 'bag']
    for one, path in zip((first, second), paths, strict=True):
        _, alone, _ = call('evaluate', path)
        assert without_latency(one) == {**without_latency(alone), 'failures': []}
    total = found['total']
    assert total['images'] == first['images'] + second['images']
    assert total['objects'] == first['objects'] + second['objects']
    compared = [one['stability']['compared'] for one in (first, second)]
    assert total['stability']['compared'] == sum(compared)
    shares = [one['stability']['stability'] for one in (first, second)]
    assert total['stability']['stability'] == pytest.approx(np.average(shares, weights=compared))


def test_results_of_many_bags_lie_in_a_folder_and_are_those_of_each(folder, bag, call, tmp_path):
    assert call('run', bag, '--output', tmp_path / 'alone' / NAME)[0] == 0
    status, found, _ = call('run', folder, '--output', tmp_path / 'all', '--workers', 2)
    assert status == 0
    files = [tmp_path / 'all' / 'day 1' / 'bag.mcap', tmp_path / 'all' / 'day 2' / 'bag.mcap']
    assert [one['output'] for one in found['bags']] == [str(file) for file in files]
    assert files[0].read_bytes() == (tmp_path / 'alone' / NAME).read_bytes()
    assert sorted((tmp_path / 'all').rglob('*.mcap')) == files


def test_a_worker_that_is_killed_in_the_middle_cannot_be_seen_in_the_figures(
    bag, call, monkeypatch
):
    mark = bag.with_name(executor_jobs.MARK)
    _, wanted, _ = call('evaluate', bag, '--workers', 2)
    mark.unlink(missing_ok=True)
    monkeypatch.setattr(evaluation, 'evaluate_part', executor_jobs.evaluate_dying_part)
    status, found, said = call('evaluate', bag, '--workers', 2)
    assert mark.exists()
    assert (status, said) == (0, '')
    assert without_latency(found) == without_latency(wanted)


def test_a_worker_that_is_killed_in_the_middle_cannot_be_seen_in_the_results(
    bag, call, tmp_path, monkeypatch
):
    mark = bag.with_name(executor_jobs.MARK)
    assert call('run', bag, '--output', tmp_path / 'alone' / NAME)[0] == 0
    mark.unlink(missing_ok=True)
    monkeypatch.setattr(replaying, 'replay_span', executor_jobs.replay_dying_span)
    status, _, said = call('run', bag, '--output', tmp_path / NAME, '--workers', 2)
    assert mark.exists()
    assert (status, said) == (0, '')
    assert (tmp_path / NAME).read_bytes() == (tmp_path / 'alone' / NAME).read_bytes()
    assert not (tmp_path / f'{NAME}.parts').exists()


def test_a_part_that_always_fails_is_named_and_the_others_count(bag, call, monkeypatch):
    monkeypatch.setattr(evaluation, 'evaluate_part', executor_jobs.evaluate_hopeless_part)
    status, found, said = call('evaluate', bag, '--workers', 2)
    assert status == 2
    assert said.count('\n') == 1
    sentence = 'was left out: it failed 3 times, at last: OSError: the disk is tired'
    assert f'of bag {bag}, from image ' in said
    assert sentence in said
    assert sentence in found['failures'][0]
    assert 0 < found['images'] < COUNT + COUNT // 2


def test_results_go_on_where_a_part_failed(bag, call, tmp_path, monkeypatch):
    assert call('run', bag, '--output', tmp_path / 'alone' / NAME)[0] == 0
    words = ('run', bag, '--output', tmp_path / NAME, '--workers', 2)
    with monkeypatch.context() as patch:
        patch.setattr(replaying, 'replay_span', executor_jobs.replay_hopeless_span)
        status, found, said = call(*words)
    assert status == 2
    assert said.count('\n') == 1
    assert 'part 2 of 4 of bag' in said
    assert not (tmp_path / NAME).exists()
    kept = sorted(path.name for path in (tmp_path / f'{NAME}.parts').glob('*.mcap'))
    assert kept == ['000000.mcap', '000002.mcap', '000003.mcap']
    status, again, _ = call(*words)
    assert status == 0
    assert again['of_earlier_run'] == found['images']
    assert again['images'] == COUNT + COUNT // 2
    assert (tmp_path / NAME).read_bytes() == (tmp_path / 'alone' / NAME).read_bytes()


def test_bags_that_cannot_be_read_are_named_and_the_others_go_on(bag, call, tmp_path):
    broken = tmp_path / 'broken.mcap'
    broken.write_bytes(b'no bag')
    listed = tmp_path / 'bags.txt'
    listed.write_text(f'# all of them\n\nmissing\n{bag}\nbroken.mcap\n')
    status, found, said = call('evaluate', '--list', listed, '--workers', 2)
    assert status == 2
    missing, alone, last = found['bags']
    complaints = said.splitlines()
    assert len(complaints) == 2
    assert f'bag {tmp_path / "missing"} was left out: bag must be a folder or' in complaints[0]
    assert f'bag {broken} was left out: {broken} must be a bag that can be read' in complaints[1]
    assert len(missing['failures']) == len(last['failures']) == 1
    assert alone['images'] == found['total']['images'] == COUNT + COUNT // 2
    output = tmp_path / 'out'
    status, found, said = call('run', '--list', listed, '--output', output, '--workers', 2)
    assert status == 2
    assert len(said.splitlines()) == 2
    assert [one['images'] for one in found['bags']] == [0, COUNT + COUNT // 2, 0]
    assert list(output.rglob('*.mcap')) == [output / 'bag.mcap']


def test_a_bag_without_images_in_what_was_asked_for_leaves_nothing(bag, call, tmp_path):
    words = ('run', bag, '--output', tmp_path / NAME, '--workers', 2, '--start', 100)
    status, _, said = call(*words)
    assert status == 2
    assert 'must hold an image in what was asked for' in said
    assert list(tmp_path.iterdir()) == []


def test_a_bag_without_images_in_what_was_asked_for_has_no_figures(bag, call):
    status, found, said = call('evaluate', bag, '--workers', 2, '--start', 100)
    assert (status, found) == (2, None)
    assert said.count('\n') == 1
    assert 'was left out: it must hold an image in what was asked for, got none' in said


def test_classes_of_all_bags_are_those_of_any(tmp_path, tiny_model):
    """What the truth of a bag does not tell of counts neither there nor in all."""
    bags = []
    for name in ('person', 'cup'):
        disk = make_detections([(COLUMNS - 60) ** 2 + (ROWS - 50) ** 2 < 400], names=(name,))
        items = [image_item(index) for index in range(3)]
        items += [truth_item(index, disk) for index in range(3)]
        plan = EvaluationPlan(
            write_bag(tmp_path / name, items),
            (Candidate(str(tiny_model), {'device': 'cpu'}),),
            truth=('/camera/truth',),
            score_threshold=0.05,
        )
        with open_evaluation(plan, pytest.fail) as opened:
            bags.append((list(opened.evaluator.records(opened.images.whole)), opened.class_names))
    assert [names for _, names in bags] == [('person',), ('cup',)]
    records, names = merge_bags(bags)
    total = summarize(records, ['tiny'], names)
    for part, class_names in bags:
        alone = summarize(part, ['tiny'], class_names)
        (name,) = class_names
        assert total.mask.by_class[name] == alone.mask.by_class[name]
        assert total.by_class.get(name) == alone.by_class.get(name)
        one, other = (figures.stability_by_class.get(name) for figures in (total, alone))
        assert (one and (one.compared, one.stability)) == (
            other and (other.compared, other.stability)
        )


@pytest.mark.parametrize(
    ('words', 'sentence'),
    [
        ((), 'bags must be named, as paths or by --list FILE, got none'),
        (('--list', 'nothing.txt'), 'nothing.txt must be a list of bags'),
        (('--workers', 0), 'must be a whole number of at least 1'),
    ],
)
def test_wrong_options_are_refused(call, words, sentence):
    status, _, said = call('evaluate', *words)
    assert status == 2
    assert said.count('\n') == 1
    assert sentence in said


def test_many_bags_need_a_folder_for_their_results(folder, call, tmp_path):
    status, _, said = call('run', folder, '--output', tmp_path / NAME)
    assert status == 2
    assert 'output of many bags must be a folder' in said


def test_names_of_results_differ_as_bags_do(tmp_path):
    bags = [tmp_path / 'a' / 'bag', tmp_path / 'b' / 'bag.mcap']
    assert name_results(bags, tmp_path) == [tmp_path / 'a/bag.mcap', tmp_path / 'b/bag.mcap']
    with pytest.raises(InputError, match='bags must differ in more than their suffix'):
        name_results([tmp_path / 'bag', tmp_path / 'bag.mcap'], tmp_path)
