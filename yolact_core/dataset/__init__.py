"""Data sets in COCO's format."""

from yolact_core.dataset.coco import CocoDataset
from yolact_core.dataset.loading import SampleLoader, deaths_told
from yolact_core.dataset.sample import Sample, Targets, collate

__all__ = ['CocoDataset', 'Sample', 'SampleLoader', 'Targets', 'collate', 'deaths_told']
