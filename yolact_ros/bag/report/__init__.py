"""A report to look at: one HTML file that needs nothing else, and its charts as PNG."""

from yolact_ros.bag.report.page import Report
from yolact_ros.bag.report.report import write_report

__all__ = ['Report', 'write_report']
