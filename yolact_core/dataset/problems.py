"""What is not as it must be in a data set, and what becomes of it."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from yolact_core.errors import InputError

Severity = Literal['error', 'warning']

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Problem:
    """Something in a data set that is not as it must be.

    Args:
        severity: Data with an ``error`` are refused. A ``warning`` is only told.
        where: Image, annotation or category that the problem is in.
        rule: What must hold, the same for all problems of a kind.
        found: What was found.
        is_left_out: Whether the object takes no part in anything, for it cannot be learned.
    """

    severity: Severity
    where: str
    rule: str
    found: str = ''
    is_left_out: bool = False

    @property
    def reason(self) -> str:
        """What must hold, then what was found."""
        return f'{self.rule}, {self.found}' if self.found else self.rule

    def __str__(self) -> str:
        return f'{self.severity}: {self.where}: {self.reason}'

    def to_mapping(self) -> dict[str, object]:
        """Return plain values, for JSON."""
        return {
            'severity': self.severity,
            'where': self.where,
            'reason': self.reason,
            'left_out': self.is_left_out,
        }


class MisfitError(Exception):
    """A record cannot be taken as it is.

    Args:
        rule: What must hold.
        found: What was found.
        severity: Whether that is an error, or the object is left out with a warning.
    """

    def __init__(self, rule: str, found: str, severity: Severity = 'error') -> None:
        super().__init__(rule)
        self.rule, self.found, self.severity = rule, found, severity

    def in_record(self, where: str) -> Problem:
        """Return the problem that it is in a certain record."""
        is_left_out = self.severity == 'warning'
        return Problem(self.severity, where, self.rule, self.found, is_left_out)


def refuse_errors(path: Path, problems: Iterable[Problem]) -> None:
    """Refuse a data set that has errors.

    Raises:
        InputError: There are errors; the text names the first.
    """
    errors = [problem for problem in problems if problem.severity == 'error']
    if errors:
        raise InputError(
            f'{path} must have no errors, but has {len(errors)}, the first of them '
            f'{errors[0].where}: {errors[0].reason}; "yolact dataset check" lists all'
        )


def log_warnings(path: Path, problems: Iterable[Problem]) -> None:
    """Log what is left out and what is doubtful, counted by what must hold."""
    kinds: dict[tuple[bool, str], list[Problem]] = defaultdict(list)
    for problem in problems:
        if problem.severity == 'warning':
            kinds[problem.is_left_out, problem.rule].append(problem)
    for (is_left_out, rule), alike in kinds.items():
        what = 'objects left out' if is_left_out else 'warnings'
        logger.warning(
            '%s: %d %s: %s; the first is %s%s',
            path, len(alike), what, rule, alike[0].where,
            f', {alike[0].found}' if alike[0].found else '',
        )  # fmt: skip
