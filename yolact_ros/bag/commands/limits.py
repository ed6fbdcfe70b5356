"""Limits that figures must keep, for use in continuous integration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from yolact_core.errors import InputError


@dataclass(frozen=True)
class Limit:
    """A bound of one figure.

    Args:
        name: Name of the figure.
        value: Value that the figure must keep to.
        is_least: Whether the figure must not be below the value; otherwise not above.
    """

    name: str
    value: float
    is_least: bool

    def breach(self, figures: Mapping[str, float | None]) -> str | None:
        """Return in one sentence how the figure is out of bounds, or None if it is not.

        Raises:
            InputError: There is no such figure.
        """
        if self.name not in figures:
            raise InputError(f'figure must be one of {", ".join(figures)}, got {self.name!r}')
        value = figures[self.name]
        wanted = f'{self.name} must be at {"least" if self.is_least else "most"} {self.value:g}'
        if value is None:
            return f'{wanted}, but cannot be told from this bag'
        is_kept = value >= self.value if self.is_least else value <= self.value
        return None if is_kept else f'{wanted}, got {value:g}'


def parse_limits(text: str | None, *, is_least: bool) -> list[Limit]:
    """Read limits as ``name=value,name=value``.

    Raises:
        InputError: The text is something else.
    """
    limits = []
    for part in text.split(',') if text else ():
        name, _, value = part.partition('=')
        try:
            limits.append(Limit(name.strip(), float(value), is_least))
        except ValueError:
            raise InputError(
                f'limits must be like mask_ap=0.3,stability=0.9, got {part!r}'
            ) from None
    return limits
