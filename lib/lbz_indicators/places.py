"""Where files lie: a local folder, or a URL of another file system."""

from __future__ import annotations

import os


def is_remote(place: str) -> bool:
    """Whether a path names a file system (s3a://, abfss://, file://) that only Spark reads."""
    return "://" in place


def absolute(place: str) -> str:
    """A local folder independent of the working directory; a URL as it is."""
    return place if is_remote(place) else os.path.abspath(place)
