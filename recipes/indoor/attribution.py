"""Who made the object models, and under which licences they may be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models import ModelInfo

HEAD = """# Credits of the object models

Catalogue models were converted, simplified and recoloured; they come from the
Sweet Home 3D furniture libraries 1.8 (http://www.sweethome3d.com/importModels.jsp).
Licences: https://creativecommons.org/licenses/by/3.0/ (CC-BY-3.0),
https://creativecommons.org/licenses/by/3.0/us/ (CC-BY-3.0-US),
https://creativecommons.org/publicdomain/zero/1.0/ (CC0-1.0).

Scopia models: (C) Emmanuel Puybaret / eTeks and Scopia Visual Interfaces Systems, s.l.
(http://www.scopia.es). KatorLegaz models: (C) Andrew Kator and Jennifer Legaz.
Reallusion models: (C) Reallusion (http://www.reallusion.com). BlendSwap models: the
authors below (http://www.blendswap.com).

| model | title | class | split | author | licence |
|---|---|---|---|---|---|
"""


def credits_table(infos: Iterable[ModelInfo]) -> str:
    """Return the authors and licences of models as Markdown; what a room is built with has none.

    Args:
        infos: Models; those without a licence were made for one room by this recipe.
    """
    rows = {
        f'| {info.key} | {info.title} | {info.label or "background"} | {info.split} '
        f'| {info.creator} | {info.licence} |\n'
        for info in infos
        if info.licence
    }
    return HEAD + ''.join(sorted(rows))
