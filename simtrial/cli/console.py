"""What commands share: progress on stderr, results on stdout, exit codes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from simtrial.core.errors import DesignError
from simtrial.core.files import clear_leftovers
from simtrial.core.files import write_whole as write_bytes
from simtrial.operating.store import Store
from simtrial.planning.power import Progress

EXIT_UNEXPECTED, EXIT_BAD_INPUT, EXIT_CHECK_FAILED, EXIT_INTERRUPTED = 1, 2, 3, 130


class BarProgress(Progress):
    """A bar on stderr; nothing when stderr is no terminal or the user wants quiet."""

    def __init__(self, *, quiet: bool) -> None:
        console = Console(stderr=True)
        self._shown = console.is_terminal and not quiet
        self._bars = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not self._shown,
        )
        self._started = False

    def start(self, title: str, total: int) -> Callable[[int], None]:
        """Begin a bar."""
        if self._shown and not self._started:
            self._bars.start()
            self._started = True
        task = self._bars.add_task(title, total=total)
        return lambda steps: self._bars.advance(task, steps)

    def finish(self) -> None:
        """End the bars when all are complete."""
        if self._started and self._bars.finished:
            self._bars.stop()
            self._started = False

    def close(self) -> None:
        """Take the bars away, however the work ended."""
        if self._started:
            self._bars.stop()
            self._started = False


class OneInterrupt:
    """A handler of SIGINT: the first raises KeyboardInterrupt, its echoes are not heard.

    A shell, make or timeout may send the signal twice at once; the second would end the writing
    of what was finished. One that comes a second later ends the program as usual.
    """

    def __init__(self) -> None:
        self._first: float | None = None

    def __call__(self, number: int, frame: object) -> None:
        """Take one signal."""
        now = time.monotonic()
        if self._first is None or now - self._first > 1.0:
            self._first = now if self._first is None else self._first
            raise KeyboardInterrupt


_AT_END: ContextVar[ExitStack] = ContextVar("what is done when a command ends, however it ends")


@contextmanager
def ending() -> Iterator[None]:
    """Run a command, then what it asked to be done at its end."""
    with ExitStack() as stack:
        token = _AT_END.set(stack)
        try:
            yield
        finally:
            _AT_END.reset(token)


def say(text: str = "") -> None:
    """Print to stdout."""
    sys.stdout.write(text + "\n")


def note(text: str, *, quiet: bool = False) -> None:
    """Print to stderr."""
    if not quiet:
        sys.stderr.write(text + "\n")


def all_cores() -> int:
    """Return the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def show_as_note(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning as one line on stderr, without the line of code it comes from."""
    note(f"Warning: {message}")


def silence_stdout() -> None:
    """Send what is still to be printed nowhere, so that ending does not fail anew."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # open to the end


def output_folder(path: Path | None) -> Path | None:
    """Return the folder, made if need be, or refuse one that cannot be written.

    A folder made here goes again when the command ends without having written into it.

    Raises
    ------
    DesignError
    """
    if path is None:
        return None
    try:
        made = [p for p in (path, *path.parents) if not p.exists()]
        path.mkdir(parents=True, exist_ok=True)
        at_end = _AT_END.get(None)
        if at_end is not None:
            at_end.callback(_remove_empty, made)
        probe = path / f".simtrial-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except (OSError, ValueError) as problem:  # ValueError: a null character in the name
        raise _unwritable(path, problem) from None
    return path


def output_file(path: Path | None) -> Path | None:
    """Return a file to be written at the end, or refuse one that cannot be.

    Raises
    ------
    DesignError
    """
    if path is None:
        return None
    if path.is_dir():
        raise DesignError(
            f"--out {path}: cannot be written (it is a folder); give a file, such as --out "
            f"{path / 'posterior.npz'}."
        )
    output_folder(path.parent)
    return path


def open_store(folder: Path | None) -> Store | None:
    """Return the replicates kept in the folder of ``--out``; None without one."""
    if folder is None:
        return None
    clear_leftovers(folder)
    return Store(folder, tell=note)


def note_store(store: Store | None, *, quiet: bool) -> None:
    """Say how many replicates were read and computed, however the work ended."""
    if store is not None and store.words():
        note(store.words(), quiet=quiet)


def write_whole(path: Path, text: str) -> None:
    """Write a file in one step, so that it is whole or absent.

    Raises
    ------
    DesignError : when it cannot be written; nothing is left of it then.
    """
    try:
        write_bytes(path, text.encode())
    except OSError as problem:
        raise _unwritable(path, problem) from None


def _unwritable(path: Path, problem: Exception) -> DesignError:
    reason = getattr(problem, "strerror", None) or str(problem)
    return DesignError(
        f"--out {path}: cannot be written ({reason}); give a folder that exists or "
        "can be made, such as --out results/demo."
    )


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:  # the innermost first
        try:
            folder.rmdir()
        except OSError:
            return  # something was written into it, or it is gone


def finish(
    interrupted: bool, started: float, quiet: bool, *, failed: bool = False, kept: bool = False
) -> None:
    """End a command: say how long it took, and leave with the code of what happened."""
    if interrupted:
        more = " The same command goes on from there." if kept else ""
        note(f"Interrupted: what was finished is shown above.{more}")
        raise typer.Exit(EXIT_INTERRUPTED)
    note(f"{time.perf_counter() - started:.1f} s", quiet=quiet)
    if failed:
        raise typer.Exit(EXIT_CHECK_FAILED)
