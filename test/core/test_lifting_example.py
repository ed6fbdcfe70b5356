"""The program in ``docs/library.md`` that lifts detections."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from yolact_core.lifting import Objects

PAGE = Path(__file__).parents[2] / 'docs/library.md'
CAMERA = """
image_width: 64
image_height: 48
camera_matrix: {data: [60, 0, 32, 0, 60, 24, 0, 0, 1]}
distortion_model: plumb_bob
distortion_coefficients: {data: [-0.1, 0, 0, 0, 0]}
projection_matrix: {data: [60, 0, 32, 0, 0, 60, 24, 0, 0, 0, 1, 0]}
"""


def test_the_program_runs(make_detections, tmp_path, monkeypatch, capsys):
    (section,) = PAGE.read_text(encoding='utf-8').split('## Objects in space')[1:]
    program = section.split('```python\n')[1].split('```')[0]
    (tmp_path / 'camera.yaml').write_text(CAMERA)
    monkeypatch.chdir(tmp_path)
    mask = np.zeros((1, 48, 64), np.bool_)
    mask[0, 10:30, 20:50] = True
    names = {
        'detections': make_detections(mask),
        'depth': np.full((48, 64), 2000, np.uint16),
        'rgb': np.zeros((48, 64, 3), np.uint8),
        'up': np.array([0.0, -1.0, 0.0]),
        'rotation': np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]),
        'translation': np.array([0, 0, 0.5]),
    }
    exec(program, names)
    assert capsys.readouterr().out.startswith("['person'] at [ 2. ")
    assert isinstance(names['level'], Objects)
    assert names['level'].is_upright
    assert names['colours'].shape == names['points'].shape
