"""The report in a real browser: nothing fails, nothing is fetched, and everyone can use it."""

from __future__ import annotations

import os
import shutil

import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')
pytest.importorskip('pycocotools', reason="pip install 'yolact[train]'")
pytest.importorskip('matplotlib', reason="pip install 'yolact[plot]'")
pytest.importorskip('jinja2', reason="pip install 'yolact[plot]'")
pytest.importorskip('playwright', reason='playwright is not installed: pip install playwright')

from playwright.sync_api import sync_playwright
from report_bags import compare, write_scene

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'chrome')
DESKTOP, PHONE = {'width': 1280, 'height': 900}, {'width': 360, 'height': 740}
CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const curve = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const linear = (v) => curve(v / 255);
  const light = (c) => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
  const behind = (node) => {
    for (let one = node; one; one = one.parentElement) {
      const color = parse(getComputedStyle(one).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  let least = 21;
  const written = 'h1, h2, h3, p, th, td, small, text, summary, output, .chip';
  for (const node of document.querySelectorAll(written)) {
    const style = getComputedStyle(node);
    const ink = light(parse(node.tagName === 'text' ? style.fill : style.color));
    const paper = light(behind(node));
    least = Math.min(least, (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05));
  }
  return least;
}"""


def find_browser():
    """Return a browser's program, or None."""
    named = os.environ.get('YOLACT_CHROMIUM')
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope='module')
def browser():
    program = find_browser()
    if program is None:
        pytest.skip('no Chromium: install it, or name its program in YOLACT_CHROMIUM')
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=['--no-sandbox'])
        yield browser
        browser.close()


@pytest.fixture(scope='module')
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp('report')
    bag = write_scene(folder / 'bag')
    assert compare(bag, folder / 'page.html') == 0
    return folder / 'page.html'


@pytest.fixture
def visit(browser, path):
    """Open the report; whatever it complains about or asks for is an error in the end."""
    contexts, wrong = [], []

    def open_page(viewport=None, anchor='', **options):
        context = browser.new_context(viewport=viewport or DESKTOP, offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on('console', lambda message: wrong.append(message.text))
        page.on('pageerror', lambda error: wrong.append(str(error)))
        page.on('request', lambda request: note(request.url))
        page.goto(path.as_uri() + anchor)
        return page

    def note(url):
        if not url.startswith(('data:', path.as_uri())):
            wrong.append(url)

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def shown(page, selector):
    return page.locator(f'{selector}:visible').count()


def test_it_opens_without_errors_and_fetches_nothing(visit):
    page = visit()
    assert page.title().startswith('good against bad on ')
    assert shown(page, 'figure.chart') == 7
    widths = page.evaluate('[...document.images].map((image) => image.naturalWidth)')
    assert widths
    assert all(widths)


def test_the_filter_acts_on_charts_tables_and_pictures(visit):
    page = visit()
    whole = shown(page, '.card')
    page.select_option('#class', label='chair')
    titles = page.locator('figure.chart:visible h3').all_inner_texts()
    assert 'Scores: chair' in titles
    assert 'Stability: chair' in titles
    assert 'Scores' not in titles
    assert len(titles) == 7
    assert page.locator('#classes tbody tr:visible th').all_inner_texts() == ['chair', 'chair']
    assert page.locator('rect.off').count() == 2  # the person's bars
    assert page.inner_text('#shown') == f'{shown(page, ".card")} of {whole} images'
    page.select_option('#class', label='all')
    assert shown(page, '.card') == whole
    assert 'Scores' in page.locator('figure.chart:visible h3').all_inner_texts()


def test_all_can_be_done_by_keyboard(visit):
    page = visit()
    page.keyboard.press('Tab')
    assert page.evaluate('document.activeElement.textContent') == 'Skip to the summary'
    assert page.evaluate('document.activeElement.getBoundingClientRect().left') >= 0
    stops = []
    for _ in range(60):
        page.keyboard.press('Tab')
        stops.append(
            page.evaluate(
                """() => {
                  const one = document.activeElement;
                  const style = getComputedStyle(one);
                  const name = one.getAttribute('aria-label') || one.textContent;
                  return [one.tagName.toLowerCase(), one.id, name.length, style.outlineStyle];
                }"""
            )
        )
        if stops[-1][0] == 'body':
            break
    kinds = {stop[0] for stop in stops}
    assert {'a', 'select', 'summary', 'div'} <= kinds  # links and dots, filter, numbers, tables
    assert all(stop[2] > 0 and stop[3] != 'none' for stop in stops if stop[0] != 'body')
    page.focus('#class')
    page.keyboard.press('ArrowDown')
    assert page.locator('#classes tbody tr:visible').count() == 2


def test_a_dot_leads_to_its_picture_even_if_that_is_filtered_out(visit):
    page = visit()
    page.select_option('#class', label='chair')
    dot = page.locator('figure[data-chart=agreement] a').first
    target = dot.get_attribute('href')
    page.evaluate(f"document.querySelector('{target}').hidden = true")
    dot.focus()
    page.keyboard.press('Enter')
    page.wait_for_function(f"!document.querySelector('{target}').hidden")
    assert page.locator(target).evaluate('(one) => one.getBoundingClientRect().top') < 300


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_it_fits_on_a_phone_and_can_be_read(visit, scheme):
    page = visit(PHONE, color_scheme=scheme)
    assert page.evaluate('document.documentElement.scrollWidth') == PHONE['width']
    assert page.evaluate(CONTRAST) >= 4.5
    dark = page.evaluate('getComputedStyle(document.body).backgroundColor') == 'rgb(20, 23, 28)'
    assert dark == (scheme == 'dark')
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.card, figure, .tiles li, .stack td, #filter')]
             .filter((one) => one.getBoundingClientRect().right > innerWidth + 1).length"""
    )
    assert cut == 0
    sizes = page.evaluate(
        """() => [...document.querySelectorAll('text')].map(
             (one) => parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a)"""
    )
    assert min(sizes) >= 12  # pixels on the screen, however narrow the chart


def test_without_javascript_all_numbers_are_there(visit):
    page = visit(java_script_enabled=False)
    assert shown(page, 'figure.chart') == 7
    assert not page.locator('#filter').is_visible()
    assert shown(page, '.card') == page.locator('.card').count()
    page.locator('figure[data-chart=class_ap] summary').click()
    assert page.locator('figure[data-chart=class_ap] td').all_inner_texts()[0] == '1.000'
