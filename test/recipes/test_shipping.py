"""From a trained checkpoint to what ships: the file, its card, and sheets of pictures."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from recipes.__main__ import main
from recipes.shipping.card import (
    SPEED_HEAD,
    show_losses,
    summarise_credits,
    unmeasured,
    write_card,
)
from recipes.shipping.sheets import CELL, encode, find_pictures, lay_out
from recipes.shipping.ship import Options, ship, without_folders
from yolact_core import Detector, ModelConfig, build_network
from yolact_core.checkpoints.checkpoint import (
    Facts,
    load_checkpoint,
    save_checkpoint,
)

RECIPES = Path(__file__).parents[2] / 'recipes'
MODELS = """# Credits

| model | title | class | split | author | licence |
|---|---|---|---|---|---|
| a | Chair | chair | train | Jo | CC-BY-3.0 |
| b | Chair | chair | test | Jo | CC-BY-3.0 |
| c | Cup | cup | test | Zoe | CC0-1.0 |
"""
PHOTOGRAPHS = """| photographs of | count | licence |
|---|---|---|
| npm package a 1.0 | 30 | MIT |
| npm package b 1.0 | 12 | MIT |
"""
VIEWS = '| photograph | author | licence |\n|---|---|---|\n| tree | Ada | CC0-1.0 |\n'
SETS = ('rendered', 'real_rooms', 'choose', 'report')
CARD = """id `$model_id`, $images images, $steps steps of $batch_size, $license

| rendered | $rendered_row |
| real | $real_rooms_row |

$class_table

not measured: $unmeasured_classes

$data_licences

"""
CARD += SPEED_HEAD + '$speed_rows\n\nThe end.\n'


def evaluation(images, counts, ap50=45.0):
    """Return what the command wrote of a data set with so many objects of each class."""
    interval = {'low': 40.04, 'high': 50.06}
    part = {
        'ap': 12.34,
        'ap50': ap50,
        'ap50_by_class': dict.fromkeys(counts, 61.0),
        'intervals': {'ap50': interval, 'ap50_by_class': dict.fromkeys(counts, interval)},
    }
    return {
        'images': images,
        'objects': sum(counts.values()),
        'objects_by_class': counts,
        'precisions': {'box': part, 'mask': part},
    }


def write_figures(folder):
    """Write the figures of all data sets, and return their files."""
    found = dict.fromkeys(SETS, evaluation(14, {'chair': 8, 'bin': 0}))
    found['rendered'] = evaluation(600, {'chair': 361, 'bin': 0}, ap50=None)
    for name, figures in found.items():
        (folder / f'{name}.json').write_text(json.dumps(figures))
    return tuple(folder / f'{name}.json' for name in SETS)


@pytest.fixture(scope='module')
def shipped(tmp_path_factory):
    """Ship a small network, and return the file."""
    folder = tmp_path_factory.mktemp('ship')
    config = ModelConfig.from_name('yolact_efficientnet_lite0').replace(
        name='run', input_size=64, feature_channels=8, class_names=('chair', 'bin')
    )
    run = {'batch_size': 16, 'model': {'weights': '/home/jo/out/start.safetensors'}}
    training = {'images': 6000, 'steps': 1234, 'run': run}
    facts = Facts(((0, 0, 0), (9, 9, 9)), training, 'Apache-2.0, credits beside.')
    save_checkpoint(build_network(config), folder / 'last.safetensors', facts)
    (folder / 'models.md').write_text(MODELS)
    (folder / 'photographs.md').write_text(PHOTOGRAPHS)
    output = folder / 'models' / 'indoor.safetensors'
    ship(
        Options(
            checkpoint=folder / 'last.safetensors',
            output=output,
            figures=write_figures(folder),
            credits=(folder / 'models.md', folder / 'photographs.md'),
        )
    )
    return output


def test_a_shipped_model_has_its_name_its_figures_and_the_credits_beside_it(shipped):
    network, facts = load_checkpoint(shipped)
    assert network.config.name == 'indoor'
    assert facts.training['evaluation']['rendered']['images'] == 600
    assert facts.training['steps'] == 1234
    assert facts.license == 'Apache-2.0, credits beside.'
    found = (shipped.parent / 'indoor_credits.md').read_text()
    assert MODELS in found
    assert PHOTOGRAPHS in found
    assert len(Detector.load(shipped, backend='torch')(np.zeros((40, 60, 3), np.uint8))) >= 0


def test_a_shipped_model_does_not_tell_where_it_was_trained(shipped):
    _, facts = load_checkpoint(shipped)
    assert facts.training['run']['model']['weights'] == 'start.safetensors'


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('/a/b.json', 'b.json'),
        ('/a/b.c/d.json: 98 weights kept; 0/1 in /e/f', 'd.json: 98 weights kept; 0/1 in f'),
        ('https://example.org/a/b', 'https://example.org/a/b'),
        ('out/indoor/a.json', 'out/indoor/a.json'),
    ],
)
def test_of_absolute_paths_only_names_stay(text, expected):
    assert without_folders({'a': [text, 3]}) == {'a': [expected, 3]}


def test_the_card_tells_what_other_precisions_lose():
    assert show_losses({'int8': 0.4, 'bfloat16': 0.05}) == 'bfloat16 0.05, int8 0.40'


def test_the_card_tells_figures_with_intervals_counts_and_licences(shipped):
    card = write_card(shipped, CARD)
    assert '6,000 images, 1,234 steps of 16, Apache-2.0, credits beside.' in card
    one = '12.3 | 45.0 (40.0 to 50.1)'
    assert f'| real | 14 | 8 | {one} | {one} |' in card
    assert '| rendered | 600 | 361 | 12.3 | - | 12.3 | - |' in card
    row = '| chair | 361 | 61.0 (40 to 50) |' + ' 8 | 61.0 (40 to 50) |' * 3
    assert row in card
    assert '| class | rendered: objects | mask AP50 | real rooms: objects |' in card
    assert 'not measured: bin\n' in card
    assert '| CC-BY-3.0 | 2 models by 1 author |' in card
    assert '| MIT | 42 photographs |' in card
    assert '$' not in card


@pytest.mark.parametrize('recipe', ['nanodet', 'indoor'])
def test_the_cards_of_both_models_ask_for_what_a_model_tells(shipped, recipe):
    template = (RECIPES / recipe / 'model_card.md').read_text()
    card = write_card(shipped, template)
    assert '$' not in card
    assert '45.0 (40.0 to 50.1)' in card
    assert 'losses`): not measured. It is written' in card
    assert SPEED_HEAD in card


def test_a_card_that_asks_for_something_unknown_is_refused(shipped):
    with pytest.raises(SystemExit, match=r"must ask for model_id, .*, got 'age'"):
        write_card(shipped, 'It is $age old.')


def test_classes_without_an_object_in_any_data_set_are_not_measured():
    sets = {'a': evaluation(1, {'chair': 2, 'bin': 0}), 'b': evaluation(1, {'cup': 1})}
    assert unmeasured(('bin', 'chair', 'cup', 'bed'), sets) == ['bin', 'bed']


def test_a_new_card_keeps_the_speeds_of_the_old_one(shipped):
    card = write_card(shipped, CARD)
    assert 'to be measured' in card
    measured = '| laptop | openvino | 31 |\n| Jetson | tensorrt | 9 |'
    head, _, rest = card.partition(SPEED_HEAD)
    old = head + SPEED_HEAD + measured + '\n\n' + rest.split('\n\n', 1)[1]
    assert measured in write_card(shipped, CARD, old)


def test_speeds_come_from_the_benchmark_of_that_very_model(shipped, tmp_path):
    model_id = write_card(shipped, '$model_id')
    results = [
        {
            'model_id': owner,
            'backend': backend,
            'precision': 'float32',
            'stages': {'total': {'p50': time}},
        }
        for owner, backend, time in (
            (model_id, 'torch', 60.0),
            (model_id, 'onnx', 41.26),
            ('yolact_base@0', 'onnx', 999.0),
        )
    ]
    path = tmp_path / 'speed.json'
    path.write_text(json.dumps({'machine': {'cpu': 'EPYC', 'threads': 2}, 'results': results}))
    rows = '| EPYC, 2 threads | onnx float32 | 41.3 |\n| EPYC, 2 threads | torch float32 | 60.0 |'
    card = write_card(shipped, CARD, speed=path)
    assert SPEED_HEAD + rows + '\n\n' in card
    assert '999' not in card
    path.write_text(json.dumps({'machine': {'cpu': 'EPYC', 'threads': 2}, 'results': []}))
    with pytest.raises(SystemExit, match='must have a result of indoor@'):
        write_card(shipped, CARD, speed=path)


def test_credits_without_works_summarise_to_an_empty_table():
    assert summarise_credits('# Credits\n').count('\n') == 1


def test_credits_of_models_and_of_photographs_are_counted_apart():
    assert summarise_credits(MODELS + '\n' + VIEWS + PHOTOGRAPHS).splitlines()[2:] == [
        '| CC-BY-3.0 | 2 models by 1 author |',
        '| CC0-1.0 | 1 model by 1 author |',
        '| CC0-1.0 | 1 photograph by 1 author |',
        '| MIT | 42 photographs |',
    ]


def test_a_sheet_shows_the_pictures_that_a_file_lists(tmp_path):
    for name in ('b.png', 'a.jpg', 'c.jpg', 'notes.txt'):
        (tmp_path / name).touch()
    names = [path.name for path in find_pictures(tmp_path, None)]
    assert names == ['a.jpg', 'b.png', 'c.jpg']
    listed = {'images': [{'file_name': 'c.jpg'}, {'file_name': 'b.png'}]}
    file = tmp_path / 'some.json'
    file.write_text(json.dumps({**listed, 'annotations': [], 'categories': []}))
    assert [path.name for path in find_pictures(tmp_path, file)] == ['b.png', 'c.jpg']


@pytest.mark.parametrize(('count', 'rows'), [(1, 1), (4, 1), (5, 2)])
def test_pictures_of_any_shape_keep_it_on_a_sheet_of_whole_rows(count, rows):
    tall = np.zeros((900, 300, 3), np.uint8)
    sheet = lay_out([tall] * count, 4)
    assert sheet.shape == (rows * CELL[0], 4 * CELL[1], 3)
    dark = (sheet[: CELL[0], : CELL[1]] == 0).all(axis=2)
    assert dark.sum() == CELL[0] * (CELL[0] // 3)
    assert (sheet[-1, -1] == 255).all()


def test_a_sheet_is_compressed_until_it_fits():
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    best, smaller = encode(noise, 10**9), encode(noise, 80_000)
    assert len(smaller) <= 80_000 < len(best)
    assert cv2.imdecode(np.frombuffer(smaller, np.uint8), cv2.IMREAD_COLOR).shape == noise.shape
    with pytest.raises(SystemExit, match='must have at most 9 bytes'):
        encode(noise, 9)


def test_what_is_followed_through_a_bag_becomes_a_sheet(tmp_path):
    pytest.importorskip('rosbags', reason='it needs rosbags')
    bag, sheet = RECIPES.parent / 'test' / 'data' / 'room_path', tmp_path / 'sheet.jpg'
    assert main(['tracks', str(bag), str(sheet), '--count', '2', '--every', '3']) == 0
    pixels = cv2.imread(str(sheet))
    assert pixels.shape == (CELL[0], 3 * CELL[1], 3)
    assert pixels[:, 2 * CELL[1] + 8 :].min() > 240  # no third picture
    assert len(sheet.read_bytes()) <= 300_000
