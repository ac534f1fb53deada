"""Headrace: flows and tasks in Python, orchestrated by a control plane of your own."""

__version__ = "0.1.0"
