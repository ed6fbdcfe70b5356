"""``yolact doctor``: what this machine has, and what to install."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yolact_core.cli.options import option
from yolact_core.terminal import say, say_json, say_table

if TYPE_CHECKING:
    from yolact_core.cli.doctor_checks import Finding

COLORS = {'ok': 'green', 'missing': 'yellow', 'problem': 'red'}


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``yolact doctor`` can be asked for."""

    json: bool = option('print JSON', False)


def run(options: Options) -> int:
    """Check this machine.

    Returns:
        0 if all that is required works, else 1.
    """
    from yolact_core.cli.doctor_checks import examine

    findings = examine()
    is_fit = all(finding.state == 'ok' for finding in findings if finding.is_required)
    if options.json:
        say_json({'ok': is_fit, 'findings': [dataclasses.asdict(finding) for finding in findings]})
    else:
        _print_table(findings)
        say('\nAll that is required works.' if is_fit else '\nSomething required does not work.')
    return 0 if is_fit else 1


def _print_table(findings: list[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table('what', 'found', 'state', 'to do', box=None, pad_edge=False)
    for finding in findings:
        is_grave = finding.is_required and finding.state != 'ok'
        state = Text(finding.state, style='bold red' if is_grave else COLORS[finding.state])
        table.add_row(finding.what, Text(finding.found), state, Text(finding.remedy))
    say_table(table)
