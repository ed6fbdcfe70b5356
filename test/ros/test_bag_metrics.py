"""A figure of a bag is one row: tables, limits, comparisons and the report follow from it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')
pytest.importorskip('pycocotools', reason="pip install 'yolact[train]'")
pytest.importorskip('matplotlib', reason="pip install 'yolact[plot]'")
pytest.importorskip('jinja2', reason="pip install 'yolact[plot]'")

from report_bags import BLIND, COUNT, write_scene

from yolact_core.cli import main
from yolact_ros.bag.commands.tables import show_all
from yolact_ros.bag.evaluate.figures import metrics
from yolact_ros.bag.evaluate.figures.metric_kinds import EVERYWHERE, Metric, Place
from yolact_ros.bag.evaluate.figures.summary import summarize

TOY = Metric(
    name='mean_score',
    title='mean score',
    unit='points',
    digits=2,
    higher_is_better=False,
    text='How sure a model is of what it finds.',
    places=EVERYWHERE | Place.OVERVIEW | Place.TILE,
    amount=lambda result, _: result.scores.astype(float),
    count=lambda result, _: len(result.scores),
    by_class=True,
)


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    return write_scene(tmp_path_factory.mktemp('bags') / 'bag')


@pytest.fixture
def call(bag, monkeypatch, capsys):
    """Call an action on the results of the bag, where there is one row more."""
    monkeypatch.setattr(metrics, 'METRICS', (*metrics.METRICS, TOY))

    def run(action, *words):
        sources = [f'{bag}#/good', f'{bag}#/bad']
        results = sources if action == 'compare' else ['--results', sources[1]]
        topics = ['--topic', '/camera/image', '--truth', '/camera/truth']
        status = main(['bag', action, str(bag), *results, *topics, *map(str, words)])
        return status, capsys.readouterr()

    return run


def test_a_row_is_a_figure_of_the_json_also_of_each_class(call):
    status, said = call('evaluate', '--json')
    found = json.loads(said.out)
    assert status == 0
    assert 0 < found['figures']['mean_score'] <= 1
    assert found['stability']['mean_score'] == found['figures']['mean_score']
    assert set(found['stability_by_class']) == {'person', 'chair'}
    assert all('mean_score' in one for one in found['stability_by_class'].values())


def test_a_row_is_in_the_table_of_the_terminal(call):
    assert 'mean score, points' in call('evaluate')[1].out


@pytest.mark.usefixtures('call')
def test_a_row_is_in_the_table_of_many_bags(capsys):
    figures = summarize([], ['nobody'], [])
    told = replace(figures, values={**figures.values, 'mean_score': 0.5})
    show_all([('bag', figures), ('other', told)], is_tracked=False)
    assert 'mean score' in ' '.join(capsys.readouterr().out.split())


def test_what_nothing_tells_is_in_no_table(call, capsys):
    show_all([('bag', summarize([], ['nobody'], []))], is_tracked=False)
    assert 'mean score' not in ' '.join(capsys.readouterr().out.split())
    assert 'latency' not in call('evaluate')[1].out  # of recorded results


@pytest.mark.parametrize(('option', 'status'), [('--fail-below', 1), ('--fail-above', 0)])
def test_a_row_can_have_limits(call, option, status):
    found = call('evaluate', option, 'mean_score=2')
    assert found[0] == status
    assert ('mean_score must be at least 2' in found[1].err) == bool(status)


def test_a_row_is_compared_and_judged(call):
    status, said = call('compare', '--json', '--resamples', 20)
    assert status == 0
    (differences,) = json.loads(said.out)['differences']
    assert set(differences['mean_score']) == {'value', 'low', 'high', 'is_sure'}
    assert 'mean_score' in call('compare', '--resamples', 20)[1].out


def test_a_row_is_in_the_report_as_tile_table_and_course(call, tmp_path):
    path = tmp_path / 'page.html'
    assert call('evaluate', '--report', path)[0] == 0
    text = path.read_text()
    assert '<span>mean score</span>' in text  # tile
    assert 'mean score, points<small>How sure a model is of what it finds.</small>' in text
    charts = re.findall(r'data-chart="mean_score" data-only="(\d?)"', text)
    assert charts == ['', '0', '1']  # of all and of each class
    assert 'Mean score: chair' in text
    assert (tmp_path / 'page_figures' / 'mean_score.png').exists()
    course = text[text.index('data-chart="mean_score"') :]
    cells = re.findall(r'<td role="cell">([\d.-]+)</td>', course[: course.index('</figure>')])
    assert len(cells) == COUNT
    assert [place for place, cell in enumerate(cells) if cell == '-'] == [BLIND]


def test_the_names_of_rows_differ():
    names = [row.name for row in metrics.METRICS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize('package', ['matplotlib', 'jinja2'])
def test_a_report_that_cannot_be_drawn_is_refused_before_any_work(tmp_path, package):
    words = ['bag', 'evaluate', str(tmp_path / 'missing'), '--report', str(tmp_path / 'page.html')]
    program = (
        f'import sys; sys.modules[{package!r}] = None\n'
        f'from yolact_core.cli import main; sys.exit(main({words!r}))'
    )
    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True)
    assert done.returncode == 2
    assert (
        f'package {package} must be installed to write a report, got none: '
        "pip install 'yolact[plot]'"
    ) in done.stderr
