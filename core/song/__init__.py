"""Hearing a song. Heavy ring: runs in the worker's own Python, never in Blender's."""

from .analysis import listen

__all__ = ["listen"]
