"""Tables written in pieces, as Parquet or CSV: only one piece is held at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FORMATS = ("parquet", "csv")
Write = Callable[[Any], None]


@contextmanager
def table_file(path: Path, file_format: str, schema: Any) -> Iterator[Write]:
    """Open a file; yield a function that appends a pyarrow table of ``schema`` to it."""
    if file_format == "parquet":
        import pyarrow.parquet as pq

        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            yield writer.write_table
        return
    import pyarrow.csv as pacsv

    plain = _plain(schema)
    with pacsv.CSVWriter(path, plain) as writer:
        yield lambda table: writer.write_table(table.cast(plain))


def _plain(schema: Any) -> Any:
    """Return a schema whose coded texts are written out."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type)
            for f in schema
        ]
    )
