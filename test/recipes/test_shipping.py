"""From a trained checkpoint to what ships: the file, its card, and the contact sheet."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from recipes.indoor.card import CELL, SPEED_HEAD, encode, lay_out, summarise_credits, write_card
from recipes.indoor.weights import ship
from yolact_core import Detector, ModelConfig, build_network
from yolact_core.checkpoints.checkpoint import Facts, load_checkpoint, save_checkpoint

CREDITS = """# Credits

| model | title | class | split | author | licence |
|---|---|---|---|---|---|
| a | Chair | chair | train | Jo | CC-BY-3.0 |
| b | Chair | chair | test | Jo | CC-BY-3.0 |
| c | Cup | cup | test | Zoe | CC0-1.0 |
"""
REAL = Path(__file__).parents[1] / 'data' / 'real_rooms' / 'instances.json'


def evaluation(images, by_class):
    part = {'ap': 12.34, 'ap50': 45.0, 'ap75': None, 'by_class': by_class}
    return {'images': images, 'objects': 9, 'precisions': {'box': part, 'mask': part}}


@pytest.fixture(scope='module')
def shipped(tmp_path_factory):
    """Ship a small network, and return the file."""
    folder = tmp_path_factory.mktemp('ship')
    config = ModelConfig.from_name('yolact_efficientnet_lite0').replace(
        name='run', input_size=64, feature_channels=8, class_names=('chair', 'bin')
    )
    training = {'images': 6000, 'steps': 1234, 'run': {'batch_size': 16}}
    facts = Facts(((0, 0, 0), (9, 9, 9)), training, 'Apache-2.0, credits beside.')
    save_checkpoint(build_network(config), folder / 'last.safetensors', facts)
    (folder / 'credits.md').write_text(CREDITS)
    paths = {'rendered': folder / 'rendered.json', 'real': folder / 'real.json'}
    paths['rendered'].write_text(json.dumps(evaluation(600, {'chair': 61.0, 'bin': None})))
    paths['real'].write_text(json.dumps(evaluation(14, {'chair': 20.0})))
    output = folder / 'models' / 'indoor.safetensors'
    ship(folder / 'last.safetensors', output, paths, folder / 'credits.md')
    return output


def test_a_shipped_model_has_its_name_its_figures_and_the_credits_beside_it(shipped):
    network, facts = load_checkpoint(shipped)
    assert network.config.name == 'indoor'
    assert facts.training['evaluation']['rendered']['images'] == 600
    assert facts.training['steps'] == 1234
    assert (shipped.parent / 'CREDITS.md').read_text() == CREDITS
    assert len(Detector.load(shipped, backend='torch')(np.zeros((40, 60, 3), np.uint8))) >= 0


def test_the_card_tells_figures_counts_and_licences(shipped, tmp_path):
    card = write_card(shipped, tmp_path / 'card.md', {'rendered': REAL, 'real': REAL})
    assert '| trained on | 6,000 rendered images, 1,234 steps of 16 |' in card
    assert '| real pictures, outlined by hand | 14 | 9 | 12.3 | 45.0 | 12.3 | 45.0 | - |' in card
    assert '| chair | 8 | 61.0 | 8 | 20.0 |' in card
    assert '| bin | 0 | - | 0 | - |' in card  # the only one is to be ignored
    assert '| CC-BY-3.0 | 2 | 1 |' in card
    assert 'Apache-2.0, credits beside.' in card
    assert '$' not in card


def test_a_new_card_keeps_the_speeds_of_the_old_one(shipped, tmp_path):
    path = tmp_path / 'card.md'
    path.write_text(write_card(shipped, path, {'rendered': REAL, 'real': REAL}))
    assert 'to be measured' in path.read_text()
    measured = '| laptop | openvino | 31 |\n| Jetson | tensorrt | 9 |'
    head, _, rest = path.read_text().partition(SPEED_HEAD)
    path.write_text(head + SPEED_HEAD + measured + '\n\n' + rest.split('\n\n', 1)[1])
    assert measured in write_card(shipped, path, {'rendered': REAL, 'real': REAL})


def test_credits_without_models_summarise_to_an_empty_table():
    assert summarise_credits('# Credits\n').count('\n') == 1


def test_credits_of_models_and_of_photographs_are_counted_together():
    photographs = '| photograph | author | licence |\n|---|---|---|\n| tree | Ada | CC0-1.0 |\n'
    models = '| model | author | licence |\n|---|---|---|\n| chair | Bo | CC0-1.0 |\n'
    assert summarise_credits(models + photographs).splitlines()[2:] == ['| CC0-1.0 | 2 | 2 |']


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
