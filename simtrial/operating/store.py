"""Replicates kept in a folder: pieces are only ever added, and nothing is computed twice.

A replicate's outcome is a function of its number and of what names its series: the protocol, the
scenario, the rows of parameters, the seed, the sample sizes, and the code. Pieces of a series are
therefore good for any later run, whatever its trials, chunks and workers, and two processes may
write the same series at once: a piece is whole or absent, and equal pieces are equal.

The sizes name the series since screening and duration are kept at the largest of them, and a
larger trial has to be simulated anew. So does the engine, though both give the same bits: a run of
the reference engine is a check, which must not be answered by what the compiled one wrote.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import platform
import re
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.core import compiled
from simtrial.core.errors import StoreError
from simtrial.core.files import clear_leftovers, write_whole
from simtrial.core.provenance import content_digest, digest, version
from simtrial.operating.prepare import Prepared
from simtrial.operating.replicates import Engine, Outcomes

FORMAT = 3
_FOLDER = "replicates"
_HEADER = "series.json"
_PIECE = re.compile(r"(\d{10})-(\d{10})\.npz")
_STAMP = (1980, 1, 1, 0, 0, 0)  # so that the same content gives the same bytes
# what reading a damaged archive has been seen to raise
_DAMAGE = (
    ValueError,
    KeyError,
    IndexError,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    zlib.error,
    zipfile.BadZipFile,
)


def origin_of_code() -> dict[str, Any]:
    """Return what of the code decides an outcome: our version and sources, the libraries'."""
    return {
        "simtrial": version(),
        "source": compiled.SOURCE_DIGEST,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "libraries": {n: version_of(n) for n in ("numba", "llvmlite", "numpy", "scipy")},
    }


class Store:
    """The replicates of a folder, in ``replicates/<series>/``.

    Parameters
    ----------
    folder : the ``--out`` of a command.
    tell : told in a sentence of a damaged piece that was set aside.

    Attributes
    ----------
    read, computed : replicates taken from the folder, and added to it, by this object. What it
        added itself counts as computed only.
    """

    def __init__(self, folder: str | Path, *, tell: Callable[[str], None] | None = None) -> None:
        self.folder = Path(folder)
        self.tell: Callable[[str], None] = tell if tell is not None else lambda _: None
        self.read = 0
        self.computed = 0
        self._lock = threading.Lock()
        self._counted: dict[str, list[tuple[int, int]]] = {}

    def series(
        self, prepared: Prepared, *, seed: int, sizes: Sequence[int], engine: Engine
    ) -> Series:
        """Return the series of a design under a scenario, made if it is new.

        Raises
        ------
        StoreError : when the folder cannot be written.
        """
        header = {
            "format": FORMAT,
            **origin_of_code(),
            "design": prepared.design.model_dump(mode="json"),
            # allocation follows the order of the arms, which JSON with sorted keys does not keep
            "arms": list(prepared.design.arm_names),
            "scenario": prepared.scenario.model_dump(mode="json", by_alias=True),
            "parameters": content_digest(
                [prepared.protocol, prepared.table, prepared.arrivals, prepared.eligible_share]
            ),
            "seed": seed,
            "sizes": [int(n) for n in sizes],
            "engine": engine,
        }
        name = digest(header)
        series = Series(self, name, len(sizes))
        series.begin(header)
        return series

    def words(self) -> str:
        """Return how many replicates were read and computed; nothing when there were none."""
        if not self.read + self.computed:
            return ""
        return f"{self.read:,} replicates read, {self.computed:,} computed."

    def count(self, series: str, first: int, last: int, *, new: bool) -> None:
        """Count replicates first..last-1 of a series, each once."""
        with self._lock:
            known = self._counted.setdefault(series, [])
            fresh = sum(high - low for low, high in _outside(known, first, last))
            known.append((first, last))
            if new:
                self.computed += fresh
            else:
                self.read += fresh


@dataclass(frozen=True, kw_only=True)
class _Piece:
    name: str
    first: int
    last: int  # without
    outcomes: Outcomes

    def part(self, first: int, last: int) -> Outcomes:
        """Return replicates first..last-1 of the piece."""
        cut = slice(first - self.first, last - self.first)
        return Outcomes(**{f.name: getattr(self.outcomes, f.name)[cut] for f in fields(Outcomes)})


class Series:
    """The pieces of one series: ``<first>-<last>.npz``, both inclusive, and a header to read."""

    def __init__(self, store: Store, name: str, n_sizes: int) -> None:
        self.name = name
        self.folder = store.folder / _FOLDER / name
        self._store = store
        self._n_sizes = n_sizes

    def begin(self, header: dict[str, Any]) -> None:
        """Make the folder, write its header before any piece, and clear what killed writers left.

        Raises
        ------
        StoreError
        """
        path = self.folder / _HEADER
        text = json.dumps(header, indent=1, sort_keys=True) + "\n"
        with self._or_refuse():
            self.folder.mkdir(parents=True, exist_ok=True)
            clear_leftovers(self.folder)
            if not path.exists() or path.read_bytes() != text.encode():
                write_whole(path, text.encode())

    def read(self, first: int, last: int) -> dict[int, Outcomes]:
        """Return what is held of replicates first..last-1, by first replicate.

        Where pieces overlap the first is taken. Damaged ones are set aside, to be computed again.

        Raises
        ------
        StoreError : when overlapping pieces differ.
        """
        found: dict[int, Outcomes] = {}
        farthest: _Piece | None = None
        for piece in self._pieces(first, last):
            start = piece.first
            if farthest is not None and start < farthest.last:
                self._refuse_difference(farthest, piece)
                start = farthest.last
            low, high = max(start, first), min(piece.last, last)
            if low < high:
                found[low] = piece.part(low, high)
                self._store.count(self.name, low, high, new=False)
            if farthest is None or piece.last > farthest.last:
                farthest = piece
        return found

    def write(self, first: int, outcomes: Outcomes) -> None:
        """Add a piece; it is whole or absent.

        Raises
        ------
        StoreError : when it cannot be written.
        """
        last = first + outcomes.replicates
        path = self.folder / f"{first:010d}-{last - 1:010d}.npz"
        with self._or_refuse():
            write_whole(path, _packed(self.name, first, outcomes))
        self._store.count(self.name, first, last, new=True)

    def _pieces(self, first: int, last: int) -> list[_Piece]:
        """Return the readable pieces that hold any of first..last-1, in order of replicate."""
        bounds = []
        for name in os.listdir(self.folder):
            matched = _PIECE.fullmatch(name)
            if matched:
                low, high = int(matched.group(1)), int(matched.group(2)) + 1
                if low < last and high > first:
                    bounds.append((low, -high, name))
        loaded = (self._load(name, low, -high) for low, high, name in sorted(bounds))
        return [piece for piece in loaded if piece is not None]

    def _load(self, name: str, first: int, last: int) -> _Piece | None:
        path = self.folder / name
        try:
            outcomes = _unpacked(path.read_bytes(), self.name, first, last, self._n_sizes)
        except FileNotFoundError:
            return None  # set aside by another process
        except _DAMAGE as problem:
            aside = path.with_name(f"{name}.damaged")
            with contextlib.suppress(FileNotFoundError):
                os.replace(path, aside)
            self._store.tell(
                f"{_FOLDER}/{self.name}/{name} is damaged ({problem}); set aside as {aside.name}, "
                "its replicates are computed again."
            )
            return None
        return _Piece(name=name, first=first, last=last, outcomes=outcomes)

    def _refuse_difference(self, one: _Piece, other: _Piece) -> None:
        low, high = other.first, min(one.last, other.last)
        for field in fields(Outcomes):
            a, b = (getattr(piece.part(low, high), field.name) for piece in (one, other))
            if not np.array_equal(a, b):
                where = low + int(np.argwhere(np.asarray(a != b))[0][0])
                raise StoreError(
                    f"{_FOLDER}/{self.name}: replicate {where} is in {one.name} and in "
                    f"{other.name} with different {field.name}, so one of them was changed; "
                    "remove both, and the same command computes them again."
                )

    @contextlib.contextmanager
    def _or_refuse(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            raise StoreError(
                f"{_FOLDER}/{self.name}: cannot be written ({problem.strerror}); make room, or "
                "give an --out that can be written, such as --out results/demo."
            ) from None


def _outside(known: Sequence[tuple[int, int]], first: int, last: int) -> list[tuple[int, int]]:
    """Return the parts of first..last-1 that no known range holds."""
    at, out = first, []
    for low, high in sorted(known):
        if low >= last:
            break
        if low > at:
            out.append((at, low))
        at = max(at, high)
    return [*out, (at, last)] if at < last else out


def _packed(series: str, first: int, outcomes: Outcomes) -> bytes:
    """Return a piece as the bytes of an .npz; equal outcomes give equal bytes."""
    arrays: dict[str, NDArray[Any]] = {
        "series": np.array(series),
        "first": np.array(first, np.int64),
        **{f.name: getattr(outcomes, f.name) for f in fields(Outcomes)},
    }
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.save(member, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=_STAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, member.getvalue())
    return whole.getvalue()


def _unpacked(content: bytes, series: str, first: int, last: int, n_sizes: int) -> Outcomes:
    """Return a piece's outcomes; what it holds has to be what its place says."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        arrays = {
            name.removesuffix(".npy"): np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
            for name in archive.namelist()
        }
    if str(arrays.pop("series")) != series or int(arrays.pop("first")) != first:
        raise ValueError("it holds other replicates than its name says")
    if set(arrays) != {f.name for f in fields(Outcomes)}:
        raise ValueError("it does not hold the columns of an outcome")
    if {array.shape[0] for array in arrays.values()} != {last - first}:
        raise ValueError("it holds more or fewer replicates than its name says")
    if arrays["success"].shape[1] != n_sizes:
        raise ValueError("it holds other sample sizes")
    return Outcomes(**arrays)
