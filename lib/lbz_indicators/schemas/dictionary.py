"""The data dictionary, written from the schemas: `python -m lbz_indicators.schemas.dictionary`."""

from __future__ import annotations

from lbz_indicators.schemas import SCHEMAS, TableSchema


def describe_table(schema: TableSchema) -> str:
    """One table as Markdown."""
    lines = [f"## {schema.table}", "", f"Grain: {schema.grain}.  ", f"Key: {', '.join(schema.key)}."]
    if schema.partition_by:
        lines[-1] += f"  \nPartitioned by: {', '.join(schema.partition_by)}."
    lines += ["", "| column | type | required | meaning |", "|---|---|---|---|"]
    lines += [
        f"| {c.name} | {c.type.simpleString()} | {'yes' if c.required else ''} | {c.meaning.replace('|', ' or ')} |"
        for c in schema.columns
    ]
    return "\n".join(lines)


def describe_all() -> str:
    """Every table, in the order of the layers."""
    head = "# Data dictionary\n\nWritten from `lib/lbz_indicators/schemas` by `make docs`; a test compares the two.\n"
    return head + "\n" + "\n\n".join(describe_table(schema) for schema in SCHEMAS.values()) + "\n"


if __name__ == "__main__":
    print(describe_all(), end="")
