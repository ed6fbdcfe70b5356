"""Goals, and the table that says of each whether it is met."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

VERDICTS = {True: 'met', False: 'MISSED', None: '-'}


class Goal(NamedTuple):
    """One line of the table.

    Attributes:
        subject: What is measured.
        wanted: The goal in words; empty for a figure without one.
        found: Figure in words; why there is none if nothing was measured.
        is_met: Whether the goal is met; None if that was not measured, or there is no goal.
    """

    subject: str
    wanted: str
    found: str
    is_met: bool | None = None


def report_goals(goals: Sequence[Goal]) -> None:
    """Print the table."""
    widths = [max(len(goal[column]) for goal in goals) for column in range(2)]
    for goal in goals:
        verdict = VERDICTS[goal.is_met] if goal.wanted else ''
        cells = (goal.subject.ljust(widths[0]), goal.wanted.ljust(widths[1]))
        print('  '.join((*cells, verdict.ljust(6), goal.found)))
