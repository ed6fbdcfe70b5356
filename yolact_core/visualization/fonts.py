"""Fonts that have the letters of a text, or else the text in letters that every font has."""

from __future__ import annotations

import logging
import shutil
import subprocess
import unicodedata
from functools import lru_cache

from PIL import ImageFont

USUAL_FONT = 'DejaVuSans.ttf'
NO_LETTER = '\U0010ffff'  # every font draws what it has in place of letters that it lacks
PATIENCE = 5.0  # seconds for fontconfig to find a font

logger = logging.getLogger(__name__)


def choose_font(text: str, text_size: int) -> tuple[ImageFont.FreeTypeFont, str]:
    """Return a font and the text as it can be written in it.

    Without a font for its letters, a text loses its accents, and other letters become escapes.

    Args:
        text: One line of text.
        text_size: Size of the font in pixels.
    """
    name, text = _find_font(text)
    if name:
        return ImageFont.truetype(name, text_size), text
    font = ImageFont.load_default(text_size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError('Pillow must be built with FreeType')
    return font, text


@lru_cache(maxsize=1024)
def _find_font(text: str) -> tuple[str, str]:
    """Return the name of a font, or none for Pillow's own, and the text as it has letters for."""
    if text.isascii():
        return '', text
    for name in (USUAL_FONT, _ask_fontconfig(text)):
        if name and _has_letters(name, text):
            return name, text
    letters = unicodedata.normalize('NFKD', text)
    plain = ''.join(letter for letter in letters if not unicodedata.combining(letter))
    written = plain.encode('ascii', 'backslashreplace').decode()
    logger.warning('no font has all letters of %s: it is written %s', text, written)
    return '', written


def _has_letters(name: str, text: str) -> bool:
    try:
        font = ImageFont.truetype(name, 16)
    except OSError:
        return False
    lacking = bytes(font.getmask(NO_LETTER))
    return all(letter.isspace() or bytes(font.getmask(letter)) != lacking for letter in set(text))


def _ask_fontconfig(text: str) -> str:
    """Return the file of the font that fits best by the system's own choice, if it has one."""
    tool = shutil.which('fc-match')
    if tool is None:
        return ''
    letters = ' '.join(f'{ord(letter):x}' for letter in sorted(set(text)))
    try:
        child = subprocess.run(
            [tool, '--format=%{file}', f':charset={letters}'],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ''
    return child.stdout
