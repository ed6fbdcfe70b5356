"""Photographs out of packages, and the masks that a teacher finds in them."""

import hashlib
import io
import json
import tarfile

import cv2
import numpy as np
import pytest
import yaml

pytest.importorskip('onnxruntime', reason='the teacher needs ONNX Runtime')

from recipes.pictures import read_sources, shrink
from recipes.teacher import pictures, sam, teach
from recipes.teacher.pictures import Lookalikes, Source, read_pictures
from recipes.teacher.sam import Outline, measure_stability
from recipes.teacher.teach import annotate, outline, to_coco
from yolact_core.dataset import CocoDataset
from yolact_core.detections import Detections
from yolact_core.errors import InputError
from yolact_core.masks.instance_masks import InstanceMasks

NAMES = ('cat', 'cup')


def scene(seed, size=(240, 320)):
    """Draw a picture like no other: smooth patches of random colours."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC)


def jpeg(rgb, quality=90):
    return cv2.imencode('.jpg', rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def write_package(cache, files):
    """Write a package as if npm had fetched it, and return its entry among the sources."""
    archive = cache / 'photos-1.0.0' / 'photos-1.0.0.tgz'
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, 'w:gz') as file:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return {
        'registry': 'npm',
        'name': 'photos',
        'version': '1.0.0',
        'sha256': hashlib.sha256(archive.read_bytes()).hexdigest(),
        'license': 'CC0',
        'pictures': ['package/*.jpg'],
    }


def write_sources(path, *entries):
    path.write_text(yaml.safe_dump({'sources': list(entries)}))
    return path


def test_the_listed_packages_are_pinned_and_have_a_licence():
    sources = read_sources(pictures.SOURCES, Source)
    assert len({source.slug for source in sources}) == len(sources) > 10
    for source in sources:
        assert len(bytes.fromhex(source.sha256)) == 32
        assert source.license
        assert source.pictures


def test_pictures_that_are_fetched_for_tests_are_no_photographs_of_training():
    """Those that are kept in the repository are told by their look."""
    fetched = pictures.TESTS / 'real_rooms_2' / 'fetched' / 'sources.yaml'
    shared = 0
    for theirs in yaml.safe_load(fetched.read_text())['sources']:
        for source in read_sources(pictures.SOURCES, Source):
            if source.name == theirs['name']:
                names = [name for _, name in theirs['pictures']]
                assert not [name for name in names if source.has(name)]
                shared += len(names)
    assert shared > 0


def test_a_source_with_an_unknown_key_is_refused(tmp_path):
    entry = {'registry': 'npm', 'name': 'photos', 'stars': 5}
    with pytest.raises(InputError, match=r"photos: key must be one of .*, got 'stars'"):
        read_sources(write_sources(tmp_path / 'sources.yaml', entry), Source)


def test_pictures_come_with_an_index_of_where_they_are_from(tmp_path):
    new, test_picture, twin = scene(1), scene(2), scene(1, (480, 640))
    files = {
        'package/new.jpg': jpeg(new),
        'package/seen by tests.jpg': jpeg(test_picture),
        'package/x/twin.jpg': jpeg(twin, 50),
        'package/small.jpg': jpeg(scene(3, (100, 120))),
        'package/logo.jpg': jpeg(scene(4)),
        'package/readme.md': b'no picture',
    }
    entry = {**write_package(tmp_path / 'cache', files), 'others': ['*/logo.*']}
    (tmp_path / 'tests').mkdir()
    (tmp_path / 'tests' / 'one.jpg').write_bytes(jpeg(scene(2, (300, 400)), 60))
    pictures.run(
        pictures.Options(
            output=tmp_path / 'out',
            sources=write_sources(tmp_path / 'sources.yaml', entry),
            cache=tmp_path / 'cache',
            apart=(tmp_path / 'tests',),
        )
    )
    assert json.loads((tmp_path / 'out' / 'index.json').read_text()) == [
        {
            'file_name': 'photos-1.0.0/package_new.jpg.jpg',
            'source': 'npm package photos 1.0.0: package/new.jpg',
            'license': 'CC0',
        }
    ]
    credits = (tmp_path / 'out' / 'CREDITS.md').read_text()
    assert credits.endswith('|---|\n| npm package photos 1.0.0 | 1 | CC0 |\n')
    written = list((tmp_path / 'out').rglob('*.jpg'))
    assert [path.name for path in written] == ['package_new.jpg.jpg']


def test_a_file_that_is_no_picture_is_named(tmp_path):
    entry = write_package(tmp_path / 'cache', {'package/a.jpg': b'not at all'})
    (source,) = read_sources(write_sources(tmp_path / 'sources.yaml', entry), Source)
    text = r'package/a\.jpg of the npm package photos 1\.0\.0 must be a picture, got 10 bytes'
    with pytest.raises(SystemExit, match=text):
        list(read_pictures(source, tmp_path / 'cache'))


@pytest.mark.parametrize(
    ('size', 'expected'),
    [((500, 1024), (500, 1024)), ((2048, 1000), (1024, 500)), ((1, 5000), (1, 1024))],
)
def test_large_pictures_are_made_smaller(size, expected):
    assert shrink(np.zeros((*size, 3), np.uint8), pictures.MOST_SIDE).shape == (*expected, 3)


def test_only_pictures_that_look_alike_look_alike():
    known = Lookalikes()
    assert all(known.add(scene(seed)) for seed in range(20))
    for seed in range(20):
        darker = (scene(seed, (350, 500)) * 0.7).astype(np.uint8)
        assert not known.add(darker)


def masked(corner, size, predicted_iou=0.95, stability=0.97, shape=(60, 80)):
    mask = np.zeros(shape, np.bool_)
    mask[corner[1] : corner[1] + size[1], corner[0] : corner[0] + size[0]] = True
    return Outline(mask, predicted_iou, stability)


OPTIONS = teach.Options(pictures=None, output=None, model=None)
BOX = np.array([10, 10, 50, 40], np.float32)


@pytest.mark.parametrize(
    ('one', 'is_good'),
    [
        (masked((10, 10), (40, 30)), True),
        (masked((12, 11), (37, 28)), True),
        (masked((10, 10), (40, 30), predicted_iou=0.7), False),
        (masked((10, 10), (40, 30), stability=0.6), False),
        (masked((10, 10), (20, 30)), False),  # half of it
        (masked((0, 0), (80, 60)), False),  # what is behind it
    ],
)
def test_only_good_masks_are_taught(one, is_good):
    found = annotate(one, BOX, OPTIONS)
    assert found['iscrowd'] == (not is_good)
    assert found['area'] == one.mask.sum()


@pytest.mark.parametrize(('corner', 'is_good'), [((0, 0), False), ((1, 0), True), ((0, 1), True)])
def test_what_reaches_all_sides_is_no_object(corner, is_good):
    one = masked(corner, (80, 60))
    found = annotate(one, np.array([*corner, 80, 60], np.float32), OPTIONS)
    assert found['iscrowd'] == (not is_good)


def test_stability_compares_a_strict_and_a_loose_mask():
    logits = np.array([[-5, -0.5, 0.5, 2], [-5, -5, 2, 2]], np.float32)
    assert measure_stability(logits) == pytest.approx(3 / 5)
    assert measure_stability(np.full((2, 2), -9, np.float32)) == 0


def detections(boxes, class_ids, size):
    count = len(boxes)
    scores = np.linspace(0.9, 0.5, count).astype(np.float32)
    return Detections(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=scores,
        mask_scores=scores,
        class_ids=np.array(class_ids, np.int64),
        coefficients=np.zeros((count, 0), np.float32),
        masks=InstanceMasks.from_dense(np.zeros((count, *size), np.bool_), size),
        all_class_names=NAMES,
    )


def test_what_was_found_becomes_a_data_set_that_training_reads(tmp_path):
    size = (60, 80)
    answers = [masked((10, 10), (40, 30)), masked((0, 0), (0, 0)), masked((0, 0), (80, 60))]
    found = detections([BOX, BOX, BOX], [1, 0, 0], size)
    rgb = np.zeros((*size, 3), np.uint8)
    annotations = outline(rgb, found, lambda rgb, boxes: answers, OPTIONS)
    assert [one['iscrowd'] for one in annotations] == [0, 1]  # an empty mask is none
    facts = {'file_name': 'a/b.jpg', 'source': 'here', 'license': 'CC0', 'height': 60, 'width': 80}
    nothing = {**facts, 'file_name': 'c.jpg', 'annotations': annotations[1:]}
    content = to_coco([nothing, {**facts, 'annotations': annotations}], NAMES)
    assert content['images'] == [{'id': 1, **facts}]
    (tmp_path / 'instances.json').write_text(json.dumps(content))
    (tmp_path / 'a').mkdir()
    cv2.imwrite(str(tmp_path / 'a' / 'b.jpg'), rgb)
    sample = CocoDataset(tmp_path / 'instances.json', tmp_path)[0]
    assert [NAMES[class_id] for class_id in sample.class_ids] == ['cup', 'cat']
    assert np.array_equal(sample.masks.dense()[0], answers[0].mask)
    assert sample.boxes[0].tolist() == BOX.tolist()


def test_a_folder_without_an_index_is_a_folder_of_pictures(tmp_path):
    with pytest.raises(InputError, match='folder of pictures must hold images, got none'):
        teach.read_index(tmp_path)
    (tmp_path / 'mine').mkdir()
    for name in ('mine/b.jpg', 'mine/a.png', 'notes.txt'):
        (tmp_path / name).write_bytes(b'')
    names = [{'file_name': 'mine/a.png'}, {'file_name': 'mine/b.jpg'}]
    assert teach.read_index(tmp_path) == names
    (tmp_path / 'index.json').write_text(json.dumps([{**names[0], 'license': 'CC0'}]))
    assert teach.read_index(tmp_path) == [{**names[0], 'license': 'CC0'}]


def test_a_run_goes_on_where_another_one_stopped(tmp_path, monkeypatch):
    """The picture that is done is not looked at again; a new one is."""
    size, seen = (60, 80), []

    def find(rgb):
        seen.append(rgb)
        return detections([BOX], [1], size)

    find.class_names = NAMES
    monkeypatch.setattr(teach.Detector, 'load', lambda *args, **options: find)
    answer = lambda rgb, boxes: [masked((10, 10), (40, 30))]  # noqa: E731
    monkeypatch.setattr(teach.MobileSam, 'load', lambda *args: answer)
    options = teach.Options(
        pictures=tmp_path / 'pictures', output=tmp_path / 'out' / 'instances.json', model=None
    )
    options.pictures.mkdir()
    for count, name in enumerate(('a.png', 'b.png'), start=1):
        cv2.imwrite(str(options.pictures / name), np.full((*size, 3), count, np.uint8))
        teach.run(options)
        assert len(CocoDataset(options.output, options.pictures)) == count
        assert len(seen) == count
        assert (seen[-1] == count).all()


def test_nothing_found_asks_the_teacher_nothing():
    assert sam.MobileSam.__call__(None, np.zeros((9, 9, 3), np.uint8), np.zeros((0, 4))) == []


@pytest.mark.slow
@pytest.mark.parametrize('size', [(300, 500), (900, 450)])
def test_the_teacher_outlines_what_is_in_a_box(size, fetch_or_skip):
    teacher = fetch_or_skip(lambda cache: sam.MobileSam.load(cache, threads=2))
    rgb = np.full((*size, 3), (90, 140, 90), np.uint8)
    discs = [((120, 100), 60), ((300, 200), 80)]
    for centre, radius in discs:
        cv2.circle(rgb, centre, radius, (220, 60, 40), -1)
    boxes = [(x - r, y - r, x + r, y + r) for (x, y), r in discs]
    for one, (centre, radius) in zip(
        teacher(rgb, np.array(boxes, np.float32)), discs, strict=True
    ):
        truth = cv2.circle(np.zeros(size, np.uint8), centre, radius, 1, -1) > 0
        assert (one.mask & truth).sum() / (one.mask | truth).sum() > 0.95
        assert one.predicted_iou > 0.9
        assert one.stability > 0.9
