import dataclasses
import json

import pytest

from yolact_core import InputError, ModelConfig
from yolact_core.config import category_ids, class_set, config_names
from yolact_core.records import parse_json

SMALL = """
name: small
input_size: 128
backbone: {name: resnet18, stages: [2, 3, 4]}
anchors:
  scales: [[16], [32], [64], [96], [120]]
class_names: [cup, bowl]
mean: [0, 0, 0]
std: [255, 255, 255]
"""

SIGMOID = """
name: small
input_size: 128
backbone: {name: cspnet, stages: [1, 2, 3]}
pyramid: pan
anchors: {scales: [[8], [16], [32]], aspect_ratios: [1.0]}
box_coding: distances
scores: sigmoid
heads:
  - {shared: false, kernel: 1, slope: 0.1, classes: 3, masks: false}
  - {channels: 16, classes: 1, boxes: false}
class_outputs: [[0, 3], [2]]
protonet: {channels: 16, convolutions: 2, detail_stage: 0}
class_names: [cup, bowl]
mean: [0, 0, 0]
std: [255, 255, 255]
"""

OFFICIAL = {
    'yolact_base',
    'yolact_darknet53',
    'yolact_im400',
    'yolact_im700',
    'yolact_plus_base',
    'yolact_plus_resnet50',
    'yolact_resnet50',
    'yolact_resnet50_pascal',
}


def test_every_configuration_reads_and_survives_a_round_trip():
    assert set(config_names()) >= OFFICIAL
    for name in config_names():
        config = ModelConfig.from_name(name)
        assert config.name == name
        assert ModelConfig.from_mapping(config.to_mapping(), 'round trip') == config


def test_a_configuration_is_read_from_a_file(tmp_path):
    path = tmp_path / 'small.yaml'
    path.write_text(SMALL)
    config = ModelConfig.from_file(path)
    assert config.class_names == ('cup', 'bowl')
    assert config.anchors.per_cell == 3
    assert config.mean == (0.0, 0.0, 0.0)
    assert config.replace(input_size=256).input_size == 256


BOMB = 'a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n' + ''.join(
    f'a{level + 1}: &a{level + 1} [{", ".join([f"*a{level}"] * 10)}]\n' for level in range(30)
)


@pytest.mark.parametrize(
    ('wrong', 'right', 'text'),
    [
        ('input_size: 128', 'input_sise: 128', 'small.yaml: key must be one of name, input_size'),
        ('input_size: 128', '', "small.yaml: key 'input_size' must be given"),
        ('input_size: 128', 'input_size: big', "input_size must be of type int, got 'big'"),
        ('input_size: 128', 'input_size: true', 'input_size must be of type int, got True'),
        ('input_size: 128', 'input_size: 8', 'input_size must be from 64 to 8192'),
        ('stages: [2, 3, 4]', 'stages: 2', 'backbone: stages must be a list, got 2'),
        ('stages: [2, 3, 4]', 'stages: [2]', 'backbone.stages must name 3 stages'),
        ('[cup, bowl]', '[cup, cup]', 'class_names must not repeat'),
        ('[cup, bowl]', '[]', 'class_names must name at least one class'),
        ('[cup, bowl]', 'coca', "class set must be one of coco, pascal, got 'coca'"),
        ('mean: [0, 0, 0]', 'mean: [0, 0]', 'mean must have 3 items, got 2'),
        ('[255, 255, 255]', '[255, 0, 255]', 'std must be positive'),
        (', [120]]', ']', 'anchors.scales must have 5 levels'),
        ('[16]', '[16, 20]', 'equally many scales'),
        ('[16]', '[-16]', 'anchors.scales must be positive'),
        (SMALL, '- a list', 'must hold keys and values, got list'),
        (SMALL, 'a: [', 'must be a readable YAML file'),
        (SMALL, 'a: ' + '[' * 3000, 'must be a readable YAML file: maximum recursion depth'),
        (SMALL, 'a: ' + '1' * 5000, 'must be a readable YAML file: Exceeds the limit'),
        (SMALL, 'a: !!int x', 'must be a readable YAML file: invalid literal'),
        (SMALL, 'a: !!timestamp x', 'must be a readable YAML file: '),
        (SMALL, 'a: 2001-99-99', 'must be a readable YAML file: month must be in'),
        (SMALL, 'a: !!python/object/apply:os.getcwd []', 'could not determine a constructor'),
        (SMALL, 'a: &a [*a]', 'must hold at most 100000 values, aliases included'),
        (SMALL, BOMB, 'must hold at most 100000 values, aliases included'),
        ('[cup, bowl]', '', 'class_names must be a list, got None'),
    ],
)
def test_a_wrong_configuration_is_refused_by_name(tmp_path, wrong, right, text):
    path = tmp_path / 'small.yaml'
    path.write_text(SMALL.replace(wrong, right))
    with pytest.raises(InputError) as caught:
        ModelConfig.from_file(path)
    assert text in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    'name', ['', '..', '.hidden', '../up', '/etc/x', 'a\\b', 'a\x00', 'x' * 101]
)
def test_a_name_that_would_lead_files_elsewhere_is_refused(name):
    with pytest.raises(InputError, match='name must be what a file can be called'):
        ModelConfig.from_name('yolact_resnet18').replace(name=name)


@pytest.mark.parametrize('name', ['yolact_base', 'my model', '椅子', 'a..b', 'v1.2-int8'])
def test_a_name_may_be_in_any_language(name):
    assert ModelConfig.from_name('yolact_resnet18').replace(name=name).name == name


@pytest.mark.parametrize('text', ['[' * 100_000, '{', '1' * 5000, b'\xff\xfe{'])
def test_what_is_no_json_is_refused_with_the_reason(text):
    with pytest.raises(InputError, match=r'\w'):
        parse_json(text)


def test_a_configuration_of_several_heads_survives_a_round_trip(tmp_path):
    path = tmp_path / 'small.yaml'
    path.write_text(SIGMOID)
    config = ModelConfig.from_file(path)
    assert config.output_count == 4
    assert config.heads[1].slope == 0.0
    stored = json.loads(json.dumps(config.to_mapping()))
    assert ModelConfig.from_mapping(stored, 'round trip') == config


@pytest.mark.parametrize(
    ('wrong', 'right', 'text'),
    [
        ('pyramid: pan', 'pyramid: bifpn', "pyramid must be one of fpn, pan, got 'bifpn'"),
        ('[32]]', '[32], [64], [128]]', 'anchors.scales must have 3 levels'),
        ('pyramid: pan', 'pyramid: fpn', 'anchors.scales must have 5 levels'),
        ('[1.0]', '[1.0, 2.0]', 'anchors must be one square a cell where distances'),
        ('[1.0]', '[2.0]', 'anchors must be one square a cell where distances'),
        ('[[8], [16], [32]]', '[]', 'anchors.scales must have 3 levels'),
        ('stages: [1, 2, 3]', 'stages: []', 'backbone.stages must name 3 stages'),
        ('detail_stage: 0', 'detail_stage: 1', 'detail_stage must come before backbone.stages'),
        ('detail_stage: 0', 'detail_stage: -1', 'detail_stage must come before backbone.stages'),
        ('convolutions: 2', 'convolutions: 0', 'protonet.convolutions must be from 1 to 64'),
        ('kernel: 1', 'kernel: 5', 'heads: kernel must be one of 1, 3, got 5'),
        (
            'channels: 16, classes',
            'channels: 0, classes',
            'heads must have from 1 to 8192 channels',
        ),
        ('classes: 1', 'classes: -1', 'heads must have from 0 to 100000 classes'),
        ('boxes: false', 'masks: false', 'one of heads must predict boxes, and one masks'),
        ('masks: false', 'boxes: false', 'one of heads must predict boxes, and one masks'),
        ('[[0, 3], [2]]', '[]', 'heads must have 2 class outputs together, got 4'),
        ('[[0, 3], [2]]', '[[0]]', 'class_outputs must name outputs from 0 to 3 for each class'),
        ('[[0, 3], [2]]', '[[0], [4]]', 'class_outputs must name outputs from 0 to 3'),
        ('[[0, 3], [2]]', '[[0], [-1]]', 'class_outputs must name outputs from 0 to 3'),
        ('[[0, 3], [2]]', '[[0], []]', 'class_outputs must name outputs from 0 to 3'),
        ('scores: sigmoid', 'scores: softmax', 'class_outputs must be used with sigmoid scores'),
    ],
)
def test_a_wrong_head_is_refused_in_one_sentence(tmp_path, wrong, right, text):
    path = tmp_path / 'small.yaml'
    assert wrong in SIGMOID
    path.write_text(SIGMOID.replace(wrong, right))
    with pytest.raises(InputError) as caught:
        ModelConfig.from_file(path)
    assert text in str(caught.value)
    assert '\n' not in str(caught.value)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match=r"must be one of yolact_base, .*, got 'yolact'"):
        ModelConfig.from_name('yolact')
    with pytest.raises(InputError, match='readable YAML file'):
        ModelConfig.from_file('nowhere.yaml')


def test_classes_and_category_ids_are_those_of_coco(golden_classes):
    coco = {entry['coco_category_id']: entry['name'] for entry in golden_classes['coco']}
    assert class_set('coco') == coco
    assert category_ids(tuple(coco.values())) == tuple(coco)
    assert category_ids(('cup', 'bowl')) == (1, 2)


def test_a_configuration_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ModelConfig.from_name('yolact_base').input_size = 1
