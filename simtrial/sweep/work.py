"""One job, and the process that is handed jobs: it simulates, keeps, and ends with its parent."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from simtrial.core.errors import SimtrialError
from simtrial.core.files import write_whole
from simtrial.core.provenance import canonical_json
from simtrial.operating.characteristics import scenario_row
from simtrial.operating.outcome_rows import outcome_row
from simtrial.operating.prepare import prepare
from simtrial.operating.replicates import run_all
from simtrial.operating.store import Store
from simtrial.sweep.plan import Job
from simtrial.trial.design import patients_of
from simtrial.trial.outcomes import OutcomeScenario, check_fit
from simtrial.trial.posterior import Posterior

_FOLDER = "jobs"


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """A job with its number in the plan and the digest that names its result."""

    index: int
    identity: str
    job: Job


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a process says of a job it has ended: its number, and replicates read and computed."""

    index: int
    record: dict[str, Any]
    read: int
    computed: int


def run_job(
    job: Job, posterior: Posterior, store: Store, *, seed: int, trials: int
) -> dict[str, Any]:
    """Return the record of a job: done with its row, or failed with the reason."""
    try:
        row = _row(job, posterior, store, seed, trials)
    except SimtrialError as problem:
        return failure(str(problem))
    except Exception as problem:  # a defect of ours in one job must not take the others along
        return failure(f"{type(problem).__name__}: {problem}")
    return {"status": "done", "message": "", "row": row}


def _row(job: Job, posterior: Posterior, store: Store, seed: int, trials: int) -> dict[str, Any]:
    if isinstance(job.scenario, OutcomeScenario):
        check_fit(job.design, job.scenario)
        name = job.scenario_name
        return outcome_row(job.design, job.scenario, name, seed=seed, trials=trials)[0]
    design = patients_of(job.design, "a scenario of patients")
    prepared = prepare(design, job.scenario, posterior)
    sizes = [design.sample_size.n]
    run = run_all(prepared, seed=seed, trials=trials, sizes=sizes, store=store)
    return scenario_row(prepared, run.outcomes, job.scenario_name)


def failure(message: str) -> dict[str, Any]:
    """Return the record of a job that failed."""
    return {"status": "failed", "message": message, "row": None}


def record_path(folder: Path, identity: str) -> Path:
    """Return where the record of a job is kept."""
    return folder / _FOLDER / f"{identity}.json"


def read_record(folder: Path, identity: str) -> dict[str, Any] | None:
    """Return the record of a job that has ended; None where there is none that can be read."""
    try:
        record = json.loads(record_path(folder, identity).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(record, dict) and set(record) == {"status", "message", "row"}
    return record if whole else None


def serve(connection: Connection, folder: Path, seed: int, trials: int) -> None:
    """Run the jobs that come through a connection after the posterior, until None or its end.

    A sentence for the user is sent as text, an ended job as a Report.
    """
    _end_with_parent()
    store = Store(folder, tell=connection.send)
    try:
        posterior: Posterior = connection.recv()
        while True:
            batch: Sequence[Assignment] | None = connection.recv()
            if batch is None:
                return
            for given in batch:
                before = (store.read, store.computed)
                record = run_job(given.job, posterior, store, seed=seed, trials=trials)
                text = canonical_json(record)
                record = json.loads(text)  # as a later run reads it, the order of keys included
                try:
                    write_whole(record_path(folder, given.identity), text.encode())
                except OSError as problem:
                    record = failure(f"its record cannot be written ({problem.strerror})")
                connection.send(
                    Report(
                        index=given.index,
                        record=record,
                        read=store.read - before[0],
                        computed=store.computed - before[1],
                    )
                )
    except (EOFError, BrokenPipeError):
        return  # the parent has ended


def _end_with_parent() -> None:
    """End this process as soon as its parent has ended, also in the midst of a job.

    What is half written stays under another name and is cleared later.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
