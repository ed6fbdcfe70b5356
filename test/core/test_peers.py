"""Networks of others are measured as ours are, where their packages are installed."""

import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip('openvino', reason="needs pip install 'yolact[openvino]'")
from peer_networks import Peer
from peers import LARGE, SMALL, Contender, measure, say_table

from yolact_core.benchmark.workload import draw_images
from yolact_core.errors import InputError

WANTED = 3


class Stripes(Peer):
    """Scores each row of an image by its mean; what is found is a row."""

    title, package, licence = 'Stripes', 'torch', 'MIT'

    def build(self, sample):
        assert sample.shape == (1, 3, self.side, self.side)
        return nn.Sequential(nn.Conv2d(3, 1, 1), nn.AvgPool2d((1, self.side)))

    def prepare(self, rgb):
        rows = torch.from_numpy(rgb[: self.side, : self.side].copy()).float() / 255
        return rows.permute(2, 0, 1).unsqueeze(0)

    def finish(self, outputs, size):
        (rows,) = (self.scores(outputs)[0] > self.threshold).nonzero(as_tuple=True)
        masks = torch.zeros(len(rows), *size, dtype=torch.bool)
        masks[torch.arange(len(rows)), rows] = True
        return masks

    def scores(self, outputs):
        return outputs[0].flatten(), WANTED

    def _set_up(self):
        """Need nothing."""


class Missing(Stripes):
    """Comes in a package that nobody has."""

    package = 'no-such-package'


def test_a_peer_finds_as_much_as_is_wanted_and_is_converted_once(tmp_path):
    images = draw_images((32, 48), 2)
    found = [Stripes(16, 'float32', tmp_path, images)(images[0]) for _ in range(2)]
    assert [masks.shape for masks in found] == [(WANTED, 32, 48)] * 2
    np.testing.assert_array_equal(*found)
    (file,) = tmp_path.glob('*.xml')
    assert file.name.startswith('Stripes-torch-')
    assert Stripes(16, 'float32', tmp_path, images).parameters == 4


def test_what_is_not_installed_is_left_out_with_what_to_do(tmp_path):
    with pytest.raises(InputError, match='no-such-package must be installed for Stripes: pip'):
        Missing(16, 'float32', tmp_path, draw_images((32, 48), 1))


def test_a_precision_that_a_package_does_not_offer_is_refused(tmp_path):
    with pytest.raises(InputError, match="Stripes must be float32 or bfloat16, got 'int8'"):
        Stripes(16, 'int8', tmp_path, draw_images((32, 48), 1))


def test_the_table_tells_how_many_times_longer_others_take(capsys):
    def contender(name):
        return Contender(name, 'MIT', '', 2_000_000, 'float32', lambda image: image)

    contenders = [contender(name) for name in (SMALL, LARGE, 'other')]
    image = np.zeros((5, 4, 3), np.uint8)
    samples = measure(contenders, [image], rounds=2, seconds=60)
    assert [len(found) for found in samples.values()] == [2, 2, 2]
    assert samples['other', 'float32'][0][1] == 5
    times = {SMALL: 0.01, LARGE: 0.1, 'other': 0.05}
    say_table(
        contenders,
        {(name, 'float32'): [(seconds, 15)] * 2 for name, seconds in times.items()},
    )
    *_, small, _large, other = capsys.readouterr().out.splitlines()
    assert small.split(' | ')[-3:] == ['10.0', '1', '0.10 (0.10 to 0.10) |']
    expected = 'other | MIT | - | 2.0 M | float32 | 15 | 50.0 | 5.00 (5.00 to 5.00) | 0.5'
    assert expected in other
