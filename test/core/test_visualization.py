"""Overlays and prototype pictures against their definitions, pixel by pixel."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageFont

from yolact_core import InputError
from yolact_core.palette import make_palette
from yolact_core.tracking import Tracks
from yolact_core.visualization import (
    OverlayStyle,
    draw_combinations,
    draw_overlay,
    draw_prototypes,
    fonts,
    stack_pictures,
)
from yolact_core.visualization.overlay import label_texts
from yolact_core.visualization.prototypes import GAP, NEGATIVE, POSITIVE, TILE_HEIGHT
from yolact_core.visualization.tags import TagPlaces, paste_tag, render_tag

TINT = OverlayStyle(contours=False, boxes=False, labels=False)


@pytest.fixture
def masks():
    """Return three masks that overlap, one with a hole, shape (3, 96, 128)."""
    masks = np.zeros((3, 96, 128), dtype=np.bool_)
    masks[0, 20:60, 30:80] = True
    masks[0, 30:40, 50:60] = False
    masks[1, 10:50, 10:60] = True
    masks[2, 70:96, 100:128] = True
    return masks


def tint_slowly(rgb, label_image, colors, alpha):
    """Mix every pixel of the best mask on it, one by one."""
    expected = rgb.copy()
    for y, x in zip(*np.nonzero(label_image), strict=True):
        color = np.array(colors[label_image[y, x] - 1])
        expected[y, x] = np.rint((1 - alpha) * rgb[y, x] + alpha * color)
    return expected


def test_masks_mix_the_image_with_the_colour_of_the_best_one(photo, masks, make_detections):
    detections = make_detections(masks)

    overlay = draw_overlay(photo, detections, TINT)

    expected = tint_slowly(photo, detections.masks.label_image(), make_palette(3), TINT.alpha)
    assert np.abs(overlay.astype(int) - expected).max() <= 1
    outside = ~masks.any(axis=0)
    np.testing.assert_array_equal(overlay[outside], photo[outside])


@pytest.mark.parametrize('shape', [(4, 1), (1, 4), (1, 1), (3, 1), (96, 128)])
def test_masks_of_any_shape_are_tinted(shape, photo, make_detections):
    masks = np.zeros((1, 96, 128), dtype=np.bool_)
    masks[0, : shape[0], : shape[1]] = True
    detections = make_detections(masks)

    overlay = draw_overlay(photo, detections, TINT, palette=[(10, 200, 90)])

    expected = tint_slowly(photo, masks[0].astype(int), [(10, 200, 90)], TINT.alpha)
    assert np.abs(overlay.astype(int) - expected).max() <= 1


def test_nothing_found_gives_a_copy_of_the_image(photo, make_detections):
    overlay = draw_overlay(photo, make_detections(np.zeros((0, 96, 128), dtype=np.bool_)))
    np.testing.assert_array_equal(overlay, photo)
    assert not np.shares_memory(overlay, photo)


def test_an_empty_mask_is_drawn_as_nothing_but_its_box(photo, make_detections):
    detections = make_detections(np.zeros((1, 96, 128), dtype=np.bool_))
    style = OverlayStyle(boxes=False, labels=False)
    np.testing.assert_array_equal(draw_overlay(photo, detections, style), photo)


def test_the_image_given_stays_as_it_was(photo, masks, make_detections):
    before = photo.copy()
    draw_overlay(photo, make_detections(masks))
    np.testing.assert_array_equal(photo, before)


def test_a_view_that_is_not_contiguous_is_drawn_like_its_copy(photo, masks, make_detections):
    detections = make_detections(masks)
    flipped = photo[:, ::-1]
    np.testing.assert_array_equal(
        draw_overlay(flipped, detections), draw_overlay(flipped.copy(), detections)
    )


def test_contours_lie_on_the_edges_of_masks_and_holes(photo, masks, make_detections):
    style = OverlayStyle(masks=False, boxes=False, labels=False)
    overlay = draw_overlay(photo, make_detections(masks[:1]), style, palette=[(1, 2, 3)])
    drawn = (overlay == (1, 2, 3)).all(axis=2)
    assert drawn[20, 30:80].all()
    assert drawn[20:60, 79].all()
    assert drawn[29, 50:60].all()  # just above the hole
    assert not drawn[21:29, 31:49].any()
    assert not drawn[~masks[0]].any()


def test_instances_share_a_colour_by_class_and_have_their_own_by_instance(photo, make_detections):
    masks = np.zeros((2, 96, 128), dtype=np.bool_)
    masks[0, :40, :40] = masks[1, 50:90, 50:90] = True
    detections = make_detections(masks, class_ids=[1, 1])
    white = np.full_like(photo, 255)

    by_class = draw_overlay(white, detections, TINT)
    style = OverlayStyle(color_by='instance', contours=False, boxes=False, labels=False)
    by_instance = draw_overlay(white, detections, style)

    np.testing.assert_array_equal(by_class[5, 5], by_class[60, 60])
    assert (by_instance[5, 5] != by_instance[60, 60]).any()


def test_detections_of_another_size_are_refused(photo, masks, make_detections):
    with pytest.raises(InputError, match=r'must be 96 x 128 .*, got 95 x 128 x 3'):
        draw_overlay(photo[:-1], make_detections(masks))


@pytest.mark.parametrize(
    ('options', 'reason'),
    [
        ({'alpha': 1.5}, r'alpha must be in \[0, 1\], got 1.5'),
        ({'color_by': 'mood'}, "color_by must be class, instance or track, got 'mood'"),
        ({'scale': 0}, r'scale must be above 0 and at most 1, got 0'),
        ({'scale': 1.01}, r'scale must be above 0 and at most 1, got 1.01'),
    ],
)
def test_a_style_outside_its_range_is_refused(options, reason):
    with pytest.raises(InputError, match=reason):
        OverlayStyle(**options)


@pytest.mark.parametrize('scale', [0.5, 0.37, 0.01, 0.001])
def test_an_overlay_may_be_drawn_smaller_than_its_image(scale, photo, masks, make_detections):
    detections = make_detections(masks)
    style = OverlayStyle(contours=False, boxes=False, labels=False, scale=scale)
    height, width = (max(1, round(side * scale)) for side in photo.shape[:2])

    overlay = draw_overlay(photo, detections, style)

    small = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    rows, columns = (
        [int((index + 0.5) * many / few) for index in range(few)]
        for few, many in zip((height, width), photo.shape[:2], strict=True)
    )
    labels = detections.masks.label_image()[np.ix_(rows, columns)]
    expected = tint_slowly(small, labels, make_palette(3), style.alpha)
    assert np.abs(overlay.astype(int) - expected).max() <= 1


def test_lines_lie_where_they_belong_in_a_smaller_overlay(make_detections):
    masks = np.zeros((1, 400, 600), dtype=np.bool_)
    masks[0, 100:200, 150:300] = True
    tracks = Tracks(('1',), np.array([2]), np.array([0]), (np.array([[400, 300], [500, 300.0]]),))
    style = OverlayStyle(masks=False, labels=False, scale=0.5)

    overlay = draw_overlay(
        np.zeros((400, 600, 3), np.uint8), make_detections(masks), style, None, tracks
    )

    rows, columns = overlay[:, :170].any(axis=2).nonzero()
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (50, 99, 75, 149)
    rows, columns = overlay[:, 170:].any(axis=2).nonzero()
    assert abs(rows.mean() - 150) < 1
    assert abs(columns.mean() + 170 - 225) < 1


def test_labels_give_class_and_score_in_percent(masks, make_detections):
    detections = make_detections(masks)
    assert label_texts(detections) == ['person 90%', 'chair 65%', 'cup 40%']
    assert label_texts(detections, with_scores=False) == ['person', 'chair', 'cup']


@given(st.integers(-500, 500), st.integers(-500, 500), st.integers(1, 60), st.integers(1, 60))
def test_tags_are_moved_or_cut_to_lie_inside(x, y, height, width):
    image = np.zeros((40, 50, 3), dtype=np.uint8)
    paste_tag(image, np.full((height, width, 3), 255, dtype=np.uint8), x, y)
    assert (image == 255).sum() == 3 * min(height, 40) * min(width, 50)


def test_tags_of_boxes_at_one_place_stay_apart():
    places = TagPlaces((200, 300))
    first, second, third = (places.take((50, 50, 120, 150), (20, 60)) for _ in range(3))
    assert first == (50, 30)
    assert second == (50, 50)
    assert third == (50, 150)


def test_tags_of_one_size_are_equally_high_and_hold_ink_of_the_other_brightness():
    dark = render_tag('agy', 16, (20, 20, 120))
    bright = render_tag('ACE', 16, (250, 250, 100))
    assert dark.shape[0] == bright.shape[0]
    assert dark.max() == 255
    assert bright.min() == 0


@pytest.fixture
def no_fonts(monkeypatch):
    """Take all fonts away but Pillow's own."""
    monkeypatch.setattr(fonts, 'USUAL_FONT', 'no such font.ttf')
    monkeypatch.setenv('PATH', '')
    for remembered in (fonts._find_font, render_tag):
        remembered.cache_clear()
    yield
    for remembered in (fonts._find_font, render_tag):
        remembered.cache_clear()


@pytest.mark.usefixtures('no_fonts')
@pytest.mark.parametrize(('text', 'written'), [('Stühl', 'Stuhl'), ('椅子', r'\u6905\u5b50')])
def test_letters_that_no_font_has_become_plain_ones_or_escapes(text, written, caplog):
    color = (0, 0, 0)
    np.testing.assert_array_equal(render_tag(text, 17, color), render_tag(written, 17, color))
    assert caplog.messages == [f'no font has all letters of {text}: it is written {written}']


def test_a_font_is_chosen_that_has_the_letters(monkeypatch):
    lacking = ImageFont.truetype(fonts.USUAL_FONT, 16).getmask(fonts.NO_LETTER)
    for text in ('стул', 'Stühl', '椅子', 'x\u0fff'):
        font, written = fonts.choose_font(text, 16)
        assert all(bytes(font.getmask(letter)) != bytes(lacking) for letter in written)


def test_lines_and_letters_grow_with_the_image(make_detections):
    drawn = []
    for side in (400, 1600):
        masks = np.zeros((1, side, side), dtype=np.bool_)
        masks[0, side // 4 : side // 2, side // 4 : side // 2] = True
        image = np.zeros((side, side, 3), dtype=np.uint8)
        overlay = draw_overlay(image, make_detections(masks), OverlayStyle(masks=False))
        drawn.append(int(overlay.any(axis=2).sum()))
    assert drawn[1] > 10 * drawn[0]


def test_the_mosaic_holds_every_prototype_even_dead_ones(photo):
    prototypes = np.random.default_rng(0).random((11, 20, 20), dtype=np.float32)
    prototypes[4] = 0
    mosaic = draw_prototypes(prototypes, photo)
    assert mosaic.shape == (2 * (TILE_HEIGHT + GAP) + GAP, 8 * (176 + GAP) + GAP, 3)


def test_the_strongest_prototypes_come_first_with_the_sign_as_colour(
    photo, masks, make_detections
):
    detections = make_detections(masks[:1])
    detections.coefficients[0] = [0.1, -0.9, 0.2, 0.6, 0, 0, 0, 0]
    prototypes = np.ones((8, 20, 20), dtype=np.float32)

    picture = draw_combinations(prototypes, photo, detections, strongest=2)

    columns = [GAP + (176 + GAP) * column + 170 for column in range(4)]
    row = GAP + TILE_HEIGHT - 6
    np.testing.assert_array_equal(picture[row, columns[1]], NEGATIVE)
    assert picture[row, columns[2]].argmax() == np.argmax(POSITIVE)
    assert picture.shape[1] == 4 * (176 + GAP) + GAP


def test_without_detections_the_image_is_shown(photo, make_detections):
    none = make_detections(np.zeros((0, 96, 128), dtype=np.bool_))
    picture = draw_combinations(np.ones((8, 20, 20), dtype=np.float32), photo, none)
    assert picture.shape == (TILE_HEIGHT + 2 * GAP, 176 + 2 * GAP, 3)


def test_pictures_of_different_widths_are_stacked():
    wide, narrow = np.zeros((5, 9, 3), dtype=np.uint8), np.zeros((2, 4, 3), dtype=np.uint8)
    assert stack_pictures(wide, narrow).shape == (7, 9, 3)


def test_tracks_have_colours_and_numbers_of_their_own(photo, masks, make_detections):
    detections = make_detections(masks)
    tracks = Tracks(('7', '', '12'), np.array([3, 0, 1]), detections.class_ids)
    palette = [(index, 0, 255 - index) for index in range(20)]
    style = OverlayStyle(contours=False, boxes=False, labels=False, alpha=1.0, color_by='track')

    overlay = draw_overlay(photo, detections, style, palette, tracks)

    labels = detections.masks.label_image()
    for label, color in ((1, palette[7]), (2, palette[1]), (3, palette[12])):
        assert (overlay[labels == label] == color).all()
    names = detections.class_names
    assert label_texts(detections, False, tracks) == [
        f'{names[0]} #7',
        names[1],
        f'{names[2]} #12',
    ]
