"""``yolact detect`` on a picture with depth behind it."""

from __future__ import annotations

import json
import re

import cv2
import numpy as np
import pytest
from point_files import read_ply
from pycocotools import mask as coco_masks

from yolact_core.cli import main

CAMERA = """\
image_width: 128
image_height: 96
camera_name: camera
camera_matrix: {rows: 3, cols: 3, data: [100, 0, 63.5, 0, 100, 47.5, 0, 0, 1]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [0, 0, 0, 0, 0]}
rectification_matrix: {rows: 3, cols: 3, data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
projection_matrix: {rows: 3, cols: 4, data: [200, 0, 63.5, 0, 0, 200, 47.5, 0, 0, 0, 1, 0]}
"""
WALL = np.full((96, 128), 1500, np.uint16)  # mm


@pytest.fixture
def run(photo, tiny_model, tmp_path):
    """Run the command on a picture before a wall; return its status."""
    cv2.imwrite(str(tmp_path / 'photo.png'), photo[..., ::-1])
    cv2.imwrite(str(tmp_path / 'depth.png'), WALL)
    (tmp_path / 'camera.yaml').write_text(CAMERA)

    def detect(*words, depth='depth.png', pictures=('photo.png',)):
        named = [tmp_path / picture for picture in pictures]
        fixed = ['--model', tiny_model, '--output', tmp_path / 'out', '--score-threshold', 0.05]
        files = ['--depth', tmp_path / depth, '--camera', tmp_path / 'camera.yaml']
        return main(['detect', *map(str, [*named, *fixed, *files, *words])])

    return detect


@pytest.fixture
def read(tmp_path):
    """Return the annotations that were written."""
    return lambda: json.loads((tmp_path / 'out/detections.json').read_text())['annotations']


def to_pixels(point):
    """Return the column and row that see a point."""
    x, y, z = point
    return x / z * 100 + 63.5, y / z * 100 + 47.5


def test_each_instance_has_its_place_in_space(run, read):
    assert run() == 0
    found = [one for one in read() if one['depth'] is not None]
    assert len(found) > 10
    for one in found:
        assert one['depth'] == one['centroid'][2] == one['pose']['position'][2] == 1.5
        assert one['pose']['orientation'] == [0, 0, 0, 1]
        assert one['valid_share'] == 1
        rows, columns = np.nonzero(coco_masks.decode(one['segmentation']))
        for point in (one['centroid'], one['nearest'], one['pose']['position']):
            column, row = to_pixels(point)
            assert columns.min() - 0.1 <= column <= columns.max() + 0.1
            assert rows.min() - 0.1 <= row <= rows.max() + 0.1
        width, height, depth = one['size']
        assert 0 <= width <= (np.ptp(columns) + 1) * 1.5 / 100 + 1e-3
        assert 0 <= height <= (np.ptp(rows) + 1) * 1.5 / 100 + 1e-3
        assert depth == pytest.approx(0, abs=1e-4)


def test_depth_in_metres_is_the_same(run, read, tmp_path):
    cv2.imwrite(str(tmp_path / 'depth.tiff'), WALL.astype(np.float32) / 1000)
    assert run() == 0
    in_millimetres = [one['depth'] for one in read()]
    assert run(depth='depth.tiff') == 0
    assert [one['depth'] for one in read()] == in_millimetres
    assert 1.5 in in_millimetres


def test_rectified_pictures_have_the_projection_matrix(run, read):
    run()
    raw = read()
    run('--rectified')
    for one, other in zip(raw, read(), strict=True):  # twice the focal length
        if one['depth'] is not None:
            np.testing.assert_allclose(other['size'][:2], np.array(one['size'][:2]) / 2, atol=2e-4)


def test_where_nothing_was_measured_all_is_null(run, read, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / 'holes.png'), np.zeros_like(WALL))
    assert run(depth='holes.png') == 0
    keys = ('depth', 'centroid', 'nearest', 'pose', 'size', 'valid_share')
    found = read()
    assert found
    assert {one[key] for one in found for key in keys} == {None}
    assert capsys.readouterr().out.count('unknown') == len(found)


def test_without_depth_nothing_is_said_of_it(tiny_model, run, read, tmp_path, capsys):
    words = [tmp_path / 'photo.png', '--model', tiny_model, '--output', tmp_path / 'out']
    assert main(['detect', *map(str, words)]) == 0
    assert read()
    assert not any('depth' in one for one in read())
    assert 'distance' not in capsys.readouterr().out


def test_the_table_tells_distance_and_size(run, read, capsys):
    run()
    first = next(one for one in read() if one['depth'] is not None)
    out = capsys.readouterr().out
    assert 'distance, m' in out
    size = ' x '.join(f'{edge:.2f}' for edge in first['size'])
    assert re.search(rf'^\w+ +{first["score"]:.2f} +1\.50 +{size}$', out, re.MULTILINE)


def test_the_summary_as_json_has_the_objects(run, read, capsys):
    run('--json')
    objects = json.loads(capsys.readouterr().out)['objects']
    assert [one['label'] for one in objects] == [one['label'] for one in read()]
    assert [one['depth'] for one in objects] == [one['depth'] for one in read()]


def test_points_have_the_colour_and_the_label_of_the_pixel_that_sees_them(
    run, read, photo, tmp_path
):
    assert run('--points', tmp_path / 'points.ply') == 0
    found = {one['label']: one for one in read() if one['depth'] is not None}
    masks = {label: coco_masks.decode(one['segmentation']) for label, one in found.items()}
    points = read_ply((tmp_path / 'points.ply').read_bytes())
    assert {point['label'] for point in points} == set(masks)
    for point in points:
        assert point['z'] == pytest.approx(1.5)
        column, row = map(round, to_pixels((point['x'], point['y'], 1.5)))
        assert point['rgb'] == tuple(photo[row, column].tolist())
        assert masks[point['label']][row, column]


def refuse(status, capsys):
    """Return the one sentence of a refusal."""
    assert status == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    ('values', 'text'),
    [
        (WALL[:48], r'depth\.png must have the size of .*photo\.png, 128 x 96, got 128 x 48'),
        (WALL.astype(np.uint8), 'or float32 in metres, got uint8 of 1 channel$'),
        (np.dstack([WALL] * 3), 'or float32 in metres, got uint16 of 3 channels$'),
    ],
)
def test_depth_that_does_not_fit_is_refused(run, tmp_path, capsys, values, text):
    cv2.imwrite(str(tmp_path / 'depth.png'), values)
    assert re.search(text, refuse(run(), capsys))


def test_a_calibration_of_another_size_is_refused(run, tmp_path, capsys):
    (tmp_path / 'camera.yaml').write_text(CAMERA.replace('96', '97'))
    line = refuse(run(), capsys)
    assert re.search(r'camera\.yaml must have the size of .*, 128 x 96, got 128 x 97', line)


def test_a_calibration_that_is_none_is_refused(run, tmp_path, capsys):
    (tmp_path / 'camera.yaml').write_text('image_width: 128\n')
    assert 'camera.yaml: image_height must be a whole number, got None' in refuse(run(), capsys)


def test_several_pictures_with_one_depth_are_refused(run, photo, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / 'other.png'), photo)
    line = refuse(run(pictures=('photo.png', 'other.png')), capsys)
    assert '--depth must go with one picture, got 2 sources' in line


def test_a_video_with_depth_is_refused(run, tmp_path, capsys):
    (tmp_path / 'clip.mp4').write_bytes(b'a video')
    line = refuse(run(pictures=('clip.mp4',)), capsys)
    assert '--depth must go with one picture, got the video clip.mp4' in line


def test_depth_without_calibration_is_refused(run, tmp_path, capsys):
    status = main(
        ['detect', *map(str, [tmp_path / 'photo.png', '--depth', tmp_path / 'depth.png'])]
    )
    assert '--depth and --camera must be given together' in refuse(status, capsys)


def test_another_format_of_points_is_refused_before_any_work(run, tmp_path, capsys):
    line = refuse(run('--points', tmp_path / 'points.xyz'), capsys)
    assert re.search(r"must end in \.ply or \.pcd, got '.*points\.xyz'", line)
    assert not (tmp_path / 'out').exists()


def test_a_picture_that_a_viewer_turns_is_refused(run, photo, tmp_path, capsys):
    from PIL import Image

    picture = Image.fromarray(photo)
    exif = picture.getexif()
    exif[0x112] = 3
    picture.save(tmp_path / 'turned.jpg', exif=exif)
    line = refuse(run(pictures=('turned.jpg',)), capsys)
    assert re.search(r'turned\.jpg must be stored upright, .* got EXIF orientation 3$', line)
