"""What int8 needs to know of a model."""

import shutil
from pathlib import Path

from recipes.__main__ import main
from yolact_core import load_network
from yolact_core.checkpoints.checkpoint import hash_weights, load_checkpoint
from yolact_core.checkpoints.model_zoo import shipped_models

REAL = Path(__file__).parents[1] / 'data' / 'real_rooms'


def test_ranges_are_written_but_for_the_exact_ones_and_all_else_stays(tmp_path, capsys):
    model = tmp_path / 'indoor.safetensors'
    shutil.copy(shipped_models()['indoor'], model)
    size = model.stat().st_size
    pictures = tmp_path / 'pictures'
    pictures.mkdir()
    shutil.copy(REAL / 'desk.png', pictures)
    exact = ['--exact', 'backbone.conv1', 'backbone.layers.0', 'backbone.layers.1']
    main(['ranges', str(model), '--images', str(pictures), *exact])
    before, facts = load_checkpoint(shipped_models()['indoor'])
    after, said = load_checkpoint(model)
    assert f'ranges of {len(after.ranges)} values' in capsys.readouterr().out
    assert hash_weights(after) == hash_weights(load_network('indoor'))
    assert said == facts
    assert not any(name.startswith('backbone.layers.1') for name in after.ranges)
    assert after.ranges.keys() < before.ranges.keys()
    assert model.stat().st_size < size
