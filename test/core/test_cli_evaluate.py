import json
import re

import pytest
from shapes import write_shapes

from yolact_core import InputError
from yolact_core.cli import evaluate as command
from yolact_core.cli.options import parse_options

NAMES = ('person', 'chair', 'sofa')


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
    """Return shapes under names that the model knows, but for one."""
    folder = tmp_path_factory.mktemp('shapes')
    path = write_shapes(folder, images=4, seed=2, size=(60, 80))
    content = json.loads(path.read_text())
    names = (*NAMES, 'star', 'ring')
    for category, name in zip(content['categories'], names, strict=True):
        category['name'] = name
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def run(capsys, dataset, tiny_model):
    """Run the command on the shapes and return what it said."""

    def call(*words):
        fixed = [dataset, '--images', dataset.parent / 'images', '--model', tiny_model]
        options = parse_options(command.Options, (*fixed, '--device', 'cpu', *words))
        assert command.run(options) == 0
        return capsys.readouterr().out

    return call


def test_the_table_says_what_was_measured(run):
    said = run('--per-class')
    assert 'tiny@' in said
    assert '4 images' in said
    assert 'scores above 0.0' in said
    assert 'protocol coco' in said
    assert 'not known to the model, left out: sofa, star, ring' in said
    for row in ('AP50', 'AP95', 'AP small', 'AR, 100 detections', 'person', 'chair'):
        assert row in said
    assert 'drawn anew, with replacement, 1000 times' in said
    assert re.search(r'AP50 .* \d+\.\d\d \(\d+\.\d to \d+\.\d\)', said)
    assert re.search(r'person .* \d+\.\d\d \(\d+ to \d+\)', said)


def test_figures_can_do_without_intervals(run):
    said = run('--resamples', 0, '--limit', 2)
    assert 'drawn anew' not in said
    assert ' to ' not in said.partition('in percent')[2]
    assert 'drawn anew' not in run('--protocol', 'original', '--limit', 2)


def test_figures_can_be_had_as_json_and_in_files(run, tmp_path):
    words = ('--output', tmp_path / 'figures.json', '--export', tmp_path / 'results')
    said = run('--json', '--limit', 4, *words)
    found = json.loads(said)
    assert found['images'] == 4
    wanted = {'protocol': 'coco', 'score_threshold': 0.0, 'limit': 4, 'resamples': 1000}
    assert found['options'] == wanted
    box = found['precisions']['box']
    assert box['intervals']['ap50']['low'] <= box['ap50'] <= box['intervals']['ap50']['high']
    assert json.loads((tmp_path / 'figures.json').read_text()) == found
    for name in ('boxes.json', 'masks.json'):
        records = json.loads((tmp_path / 'results' / name).read_text())
        assert {record['category_id'] for record in records} <= {7, 14}


def test_variants_are_compared_side_by_side(run):
    said = run('--compare', 'nms,threshold', '--limit', 1, '--protocol', 'original')
    assert 'protocol original' in said
    for word in ('fast', 'traditional', 'threshold', '0.05', 'total, ms'):
        assert word in said
    records = json.loads(run('--compare', 'nms', '--limit', 1, '--json'))
    assert [record['value'] for record in records] == ['fast', 'traditional']


def test_an_unknown_comparison_is_refused(run):
    with pytest.raises(InputError, match="must be one of nms, size, threshold, got 'colour'"):
        run('--compare', 'nms,colour')
