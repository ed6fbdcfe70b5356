"""``yolact detect`` on real files, with a small network whose weights are random."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from yolact_core import Detector
from yolact_core.cli import main
from yolact_core.media.image_files import read_image
from yolact_core.media.video_writing import write_video
from yolact_core.media.videos import VideoReader


@pytest.fixture
def folder(tmp_path, photo):
    """Return a folder with a JPEG, a grey PNG and a transparent PNG in it."""
    folder = tmp_path / 'bilder-ä'
    folder.mkdir()
    pictures = {
        'one.jpg': photo,
        'grey.png': photo[..., 0],
        'clear.png': np.dstack([photo, photo[..., :1]]),
    }
    for name, picture in pictures.items():
        (folder / name).write_bytes(cv2.imencode(Path(name).suffix, picture)[1].tobytes())
    return folder


@pytest.fixture
def video(tmp_path, photo):
    path = tmp_path / 'clip.mp4'
    with write_video(path, 12.0) as add:
        for shift in range(6):
            add(np.roll(photo, 5 * shift, axis=1))
    return path


def detect(*arguments: object) -> int:
    return main(['detect', *map(str, arguments)])


def test_a_folder_becomes_overlays_masks_and_one_data_set(folder, tiny_model, tmp_path, capsys):
    out = tmp_path / 'out'

    status = detect(folder, '--model', tiny_model, '--output', out, '--masks')

    assert status == 0
    written = sorted(str(path.relative_to(out)) for path in out.rglob('*.*'))
    assert written == [
        'clear.png', 'detections.json', 'grey.png', 'masks/clear.png', 'masks/grey.png',
        'masks/one.png', 'one.jpg',
    ]  # fmt: skip
    printed = capsys.readouterr()
    assert printed.out.startswith('3 images by tiny on cpu: ')
    assert printed.err == ''


def test_the_data_set_holds_what_the_detector_found(folder, tiny_model, tmp_path):
    out = tmp_path / 'out'

    detect(folder, '--model', tiny_model, '--output', out, '--masks')

    coco = COCO(out / 'detections.json')
    detector = Detector.load(tiny_model)
    assert [entry['name'] for entry in coco.dataset['categories']] == list(detector.class_names)
    for image in coco.dataset['images']:
        rgb = read_image(folder / image['file_name'])
        detections = detector(rgb)
        annotations = coco.imgToAnns[image['id']]
        labels = cv2.imread(
            str(out / 'masks' / image['file_name'].replace('jpg', 'png')), cv2.IMREAD_UNCHANGED
        )
        assert (image['height'], image['width']) == rgb.shape[:2]
        assert len(annotations) == len(detections) > 0
        for annotation, mask in zip(annotations, detections.masks.dense(), strict=True):
            np.testing.assert_array_equal(coco.annToMask(annotation), mask)
        np.testing.assert_array_equal(labels, detections.masks.label_image())
        assert [entry['label'] for entry in annotations] == list(range(1, len(detections) + 1))
        np.testing.assert_allclose(
            [entry['score'] for entry in annotations], detections.scores, atol=1e-6
        )
        boxes = np.array([entry['bbox'] for entry in annotations])
        boxes[:, 2:] += boxes[:, :2]
        np.testing.assert_allclose(boxes, detections.boxes, atol=2e-3)


def test_a_video_keeps_its_size_and_rate(video, tiny_model, tmp_path):
    out = tmp_path / 'out'

    status = detect(video, '--model', tiny_model, '--output', out)

    reader = VideoReader(out / 'clip.mp4')
    frames = [rgb.shape for _, rgb in reader.images()]
    reader.close()
    assert status == 0
    assert reader.fps == pytest.approx(12.0)
    assert frames == [(96, 128, 3)] * 6
    images = json.loads((out / 'detections.json').read_text())['images']
    assert [image['file_name'] for image in images] == [f'clip.mp4#{i}' for i in range(6)]


def test_every_and_limit_thin_out_a_video(video, tiny_model, tmp_path):
    out = tmp_path / 'out'

    detect(video, '--model', tiny_model, '--output', out, '--every', 2, '--limit', 2, '--masks')

    images = json.loads((out / 'detections.json').read_text())['images']
    assert [image['frame'] for image in images] == [0, 2]
    assert sorted(path.name for path in (out / 'masks' / 'clip').iterdir()) == [
        '000000.png',
        '000002.png',
    ]


def test_the_summary_as_json_counts_instances_by_class(folder, tiny_model, tmp_path, capsys):
    out = tmp_path / 'out'

    detect(folder, '--model', tiny_model, '--output', out, '--no-overlay', '--json')

    summary = json.loads(capsys.readouterr().out)
    annotations = json.loads((out / 'detections.json').read_text())['annotations']
    assert sum(summary['instances'].values()) == len(annotations)
    assert summary['images'] == 3
    assert set(summary['milliseconds']) == {'preprocess', 'network', 'nms', 'masks', 'total'}
    assert [path.name for path in out.iterdir()] == ['detections.json']


def test_only_the_classes_asked_for_are_kept(folder, tiny_model, tmp_path):
    out = tmp_path / 'out'

    detect(folder, '--model', tiny_model, '--output', out, '--classes', 'chair, cup')

    dataset = json.loads((out / 'detections.json').read_text())
    names = {entry['id']: entry['name'] for entry in dataset['categories']}
    found = {names[entry['category_id']] for entry in dataset['annotations']}
    assert found
    assert found <= {'chair', 'cup'}


def test_one_bad_image_does_not_lose_the_others(folder, tiny_model, tmp_path, capsys):
    out = tmp_path / 'out'
    whole = (folder / 'one.jpg').read_bytes()
    (folder / 'cut.jpg').write_bytes(whole[: len(whole) // 2])

    status = detect(folder, '--model', tiny_model, '--output', out)

    printed = capsys.readouterr()
    assert status == 2
    assert printed.err.startswith('yolact: error: ')
    assert printed.err.count('\n') == 1
    assert 'cut.jpg must be a whole image file' in printed.err
    assert '1 of 4 sources' in printed.out
    assert sorted(path.name for path in out.iterdir()) == [
        'clear.png', 'detections.json', 'grey.png', 'one.jpg',
    ]  # fmt: skip


def test_images_of_one_name_in_two_folders_do_not_replace_each_other(folder, tiny_model, tmp_path):
    other = tmp_path / 'other'
    other.mkdir()
    (other / 'one.jpg').write_bytes((folder / 'one.jpg').read_bytes())
    out = tmp_path / 'out'

    detect(folder / 'one.jpg', other / 'one.jpg', '--model', tiny_model, '--output', out)

    written = {str(path.relative_to(out)) for path in out.rglob('*.jpg')}
    assert written == {'bilder-ä/one.jpg', 'other/one.jpg'}


def test_a_video_that_was_cut_off_is_kept_as_far_as_it_goes_and_told(
    photo, tiny_model, tmp_path, capsys
):
    path = tmp_path / 'cut.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10, (128, 96))
    for _ in range(20):
        writer.write(photo)
    writer.release()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    out = tmp_path / 'out'

    status = detect(path, '--model', tiny_model, '--output', out)

    assert status == 2
    assert 'cut.avi must be whole, but its end is missing: ' in capsys.readouterr().err
    assert (out / 'cut.mp4').is_file()
    assert json.loads((out / 'detections.json').read_text())['images']


def test_ctrl_c_keeps_what_is_done(folder, tiny_model, tmp_path, monkeypatch, capsys):
    detect_batch = Detector.detect_batch

    def interrupt(self, images):
        signal.raise_signal(signal.SIGINT)
        return detect_batch(self, images)

    monkeypatch.setattr(Detector, 'detect_batch', interrupt)
    out = tmp_path / 'out'

    status = detect(folder, '--model', tiny_model, '--output', out)

    assert status == 130
    assert capsys.readouterr().err == ''
    assert sorted(path.name for path in out.iterdir()) == ['clear.png', 'detections.json']


def track_ids(file: Path) -> list[list[int | None]]:
    """Return the track of each annotation, image by image; none at all where it says nothing."""
    content = json.loads(file.read_text())
    return [
        [
            one['track_id']
            for one in content['annotations']
            if one['image_id'] == image['id'] and 'track_id' in one
        ]
        for image in content['images']
    ]


def test_instances_of_a_video_are_followed(tiny_model, tmp_path, photo, capsys):
    """A scene that stands still has the same tracks in all frames, and another video others."""
    still, again = tmp_path / 'still.mp4', tmp_path / 'again.mp4'
    with write_video(still, 12.0) as add:
        for _ in range(4):
            add(photo)
    again.write_bytes(still.read_bytes())
    options = ('--model', tiny_model, '--color-by', 'track', '--score-threshold', 0.05)

    assert detect(still, again, *options, '--output', tmp_path / 'out') == 0
    printed = capsys.readouterr().out
    assert detect(still, *options, '--no-tracks', '--output', tmp_path / 'untracked') == 0

    images = track_ids(tmp_path / 'out' / 'detections.json')
    first, second = ({*found} - {None} for found in images[::4])
    assert len(first) == len(second) > 0 == len(first & second)
    assert all({*first, None} >= {*found} for found in images[:4])
    assert f'tracks in videos: {len(first | second)}' in printed
    assert track_ids(tmp_path / 'untracked' / 'detections.json') == [[]] * 4


def test_pictures_have_no_tracks(folder, tiny_model, tmp_path):
    detect(folder, '--model', tiny_model, '--output', tmp_path / 'out')
    assert track_ids(tmp_path / 'out' / 'detections.json') == [[]] * 3
