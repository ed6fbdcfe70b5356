"""Networks as files that other runtimes read."""

from yolact_core.export.cache import find_or_export
from yolact_core.export.export import PRECISIONS, ExportOptions, export_network
from yolact_core.export.parity import Difference

__all__ = ['PRECISIONS', 'Difference', 'ExportOptions', 'export_network', 'find_or_export']
