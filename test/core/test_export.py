"""What ``yolact export`` writes, and what it refuses to write."""

import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from yolact_core import Detector, InputError, load_network
from yolact_core.checkpoints.checkpoint import hash_weights, load_checkpoint, save_checkpoint
from yolact_core.cli import main
from yolact_core.files import replace_together
from yolact_core.inference.preprocessing import Normalizer
from yolact_core.network.boxes import decode_boxes
from yolact_core.quantization.calibration import read_calibration
from yolact_core.runtimes.comparison import OutputDifference as Difference
from yolact_core.runtimes.comparison import require_equality
from yolact_core.runtimes.export import (
    ExportOptions,
    export_network,
)

pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')


@pytest.fixture(scope='module')
def network(tiny_model):
    return load_network(tiny_model)


@pytest.fixture
def pictures(photo, tmp_path):
    """Return a folder of pictures."""
    folder = tmp_path / 'pictures'
    (folder / 'deeper').mkdir(parents=True)
    for index in range(4):
        cv2.imwrite(str(folder / 'deeper' / f'{index}.png'), np.roll(photo, 30 * index, axis=1))
    return folder


@pytest.mark.slow
def test_the_command_writes_a_file_and_compares_it_with_pytorch(tiny_model, tmp_path, capsys):
    path = tmp_path / 'folder' / 'tiny.onnx'
    assert main(['export', str(tiny_model), '--format', 'onnx', '--output', str(path)]) == 0
    output = capsys.readouterr().out
    assert str(path) in output
    for name in ('box_offsets', 'class_logits', 'coefficients', 'prototypes'):
        assert name in output
    assert [entry.name for entry in path.parent.iterdir()] == ['tiny.onnx']
    content = path.read_bytes()
    assert str(Path(__file__).parents[2]).encode() not in content
    assert b'yolact_core/network' not in content


@pytest.mark.slow
@pytest.mark.parametrize('model', ['tiny_model', 'sigmoid_model'])
def test_a_decoded_graph_gives_boxes_and_scores_to_other_programs(request, model, tmp_path):
    import onnxruntime

    network = load_network(request.getfixturevalue(model))
    config = network.config

    path = tmp_path / 'decoded.onnx'
    export_network(network, path, ExportOptions('onnx', is_decoded=True))
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    assert [node.name for node in session.get_outputs()][:2] == ['boxes', 'scores']
    images = torch.randint(256, (2, 128, 128, 3), dtype=torch.uint8)
    boxes, scores, _, _ = session.run(None, {'images': images.numpy()})
    with torch.inference_mode():
        prediction = network(Normalizer(config)(images))
    expected = decode_boxes(prediction.box_offsets, network.priors, config.box_coding)
    np.testing.assert_allclose(boxes, expected, atol=1e-4)
    logits = prediction.class_logits
    probabilities = (
        logits.sigmoid() if config.scores == 'sigmoid' else logits.softmax(dim=-1)[..., 1:]
    )
    np.testing.assert_allclose(scores, probabilities, atol=1e-5)
    with pytest.raises(InputError, match=r'must give raw outputs .* without --decode'):
        Detector.load(path)


@pytest.mark.slow
@pytest.mark.parametrize('model', ['tiny_model', 'sigmoid_model'])
def test_int8_is_calibrated_with_pictures_and_tells_how_far_it_is(
    request, model, pictures, tmp_path, capfd, photo
):
    pytest.importorskip('openvino')
    source, path = request.getfixturevalue(model), tmp_path / 'tiny.xml'
    options = ['--precision', 'int8', '--calibration', str(pictures), '--output', str(path)]
    assert main(['export', str(source), '--format', 'openvino', '--json', *options]) == 0
    told = json.loads(capfd.readouterr().out)
    for difference in told['differences']:
        assert 0 < difference['mean'] < 0.3 * difference['magnitude']
    quantised = types_of_quantised_values(path)
    assert quantised
    assert 'Softmax' not in quantised  # of distributions whose mean is a distance
    detector = Detector.load(path, 'cpu', score_threshold=0.3)
    assert (detector.backend, detector.precision) == ('openvino', 'int8')
    assert len(detector(photo)) > 0
    with pytest.raises(InputError, match='must be exported with --precision float32'):
        Detector.load(path, precision='float32')


def types_of_quantised_values(path):
    """Return the types of the operations whose results are quantised."""
    import openvino

    steps = [
        operation
        for operation in openvino.Core().read_model(path).get_ops()
        if operation.get_type_name() == 'FakeQuantize'
    ]
    return {step.input_value(0).get_node().get_type_name() for step in steps}


def test_a_checkpoint_for_another_input_size_keeps_its_terms_and_drops_its_figures(
    tiny_model, tmp_path, capsys
):
    source, path = tmp_path / 'licensed.safetensors', tmp_path / 'larger.safetensors'
    network, facts = load_checkpoint(tiny_model)
    known = {'test': {'mask_ap': 40.0}}
    save_checkpoint(network, source, replace(facts, license='MIT, of me', training=known))
    options = ['--format', 'checkpoint', '--input-size', '160', '--output', str(path)]
    assert main(['export', str(source), *options]) == 0
    assert capsys.readouterr().out == f'{path}\n'
    larger, said = load_checkpoint(path)
    assert (larger.config.name, larger.config.input_size) == ('tiny_160', 160)
    assert (said.license, said.training) == ('MIT, of me', {'resized_from': 'tiny'})
    assert hash_weights(larger) == hash_weights(network)


def test_a_checkpoint_of_the_same_size_is_the_same(tiny_model, tmp_path):
    path = tmp_path / 'same.safetensors'
    options = ['--format', 'checkpoint', '--output', str(path)]
    assert main(['export', str(tiny_model), *options]) == 0
    (network, facts), (same, said) = load_checkpoint(tiny_model), load_checkpoint(path)
    assert (same.config, said) == (network.config, facts)


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        (['--decode', '--json'], 'checkpoint must be used without --decode, --json'),
        (['--precision', 'int8'], 'checkpoint must be used without --precision'),
        (['--build-only', '--input-size', '96'], 'must be used without --input-size'),
        (['--output', 'model.pth'], r'output must be a .safetensors file, got .model.pth'),
        (['--input-size', '7'], 'input_size'),
    ],
)
def test_a_checkpoint_has_few_options(tiny_model, tmp_path, monkeypatch, capsys, options, text):
    monkeypatch.chdir(tmp_path)
    assert main(['export', str(tiny_model), '--format', 'checkpoint', *options]) == 2
    assert re.search(text, capsys.readouterr().err.replace('\n', ' '))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ('arguments', 'text'),
    [
        (['onnx', 'int8', Path('images')], "to onnx must be one of float32, got 'int8'"),
        (['openvino', 'bfloat16'], "must be one of float32, int8, got 'bfloat16'"),
        (['onnx', 'float32', Path('images')], 'for int8 and for nothing else, .* float32'),
    ],
)
def test_options_that_contradict_each_other_are_refused(arguments, text):
    pytest.importorskip('openvino')
    with pytest.raises(InputError, match=text):
        ExportOptions(*arguments)


def test_the_suffix_says_the_format(network, tmp_path):
    with pytest.raises(InputError, match=r'output must be a \.onnx file, got .*model\.xml'):
        export_network(network, tmp_path / 'model.xml', ExportOptions('onnx'))


def test_calibration_needs_images(network, pictures, tmp_path):
    images = read_calibration(pictures, network.config)
    assert len(images) == 4
    assert {tuple(image.shape) for image in images} == {(1, 128, 128, 3)}
    assert not torch.equal(images[0], images[1])
    (tmp_path / 'empty').mkdir()
    with pytest.raises(InputError, match='must hold images, got none'):
        read_calibration(tmp_path / 'empty', network.config)


def test_a_graph_that_computes_something_else_is_refused():
    equal = Difference('box_offsets', 1e-6, 1e-5, 1.0, is_equal=True)
    require_equality([equal])
    other = Difference('prototypes', 1e-3, 0.25, 1.0, is_equal=False)
    with pytest.raises(InputError, match=r'exported prototypes must agree .*, got .* 0\.25'):
        require_equality([equal, other])


def test_files_that_belong_together_appear_together_or_not_at_all(tmp_path):
    path = tmp_path / 'model.xml'
    path.write_text('old')
    with pytest.raises(ZeroDivisionError), replace_together(path) as unfinished:
        unfinished.write_text(str(1 / 0))
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]
    with replace_together(path) as unfinished:
        unfinished.write_text('new')
        unfinished.with_suffix('.bin').write_text('weights')
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ['model.bin', 'model.xml']
    assert path.read_text() == 'new'
