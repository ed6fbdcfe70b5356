"""What the words of a command line stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from yolact_core import InputError
from yolact_core.media.sources import ImageFile, Video, find_sources


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Go to a folder with files that are named like images and videos."""
    monkeypatch.chdir(tmp_path)
    for name in (
        'a/one.jpg', 'a/two.PNG', 'a/notes.txt', 'a/clip.mp4', 'b/one.jpg', 'b/ONE.png',
        'b/a/one.jpg', 'empty/notes.txt', '7', 'odd[1].jpg', 'no_suffix',
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def names_of(*arguments: str) -> list[str]:
    return [source.name for source in find_sources(arguments)]


def test_a_folder_stands_for_the_images_and_videos_right_in_it(place):
    sources = find_sources(['a'])
    assert [(type(source), source.name) for source in sources] == [
        (Video, 'clip.mp4'),
        (ImageFile, 'one.jpg'),
        (ImageFile, 'two.PNG'),
    ]


def test_a_pattern_finds_files_at_any_depth(place):
    assert names_of('b/**/*.jpg') == ['a/one.jpg', 'b/one.jpg']
    assert names_of(str(place / 'b' / '**' / '*.jpg')) == ['a/one.jpg', 'b/one.jpg']


def test_a_file_with_brackets_is_no_pattern(place):
    assert names_of('odd[1].jpg') == ['odd[1].jpg']


def test_a_number_is_a_camera_unless_a_file_is_called_so(place):
    camera, file = find_sources(['0', '7'])
    assert camera == Video(0, 'camera0', 'camera0')
    assert isinstance(file, ImageFile)


@pytest.mark.parametrize(
    'address', ['udp://@:1234', 'udp://@239.0.0.1:1', 'rtsp://[::1]/a', 'tcp://:9']
)
def test_addresses_of_streams_are_left_to_opencv(address, place):
    (source,) = find_sources([address])
    assert source.device == address


@pytest.mark.parametrize('name', ['a.TS', 'a.wmv', 'a.flv', 'a.m2ts', 'a.h264'])
def test_files_of_cameras_and_players_are_videos(name, place):
    Path(name).touch()
    (source,) = find_sources([name])
    assert isinstance(source, Video)


def test_what_is_named_twice_counts_once(place):
    assert names_of('a/one.jpg', 'a', 'b/../a/*.jpg') == ['one.jpg', 'clip.mp4', 'two.PNG']


def test_a_file_given_by_name_need_not_have_a_known_suffix(place):
    (source,) = find_sources(['no_suffix'])
    assert isinstance(source, ImageFile)


def test_names_are_as_long_as_it_takes_to_tell_them_apart(place):
    assert names_of('a/one.jpg', 'b/one.jpg') == ['a/one.jpg', 'b/one.jpg']
    deep = names_of('a/one.jpg', 'b/one.jpg', 'b/a/one.jpg')
    assert deep == [f'{place.name}/a/one.jpg', 'b/one.jpg', 'b/a/one.jpg']


def test_a_suffix_stays_in_the_stem_where_it_alone_tells_two_apart(place):
    stems = [source.stem for source in find_sources(['b', 'a/two.PNG'])]
    assert stems == ['ONE.png', 'one.jpg', 'two']


def test_no_stem_is_that_of_another_source(place):
    stems = [source.stem.casefold() for source in find_sources(['**/*', '0', '7'])]
    assert len(set(stems)) == len(stems) == 9


@pytest.mark.parametrize(
    ('argument', 'reason'),
    [
        ('absent.jpg', "and exist, got 'absent.jpg'"),
        ('', "and exist, got ''"),
        ('-1', "and exist, got '-1'"),
        ('rtsp://', "and exist, got 'rtsp://'"),
        ('http://@/', "and exist, got 'http://@/'"),
        ('empty', "folder must hold an image or a video, got 'empty'"),
        ('empty/*', r"pattern must match an image or a video, got 'empty/\*'"),
    ],
)
def test_what_stands_for_nothing_is_refused(argument, reason, place):
    with pytest.raises(InputError, match=reason):
        find_sources(['a', argument])


def test_sources_are_not_opened_before_they_are_needed(place):
    source = find_sources(['a/one.jpg'])[0]
    assert isinstance(source, ImageFile)
    assert source.path == Path('a/one.jpg')
    assert source.path.stat().st_size == 0  # no image at all
