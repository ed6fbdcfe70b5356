"""What a model loses in a precision."""

import json
import shutil
from pathlib import Path

import pytest

from recipes.__main__ import main
from recipes.shipping.losses import mask_precision
from yolact_core import Detector, load_network
from yolact_core.checkpoints.checkpoint import hash_weights, read_losses
from yolact_core.checkpoints.model_zoo import shipped_models
from yolact_core.dataset import CocoDataset
from yolact_core.evaluation import evaluate

REAL = Path(__file__).parents[1] / 'data' / 'real_rooms'


@pytest.fixture
def annotations(tmp_path):
    """Return annotations of two pictures."""
    content = json.loads((REAL / 'instances.json').read_text())
    content['images'] = content['images'][:2]
    kept = {image['id'] for image in content['images']}
    content['annotations'] = [one for one in content['annotations'] if one['image_id'] in kept]
    path = tmp_path / 'two.json'
    path.write_text(json.dumps(content))
    return path


def test_one_set_of_pictures_gives_what_the_command_gives(annotations):
    detector = Detector.load('indoor', backend='torch')
    dataset = CocoDataset(annotations, REAL)
    points = mask_precision(detector, [dataset])
    assert points[0] == pytest.approx(evaluate(detector, dataset).mask.ap, abs=1e-6)
    assert points.shape == (1001,)
    twice = mask_precision(detector, [dataset, dataset])
    assert twice[0] == pytest.approx(points[0], abs=1.0)  # recalls are sampled at 101 places


def test_a_loss_is_written_and_weights_stay(annotations, tmp_path, capsys, monkeypatch):
    pytest.importorskip('openvino')
    monkeypatch.setenv('YOLACT_CACHE', str(tmp_path / 'cache'))
    model = tmp_path / 'indoor.safetensors'
    shutil.copy(shipped_models()['indoor'], model)
    others = {key: value for key, value in read_losses(model).items() if key != 'float32'}
    data = ['--annotations', str(annotations), '--images', str(REAL)]
    main(['losses', str(model), '--precision', 'float32', *data])
    assert 'float32 loses 0.00 (0.00 to 0.00) of mask AP' in capsys.readouterr().out
    assert read_losses(model) == {**others, 'float32': 0.0}
    assert hash_weights(load_network(model)) == hash_weights(load_network('indoor'))
