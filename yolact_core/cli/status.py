"""Exit statuses, for modules that still look for them here."""

from yolact_core.errors import BAD_INPUT, INTERRUPTED, READER_GONE

__all__ = ['BAD_INPUT', 'INTERRUPTED', 'READER_GONE']
