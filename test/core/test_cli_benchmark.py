import json

import pytest

from yolact_core import InputError
from yolact_core.benchmark.workload import draw_images
from yolact_core.cli import benchmark as command
from yolact_core.cli import main
from yolact_core.cli.options import parse_options
from yolact_core.media.image_files import read_image, write_image

SMALL = ('--size', '80x60', '--rounds', 2, '--backends', 'torch', '--device', 'cpu')


@pytest.fixture
def run(capsys, tiny_model):
    """Run the command on a small model and return what it said."""

    def call(*words):
        options = parse_options(command.Options, ('--model', tiny_model, *words))
        assert command.run(options) == 0
        return capsys.readouterr().out

    return call


def test_the_table_puts_all_side_by_side_and_says_what_was_left_out(run):
    said = run(*SMALL, '--precisions', 'float32,bfloat16,int8', '--reference', 'plain', '--busy')
    assert '80x60, 15 instances of 300 candidates; 2 rounds' in said
    for word in ('plain', 'torch float32', 'torch bfloat16', 'preprocess', 'times plain', 'busy'):
        assert word in said
    assert 'tiny torch int8: left out: precision of backend torch must be one of' in said
    assert 'GPU MiB' not in said
    assert 'mask AP' not in said


def test_all_can_be_had_as_json_and_as_a_picture(run, tmp_path):
    pytest.importorskip(
        'matplotlib', reason="matplotlib is not installed: pip install 'yolact[plot]'"
    )
    files = ('--json', tmp_path / 'all.json', '--plot', tmp_path / 'all.png')
    run(*SMALL, '--instances', 4, '--candidates', 20, '--threads', 1, *files)
    found = json.loads((tmp_path / 'all.json').read_text())
    assert found['machine']['threads'] == 1
    (result,) = found['results']
    assert result['instances'] == 4
    assert set(result['stages']['total']) == {'p50', 'p95'}
    assert read_image(tmp_path / 'all.png').size > 0


def test_images_of_a_folder_are_measured_with_what_is_in_them(run, tmp_path):
    for number, image in enumerate(draw_images((60, 80), count=2)):
        write_image(tmp_path / f'{number}.png', image)
    said = run('--images', tmp_path, *SMALL)
    assert '2 images of 80x60, what the models find' in said


def test_a_configuration_needs_no_weights(run):
    said = run('--model', 'yolact_mobilenetv3', '--random-weights', *SMALL)
    assert 'torch float32' in said


@pytest.mark.parametrize(
    ('words', 'complaint'),
    [
        (['--size', '640'], 'must be WIDTHxHEIGHT'),
        (['--backends', 'jax'], 'backend must be one of all, auto, torch'),
        (['--reference', 'best'], 'reference must be one of plain, mask_rcnn'),
        (['--candidates', '3'], 'instances, candidates and the'),
        (['--random-weights'], 'configuration must be one of'),
    ],
)
def test_bad_input_is_refused_in_one_sentence(words, complaint, tiny_model, capsys):
    fixed = ['benchmark', '--model', str(tiny_model), '--backends', 'torch', '--device', 'cpu']
    assert main([*fixed, '--rounds', '1', *words]) == 2
    said = capsys.readouterr()
    assert complaint in said.err
    assert said.err.count('\n') == 1


def test_only_files_of_evaluations_tell_accuracy(run, tmp_path):
    file = tmp_path / 'text.json'
    file.write_text('no')
    with pytest.raises(InputError, match='must be a file that "yolact evaluate --output" wrote'):
        run(*SMALL, '--accuracy', file)
