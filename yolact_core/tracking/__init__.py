"""Instances that keep their identity from image to image."""

from yolact_core.tracking.camera_shift import SmallView
from yolact_core.tracking.options import TrackingOptions
from yolact_core.tracking.tracker import Tracker, Tracks
from yolact_core.tracking.trails import Trails

__all__ = ['SmallView', 'Tracker', 'TrackingOptions', 'Tracks', 'Trails']
