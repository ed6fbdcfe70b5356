import json

import pytest
from coco_files import annotation, write_dataset
from shapes import write_shapes

from yolact_core.cli import main


@pytest.fixture
def run(capsys):
    """Run the command and return its exit status and what it said."""

    def call(*words):
        status = main(['dataset', *map(str, words)])
        return status, capsys.readouterr().out

    return call


def test_a_good_data_set_passes(run, tmp_path):
    path = write_shapes(tmp_path, images=12, seed=1, size=(64, 96))
    status, said = run('check', path, '--images', tmp_path / 'images')
    assert status == 0
    assert said.strip().endswith('annotations.json: 0 errors, 0 warnings')


def test_errors_exit_with_1_and_warnings_with_0(run, tmp_path):
    warned = annotation(8, 20, [5, 5, 0, 9], category_id=90)
    path = write_dataset(tmp_path, [annotation(7, 10, [1, 1, 5, 5]), warned])
    status, said = run('check', path, '--images', tmp_path)
    assert status == 0
    assert f'{path}: warning: annotation 8 in 1.png: bbox must have an area' in said
    (tmp_path / '0.png').unlink()
    status, said = run('check', path, '--images', tmp_path)
    assert status == 1
    assert f'{path}: error: image 10 (0.png): {tmp_path / "0.png"} must be a readable' in said


def test_long_lists_are_cut_unless_all_is_asked_for(run, tmp_path):
    bad = [annotation(number, 99, [1, 1, 5, 5]) for number in range(150)]
    path = write_dataset(tmp_path, bad)
    _, short = run('check', path, '--images', tmp_path)
    _, long = run('check', path, '--images', tmp_path, '--all')
    assert '50 more of the kind error; --all lists them' in short
    assert (short.count('image_id must be'), long.count('image_id must be')) == (100, 150)


def test_problems_can_be_had_as_json(run, tmp_path):
    path = write_dataset(tmp_path, [annotation(7, 99, [1, 1, 5, 5])])
    status, said = run('check', path, '--images', tmp_path, '--json')
    found = json.loads(said)
    assert status == 1
    assert found['error'] == 1
    assert found['problems'][0]['where'] == 'annotation 7'


def test_statistics_show_classes_and_priors_to_paste(run, tmp_path):
    path = write_shapes(tmp_path, images=6, seed=1, size=(64, 96))
    status, said = run('stats', path, '--input-size', 128)
    assert status == 0
    assert '6 images' in said
    assert 'triangle' in said
    assert 'objects that a prior overlaps with IoU 0.5 or more, at input size 128:' in said
    assert said.count('    - [') == 5


def test_statistics_can_be_had_as_json(run, tmp_path):
    path = write_shapes(tmp_path, images=3, seed=1, size=(64, 96))
    _, said = run('stats', path, '--input-size', 128, '--json', '--config', 'yolact_base')
    found = json.loads(said)
    assert found['images'] == 3
    assert len(found['classes']) == 5
    assert found['fitted_priors']['recall'] >= 0


def test_a_network_that_predicts_distances_has_no_priors_to_fit(run, tmp_path):
    path = write_shapes(tmp_path, images=3, seed=1, size=(64, 96))
    status, said = run('stats', path, '--config', 'yolact_nanodet')
    assert status == 0
    assert '3 images' in said
    assert 'yolact_nanodet predicts distances' in said
    assert 'it has no priors to fit' in ' '.join(said.split())
    assert 'scales' not in said
    _, said = run('stats', path, '--config', 'yolact_nanodet', '--json')
    found = json.loads(said)
    assert found['images'] == 3
    assert found['current_priors'] is found['fitted_priors'] is None


def test_other_formats_are_converted(run, tmp_path):
    write_dataset(tmp_path, [], images=1)
    (tmp_path / '0.txt').write_text('0 0.1 0.1 0.5 0.1 0.5 0.5\n')
    (tmp_path / 'data.yaml').write_text('names: [cup]\n')
    words = ('--images', tmp_path, '--names', tmp_path / 'data.yaml')
    status, said = run('convert', 'yolo', tmp_path, tmp_path / 'coco.json', *words)
    assert status == 0
    assert 'coco.json: 1 images, 1 objects\n"yolact dataset check" tells' in said
    assert run('check', tmp_path / 'coco.json', '--images', tmp_path)[0] == 0
    (tmp_path / '1.txt').write_text('0 0.1 0.1 0.5 0.1 0.5 0.5\n')
    status, said = run('convert', 'yolo', tmp_path, tmp_path / 'coco.json', *words)
    assert status == 2
    assert '1 images, 1 objects; 1 files could not be converted' in said
