"""Whether depth goes out without the objects that are to be taken out of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from yolact_ros.health.diagnostics import Status
from yolact_ros.health.transport import Level

KEPT = 300  # ages over which is summarized


@dataclass
class RemovalTally:
    """What became of depth images since the last report.

    Args:
        published: Number of those that went out.
        withheld: Number of those that did not, as no mask fits them.
        dropped: Number of those that came faster than they could be worked on.
        complaint: Why the last one was withheld, or what could not be published beside it.
        ages: Seconds between depth and mask of those that went out.
    """

    published: int = 0
    withheld: int = 0
    dropped: int = 0
    complaint: str = ''
    ages: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))


def check_removal(tally: RemovalTally, complaint: str, *, is_needed: bool) -> Status:
    """Say whether depth goes out, and how old the masks are by which objects are taken out of it.

    Args:
        tally: What became of depth images since the last report.
        complaint: Why some classes are not taken out, or empty.
        is_needed: Whether somebody listens.
    """
    values: dict[str, object] = {
        'published': tally.published,
        'withheld': tally.withheld,
        'dropped': tally.dropped,
    }
    if ages := list(tally.ages):
        values['age of the mask (s)'] = f'{median(ages):.3f}'
        values['largest age of a mask (s)'] = f'{max(ages):.3f}'
    if not is_needed:
        return Status('removal', Level.OK, 'nobody listens to ~/removed/...', values)
    complaints = [complaint] if complaint else []
    if tally.withheld:
        total = tally.withheld + tally.published
        complaints.append(f'{tally.withheld} of {total} depth images withheld: {tally.complaint}')
    elif tally.complaint:
        complaints.append(tally.complaint)
    if tally.dropped:
        complaints.append(f'{tally.dropped} depth images came faster than they can go out')
    level = Level.WARN if complaints else Level.OK
    text = '; '.join(complaints) or f'{tally.published} depth images went out'
    return Status('removal', level, text, values)


def complain(removed: Sequence[str], published: Sequence[str], known: Sequence[str]) -> str:
    """Say which classes cannot be taken out because nobody finds them, or return nothing.

    Args:
        removed: Names of the classes that are to be taken out.
        published: Names of the classes that are looked for; empty: all.
        known: Names of the classes that the model knows.
    """
    unknown = [name for name in removed if name not in known]
    ignored = [name for name in removed if name in known and published and name not in published]
    complaints = []
    if unknown:
        complaints.append(f'the model knows no {", ".join(unknown)} (removal.classes)')
    if ignored:
        complaints.append(f'{", ".join(ignored)} must be among the parameter classes to be found')
    return '; '.join(complaints)
