"""Standardised hospital indicators from the LBZ register, on Spark MLlib and Delta Lake.

Importing the package starts nothing; `lbz_indicators.steps` is the table of contents.
"""

__version__ = "0.1.0"
