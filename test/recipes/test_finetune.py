"""What the fine-tuning recipe does around the training."""

import json
import zipfile

import numpy as np
import pytest

pytest.importorskip('fast_simplification', reason='the indoor recipe needs fast-simplification')
pytest.importorskip('mujoco', reason='the indoor recipe needs MuJoCo')

from recipes.finetune.steps import add_object, choose, report
from recipes.indoor.assets.catalogue import FURNITURE, LICENCES
from recipes.indoor.assets.models import (
    ModelInfo,
    ModelPack,
    save_index,
    save_model,
    with_top,
)
from recipes.indoor.assets.primitives import box

CUBE = 'v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 1\nf 1 2 3 4\nf 1 2 4\nf 2 3 4\nf 1 3 4\n'
PROPERTIES = """
id#1=eTeks#duck
name#1=Duck
model#1=/duck.obj
width#1=20
depth#1=20
height#1=20
creator#1=somebody
"""


def annotation(number, image_id, category_id, area=900, iscrowd=0):
    return {'id': number, 'image_id': image_id, 'category_id': category_id, 'area': area,
            'iscrowd': iscrowd}  # fmt: skip


@pytest.fixture
def content():
    return {
        'images': [{'id': number} for number in (1, 2, 3, 4)],
        'annotations': [
            annotation(1, 1, 5),
            annotation(2, 2, 5, iscrowd=1),  # nobody would call this a picture of it
            annotation(3, 3, 5, area=80),
            annotation(4, 3, 6),
            annotation(5, 4, 5),
        ],
        'categories': [{'id': 5, 'name': 'duck'}, {'id': 6, 'name': 'cup'}],
    }


def test_the_first_pictures_that_show_the_object_are_chosen_with_all_that_is_in_them(content):
    chosen = choose(content, 'duck', 2, is_alone=False)
    assert [image['id'] for image in chosen['images']] == [1, 3]
    assert [one['id'] for one in chosen['annotations']] == [1, 3, 4]


def test_what_someone_outlined_is_the_object_alone_and_large_enough(content):
    chosen = choose(content, 'duck', 2, is_alone=True, least_area=100)
    assert [image['id'] for image in chosen['images']] == [1, 4]
    assert [one['id'] for one in chosen['annotations']] == [1, 5]
    assert chosen['categories'] == [{'id': 5, 'name': 'duck'}]


def test_too_few_pictures_are_refused(content):
    with pytest.raises(SystemExit, match='4 images must show a duck, got 3: render more'):
        choose(content, 'duck', 4, is_alone=True)


def test_the_report_compares_the_classes_that_both_models_know():
    def evaluation(by_class, ap50=80.0):
        mask = {'ap': 40.0, 'ap50': ap50, 'by_class': by_class}
        return {'images': 50, 'objects': 61, 'precisions': {'mask': mask}}

    before = evaluation({'cup': 30.0, 'sofa': 50.0, 'bed': None})
    after = evaluation({'cup': 20.0, 'sofa': 50.0, 'bed': None, 'duck': 40.0})
    text = report('duck', evaluation({'duck': 40.0}), before, after)
    assert '50 new scenes, 61 of class duck: mask AP50 80.0' in text
    assert 'the 2 old classes in them, mean mask AP: 40.0 before, 35.0 after' in text


@pytest.fixture
def assets(tmp_path):
    """Write a pack of one cup."""
    (tmp_path / 'assets' / 'models').mkdir(parents=True)
    save_model(
        tmp_path / 'assets' / 'models' / 'my_cup.npz',
        with_top([box((0, 0, 0), (0.1, 0.1, 0.1), (1.0, 0.0, 0.0, 1.0))]),
    )
    cup = ModelInfo('my_cup', 'cup', 'train', ('table',), (0.1, 0.1, 0.1), 0.0, 'Cup', '', 'x')
    save_index(tmp_path / 'assets', {'cup': 1.6}, [cup])
    return tmp_path / 'assets'


@pytest.fixture
def package(tmp_path):
    """Write furniture catalogues, one of which has a duck."""
    folder = tmp_path / 'package' / FURNITURE
    folder.mkdir(parents=True)
    for archive in LICENCES:
        with zipfile.ZipFile(folder / f'{archive}.sh3f', 'w') as files:
            is_scopia = archive == 'Scopia'
            files.writestr('PluginFurnitureCatalog.properties', PROPERTIES if is_scopia else '')
            files.writestr('duck.obj', CUBE)
    return tmp_path / 'package'


def test_the_new_class_comes_last_and_stands_in_rooms_of_every_split(assets, package, tmp_path):
    count = add_object('duck', 'duck', ['floor'], package, assets, tmp_path / 'more')
    assert count == 1
    assert (
        list(json.loads((tmp_path / 'more' / 'index.json').read_text())['weights'])[-1] == 'duck'
    )
    for split in ('train', 'test'):
        pack = ModelPack(tmp_path / 'more', split)
        assert pack.class_names == ['cup', 'duck']
        info = pack.draw('floor', np.random.default_rng(0))
        assert info.label == 'duck'
        assert pack.load(info).parts
    assert (
        '| Scopia_duck | Duck | duck | any | somebody | CC-BY-3.0 |'
        in (tmp_path / 'more' / 'CREDITS.md').read_text()
    )


def test_an_object_that_does_not_exist_is_refused(assets, package, tmp_path):
    with pytest.raises(SystemExit, match='goose must be a model of the catalogues'):
        add_object('goose', 'goose', ['floor'], package, assets, tmp_path / 'more')
