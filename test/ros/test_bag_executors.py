"""Executors: processes here, and a Ray cluster; whoever fails, jobs are done again."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')
pytest.importorskip('pycocotools', reason="pip install 'yolact[train]'")

import executor_jobs
from bags import image_item, write_bag

from yolact_core.errors import InputError
from yolact_ros.bag.evaluate.figures.summary import summarize
from yolact_ros.bag.evaluate.jobs import evaluate_bags
from yolact_ros.bag.evaluate.plan import Candidate, EvaluationPlan
from yolact_ros.bag.executors.bag_runs import Reporter
from yolact_ros.bag.executors.executor import Done, Refused
from yolact_ros.bag.executors.pools import ATTEMPTS, Processes, RayCluster


@pytest.fixture(scope='module')
def local():
    with closing(Processes(2)) as pool:
        yield pool


@pytest.fixture(scope='module')
def cluster():
    """Give a cluster of two workers on this machine."""
    pytest.importorskip('ray', reason="pip install 'yolact[cluster]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PYTHONPATH', str(Path(executor_jobs.__file__).parent))
        with closing(RayCluster('local', 2)) as pool:
            yield pool


@pytest.fixture(params=['local', pytest.param('cluster', marks=pytest.mark.slow)])
def pool(request):
    return request.getfixturevalue(request.param)


def test_jobs_run_elsewhere_and_with_one_thread(pool):
    found = dict(pool.run(executor_jobs.name_process, range(6)))
    assert sorted(found) == list(range(6))
    assert os.getpid() not in {one.value for one in found.values()}
    assert dict(pool.run(executor_jobs.count_threads, [0])) == {0: Done(1)}


def test_no_jobs_are_no_work(pool):
    assert list(pool.run(executor_jobs.name_process, [])) == []


def test_who_fails_once_is_asked_again_and_others_do_not_notice(pool, tmp_path):
    names = ['fine', 'die', 'raise', 'also fine']
    (tmp_path / 'fine').touch()
    found = dict(pool.run(executor_jobs.fail_as_told, [(one, str(tmp_path)) for one in names]))
    assert found == {number: Done(name) for number, name in enumerate(names)}
    attempts = [len((tmp_path / name).read_text()) for name in names]
    assert attempts == [1, 2, 2, 1]


def test_who_always_fails_is_given_up_and_says_why(pool, tmp_path):
    names = ['die always', 'fine', 'raise always', 'refuse']
    found = dict(pool.run(executor_jobs.fail_as_told, [(one, str(tmp_path)) for one in names]))
    assert found[1] == Done('fine')
    assert f'it failed {ATTEMPTS} times, at last: ' in found[0].reason
    assert found[2] == Refused(f'it failed {ATTEMPTS} times, at last: OSError: the disk is tired')
    assert found[3] == Refused('images must be images, got none')
    attempts = [len((tmp_path / name).read_text()) for name in names]
    assert attempts == [ATTEMPTS, 1, ATTEMPTS, 1]


def test_a_killed_process_is_named_by_its_signal(local, tmp_path):
    ((_, found),) = local.run(executor_jobs.fail_as_told, [('die always', str(tmp_path))])
    assert found.reason.endswith('its process ended by signal 9')


def test_no_process_is_left_behind():
    with closing(Processes(1)) as pool:
        ((_, found),) = pool.run(executor_jobs.name_process, [0])
        os.kill(found.value, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(found.value, 0)


@pytest.mark.slow
def test_a_cluster_gives_the_figures_of_a_single_process(cluster, local, tmp_path, tiny_model):
    bag = write_bag(tmp_path / 'bag', [image_item(index) for index in range(8)])
    options = {'device': 'cpu', 'backend': 'torch'}
    plan = EvaluationPlan(bag, (Candidate(str(tiny_model), options),), score_threshold=0.05)

    @contextmanager
    def bar(_what, _total):
        yield lambda: None

    figures = []
    for pool, size in ((local, 100), (cluster, 3)):
        (found,) = evaluate_bags(pool, [plan], size, Reporter(bar, pytest.fail))
        assert not found.failures
        one = summarize(found.records, found.facts.names, found.facts.class_names).to_mapping()
        figures.append({name: value for name, value in one.items() if name != 'latency'})
    assert figures[0]['images'] == 8
    assert figures[0]['stability']['compared'] > 0
    assert figures[0] == figures[1]


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_an_error_in_one_sentence():
    pytest.importorskip('ray', reason="pip install 'yolact[cluster]'")
    with pytest.raises(InputError, match='--cluster must be the address of a Ray cluster'):
        RayCluster('auto', None)
