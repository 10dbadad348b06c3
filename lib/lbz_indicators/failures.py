"""Failures of Spark and of the file system as one message; the details go to the log files only."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.errors import PySparkException

from lbz_indicators.errors import LbzError, StorageError

log = logging.getLogger(__name__)


def is_spark_failure(error: BaseException) -> bool:
    """Whether an exception came out of Spark or its Java side."""
    return isinstance(error, PySparkException) or type(error).__module__.startswith("py4j")


@contextmanager
def storage_errors(what: str, where: str, mend: str, kind: type[LbzError] = StorageError) -> Iterator[None]:
    """Turns a failure of Spark or of the file system into `kind` with this message."""
    try:
        yield
    except Exception as error:
        if not is_spark_failure(error) and not isinstance(error, OSError):
            raise
        log.error("%s (%s)", what, where, exc_info=True)
        raise kind(what, where=where, mend=mend) from error
