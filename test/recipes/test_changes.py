"""What each change of the renderings gave."""

import json
from pathlib import Path

from recipes.indoor.changes import MeasureOptions, Options, run, run_measure

REAL = Path(__file__).parents[1] / 'data' / 'real_rooms'


def write_figures(path, values):
    """Write what was measured on one data set, and return the file."""
    path.write_text(json.dumps({'rendered: mask AP50': values}))
    return path


def test_differences_are_of_the_same_pictures_and_stand_out_beyond_chance(tmp_path, capsys):
    drawn = {'plain': [20, 10, 30], 'people': [21, 9, 33], 'soft': [22, 12, 32]}
    figures = [write_figures(tmp_path / f'{name}.json', one) for name, one in drawn.items()]
    run(Options(figures=tuple(figures)))
    assert capsys.readouterr().out.splitlines() == [
        '| frames | rendered: mask AP50 |',
        '| --- | --- |',
        '| plain | 20.0 (10.5 to 29.5) |',
        '| people | +1.0 (-0.9 to +2.9) |',
        '| soft | **+2.0** (+2.0 to +2.0) |',
    ]


def test_what_is_measured_is_what_the_command_measures(tmp_path, capsys):
    content = json.loads((REAL / 'instances.json').read_text())
    content['images'] = content['images'][:2]
    kept = {image['id'] for image in content['images']}
    content['annotations'] = [one for one in content['annotations'] if one['image_id'] in kept]
    annotations, output = tmp_path / 'two.json', tmp_path / 'plain.json'
    annotations.write_text(json.dumps(content))
    run_measure(
        MeasureOptions(
            model=Path('indoor'), output=output, annotations=(annotations,), images=(REAL,),
            names=('real',),
        )
    )  # fmt: skip
    drawn = json.loads(output.read_text())
    assert list(drawn) == ['real: box AP50', 'real: mask AP50']
    for values in drawn.values():
        assert len(values) == 1001
        assert min(values[1:]) <= values[0] <= max(values[1:])
