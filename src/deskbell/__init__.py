"""Deskbell: tells other systems, at once and without loss, what happened at a service desk."""

__version__ = "0.1.0"
