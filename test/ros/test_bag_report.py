"""The report on a bag: what is in the page, and what it is made of."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')
pytest.importorskip('pycocotools', reason="pip install 'yolact[train]'")
pytest.importorskip('matplotlib', reason="pip install 'yolact[plot]'")
pytest.importorskip('jinja2', reason="pip install 'yolact[plot]'")

from bags import image_item, make_rgb, write_bag
from report_bags import COUNT, compare, make_scene, result_item, write_scene

from yolact_core.cli import main

VOID = ('meta', 'img', 'br', 'input')


class Outline(HTMLParser):
    """Checks that what is opened is closed, and collects ids and targets."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.targets, self.images = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if 'id' in attributes:
            self.ids.append(attributes['id'])
        if tag == 'a':
            self.targets.append(attributes['href'])
        if tag == 'img':
            self.images.append(attributes)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    return write_scene(tmp_path_factory.mktemp('bags') / 'bag')


@pytest.fixture(scope='module')
def page(bag, tmp_path_factory):
    path = tmp_path_factory.mktemp('report') / 'page.html'
    assert compare(bag, path) == 0
    return path


def test_the_page_is_whole_and_every_link_leads_somewhere(page):
    outline = Outline(page.read_text())
    assert len(set(outline.ids)) == len(outline.ids)
    assert {target.removeprefix('#') for target in outline.targets} <= set(outline.ids)
    assert {'summary', 'classes', 'course', 'distributions', 'images'} <= set(outline.ids)


def test_the_page_needs_nothing_but_itself(page):
    text = page.read_text()
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert 'url(' not in text
    assert '@import' not in text
    assert 'http:' not in text
    assert 'https:' not in text


def test_pictures_show_the_truth_and_each_contender_and_are_described(page):
    images = Outline(page.read_text()).images
    titles = [image['alt'].partition(':')[0] for image in images]
    assert titles[:3] == ['truth', 'good', 'bad']
    assert any('1 chair' in image['alt'] for image in images)
    data = base64.b64decode(images[0]['src'].partition(',')[2])
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[:2] == (int(images[0]['height']), int(images[0]['width']))


def test_the_worst_image_is_shown_first(page):
    cards = re.findall(r'<h3>Image (\d+),', page.read_text())
    assert cards[0] == '5'  # where the bad one finds nothing


def test_numbers_are_those_of_the_json(bag, page, capsys):
    words = ['--truth', '/camera/truth', '--topic', '/camera/image', '--json']
    sources = [f'{bag}#/good', f'{bag}#/bad']
    assert main(['bag', 'compare', str(bag), *sources, *words, '--resamples', '50']) == 0
    figures = json.loads(capsys.readouterr().out)['contenders']
    text = page.read_text()
    for one in figures:
        assert f'>{one["figures"]["mask_ap"]:.3f}<' in text
        assert f'>{one["figures"]["stability"]:.3f}<' in text
    assert '>better<' not in text
    assert '>worse<' in text


def test_the_same_input_gives_the_same_bytes(bag, page, tmp_path):
    again = tmp_path / page.name
    assert compare(bag, again) == 0
    assert again.read_bytes() == page.read_bytes()
    for chart in (page.parent / 'page_figures').iterdir():
        assert (tmp_path / 'page_figures' / chart.name).read_bytes() == chart.read_bytes()


def test_charts_are_also_png_files(page):
    charts = {
        path.name: cv2.imread(str(path)) for path in (page.parent / 'page_figures').iterdir()
    }
    wanted = 'class_ap agreement quality stability instances scores sizes'
    assert set(charts) == {f'{name}.png' for name in wanted.split()}
    assert all(chart.shape[1] == 1200 for chart in charts.values())
    assert all(chart[100:-90].std() > 5 for chart in charts.values())  # something is drawn


def test_names_that_look_like_markup_stay_text(tmp_path):
    name = '<script>alert("1")</script> & co'
    names = ('person', name, 'cup')
    bag = write_scene(tmp_path / 'bag', names)
    assert compare(bag, tmp_path / 'page.html') == 0
    text = (tmp_path / 'page.html').read_text()
    Outline(text)
    assert '<script>alert' not in text
    assert '&lt;script&gt;alert' in text


def test_names_may_hold_what_no_page_can_show(tmp_path):
    bag = write_scene(tmp_path / 'bag', ('a\x0bb\x1b[31m', 'c\x00d', '\ufffe$x^'))
    assert compare(bag, tmp_path / 'page.html') == 0
    Outline((tmp_path / 'page.html').read_text())


def test_without_truth_the_least_steady_images_are_shown_with_those_before(bag, tmp_path):
    path = tmp_path / 'page.html'
    words = ['--topic', '/camera/image', '--results', f'{bag}#/bad', '--report', str(path)]
    assert main(['bag', 'evaluate', str(bag), *words]) == 0
    text = path.read_text()
    titles = [image['alt'].partition(':')[0] for image in Outline(text).images]
    assert titles[:2] == ['bad, image before', 'bad']
    assert 'least steady' in text
    assert 'Mask AP of each class' not in text
    assert not (tmp_path / 'page_figures' / 'class_ap.png').exists()


def test_a_model_has_latency_charts(bag, tmp_path, tiny_model):
    path = tmp_path / 'page.html'
    words = ['--topic', '/camera/image', '--model', str(tiny_model), '--device', 'cpu']
    assert main(['bag', 'evaluate', str(bag), *words, '--report', str(path)]) == 0
    assert (tmp_path / 'page_figures' / 'latency.png').exists()
    assert 'Latency by stage' in path.read_text()


def test_where_nothing_is_found_there_is_still_a_page(tmp_path):
    _, empty = make_scene()[0]
    items = [image_item(index, make_rgb(index)) for index in range(COUNT)]
    items += [result_item(index, empty[:0], '/none') for index in range(COUNT)]
    bag = write_bag(tmp_path / 'bag', items)
    path = tmp_path / 'page.html'
    words = ['--topic', '/camera/image', '--results', f'{bag}#/none', '--report', str(path)]
    assert main(['bag', 'evaluate', str(bag), *words]) == 0
    Outline(path.read_text())


def test_a_report_must_be_a_page(bag, tmp_path, capsys):
    for name in ('report.pdf', 'report'):
        path = tmp_path / name
        assert main(['bag', 'evaluate', str(bag), '--report', str(path)]) == 2
        assert '--report must be an .html file, got' in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_told_in_a_sentence(bag, tmp_path, capsys):
    (tmp_path / 'file').write_text('')
    assert compare(bag, tmp_path / 'file' / 'page.html') == 2
    assert 'page.html must be writable' in capsys.readouterr().err
