"""A report that one can look at: one HTML file that needs nothing else, and its charts as PNG."""

from yolact_ros.bag.report.report import Report, write_report

__all__ = ['Report', 'write_report']
