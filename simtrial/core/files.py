"""Files that are whole or absent, however their writer ends."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from pathlib import Path

_LEFTOVER = re.compile(r"\..+\.(\d+)-\d+\.part")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one step: under another name beside it, to the disk, then renamed.

    Raises
    ------
    OSError : when the folder cannot be written; nothing is left behind then.
    """
    try:
        _write_once(path, content)
    except FileNotFoundError:
        # another machine cannot know that this writer lives, and may have cleared its file away
        _write_once(path, content)


def _write_once(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def clear_leftovers(folder: Path) -> None:
    """Remove what killed writers left half written; files of living ones stay."""
    for path in folder.glob(".*.part"):
        found = _LEFTOVER.fullmatch(path.name)
        if found and not _lives(int(found.group(1))):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # of another user
    return True
