"""Packaging of lbz-indicators: the package lies in lib/, its settings and reference lists in conf/."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "lib/lbz_indicators/__init__.py").read_text())[1]
CONF = ["lbz_indicators.conf", *(f"lbz_indicators.conf.{folder.name}" for folder in sorted((HERE / "conf").glob("[a-z]*/")))]

setup(
    name="lbz-indicators",
    version=VERSION,
    description="Standardised hospital indicators (HSMR, SMR) on Spark MLlib and Delta Lake",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10,<3.13",
    package_dir={"": "lib", "lbz_indicators.conf": "conf"},
    packages=[*find_packages("lib"), *CONF],
    package_data={
        "lbz_indicators": ["py.typed"],
        "lbz_indicators.publish.report": ["templates/*.typ", "texts/*.yml", "texts/*.csv"],
        "lbz_indicators.publish.site": ["assets/*", "texts/*.yml"],
    }
    | {name: ["*.yml", "*.csv", "*.md"] for name in CONF},
    install_requires=[
        "pyspark==4.1.4",
        "delta-spark==4.4.0",
        "pandas>=2.2,<3",
        "numpy>=1.26",
        "scipy>=1.11",
        "pyarrow>=15",
        "pydantic>=2.6",
        "PyYAML>=6",
        "typer>=0.12",
        "rich>=13",
        "matplotlib>=3.8",
        "glum>=3.1",
        "pyzipper>=0.4",
        "XlsxWriter>=3.2",
        "typst>=0.15",
        "plotly>=7",
    ],
    extras_require={
        "test": [
            "pytest>=8,<9.2",  # from 9.2 on pytest-xdist 3.8 does not see which tests go together
            "pytest-xdist>=3.6",
            "chispa>=0.10",
            "hypothesis>=6.100",
            "statsmodels>=0.14",
            "aiosmtpd>=1.4",
            "openpyxl>=3.1",
            "pypdf>=5",
        ],
        "lint": ["ruff>=0.6", "mypy>=1.11", "pandas-stubs", "types-PyYAML"],
    },
    entry_points={"console_scripts": ["lbz-indicators = lbz_indicators.cli:main"]},
    classifiers=[
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Medical Science Apps.",
    ],
)
