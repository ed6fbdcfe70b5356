"""Data sets in COCO's format."""

from yolact_core.dataset.coco import CocoDataset
from yolact_core.dataset.sample import Sample, Targets, collate, start_worker

__all__ = ['CocoDataset', 'Sample', 'Targets', 'collate', 'start_worker']
