"""Hand the jobs of a sweep to processes, collect what they report, and go on after any end."""

from __future__ import annotations

import csv
import io
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from simtrial.core.errors import DesignError, StoreError
from simtrial.core.files import clear_leftovers, write_whole
from simtrial.core.provenance import canonical_json, digest, version
from simtrial.planning.power import Progress
from simtrial.planning.results import digests_of, read_result
from simtrial.sweep.plan import Plan
from simtrial.sweep.work import (
    Assignment,
    Report,
    failure,
    read_record,
    record_path,
    serve,
)

_MOST_AT_ONCE = 8  # jobs a batch: few enough that processes end together
_CSV_HEAD = "job design n scenario status metric estimate mcse low95 high95 replicates message"


@dataclass(frozen=True, kw_only=True)
class SweepResult:
    """The document of a sweep, and what this run of it did.

    Attributes
    ----------
    ended_before : jobs that had ended before, whose replicates were not looked at.
    read, computed : replicates read and computed for the other jobs.
    """

    document: dict[str, Any]
    ended_before: int
    read: int
    computed: int
    interrupted: bool

    @property
    def failed(self) -> int:
        """The number of jobs that failed."""
        return int(self.document["failed"])

    def to_json(self) -> str:
        """Return the result as one JSON text; equal sweeps give equal bytes."""
        return canonical_json(self.document)

    def to_csv(self) -> str:
        """Return a row for each job and metric."""
        return _csv(self.document)


def run_sweep(
    plan: Plan,
    folder: Path,
    *,
    processes: int = 2,
    progress: Progress | None = None,
    tell: Callable[[str], None] | None = None,
) -> SweepResult:
    """Run the jobs of a sweep that have not ended yet; write sweep.json and sweep.csv at the end.

    Parameters
    ----------
    processes : each simulates on one thread; no result depends on their number.
    tell : told in a sentence of what a user should know.

    Raises
    ------
    StoreError : when the folder cannot be written or holds another sweep.
    """
    if processes < 1:
        raise DesignError(f"processes is {processes}; give at least 1, such as 2.")
    report = progress if progress is not None else Progress()
    _refuse_another(folder / "sweep.json", plan)
    try:
        record_path(folder, "").parent.mkdir(parents=True, exist_ok=True)
        for place in (folder, record_path(folder, "").parent):
            clear_leftovers(place)
    except OSError as problem:
        raise StoreError(
            f"{folder} cannot be written ({problem.strerror}); choose another --out."
        ) from None
    identities = plan.identities()
    records = _records(folder, identities)
    # what failed is tried again: its reason may have gone
    records = {i: r for i, r in records.items() if r["status"] == "done"}
    todo = [
        Assignment(index=i, identity=identities[i], job=job)
        for i, job in enumerate(plan.jobs)
        if i not in records
    ]
    step = report.start("jobs", len(plan.jobs))
    step(len(records))
    crew = _Crew(plan=plan, folder=folder, tell=tell if tell is not None else lambda _: None)
    interrupted = False
    try:
        with closing(crew.run(todo, min(processes, len(todo)))) as reports:
            for ended in reports:
                records[ended.index] = ended.record
                step(1)
    except KeyboardInterrupt:
        interrupted = True
    report.finish()
    result = SweepResult(
        document=_document(plan, records),
        ended_before=len(plan.jobs) - len(todo),
        read=crew.read,
        computed=crew.computed,
        interrupted=interrupted,
    )
    if not interrupted:
        write_whole(folder / "sweep.csv", result.to_csv().encode())
        write_whole(folder / "sweep.json", (result.to_json() + "\n").encode())
    return result


def sweep_status(plan: Plan, folder: Path) -> dict[str, Any]:
    """Return how many jobs are planned, done, missing and failed, and which are not done."""
    records = _records(folder, plan.identities())
    document = _document(plan, records)
    rest = [
        {key: job[key] for key in ("job", "status", "message")}
        for job in document["jobs"]
        if job["status"] != "done"
    ]
    counts = {key: document[key] for key in ("planned", "done", "missing", "failed")}
    return {"command": "sweep status", "trials": plan.trials, **counts, "not_done": rest}


def _records(folder: Path, identities: Sequence[str]) -> dict[int, dict[str, Any]]:
    """Return the records of the jobs that have ended, by their number."""
    found = ((i, read_record(folder, identity)) for i, identity in enumerate(identities))
    return {i: record for i, record in found if record is not None}


@dataclass(kw_only=True)
class _Member:
    """A process, the connection to it, and the jobs it was handed and has not ended."""

    process: SpawnProcess
    connection: Connection
    handed: deque[Assignment] = field(default_factory=deque)


@dataclass(kw_only=True)
class _Crew:
    """The processes of a sweep, and what they read and computed together."""

    plan: Plan
    folder: Path
    tell: Callable[[str], None]
    read: int = 0
    computed: int = 0

    def run(self, todo: Sequence[Assignment], size: int) -> Generator[Report]:
        """Yield each job as it ends; whatever ends this, no process stays."""
        waiting = deque(todo)
        members: list[_Member] = []
        try:
            for _ in range(size):
                members.append(self._engage())
            for member in members:  # all are starting by now, none waits for another
                self._brief(member)
                self._hand(member, waiting, size)
            while members:
                ready = wait([m.connection for m in members])
                for member in [m for m in members if m.connection in ready]:
                    try:
                        message = member.connection.recv()
                    except (EOFError, ConnectionError):
                        members.remove(member)
                        yield from self._lost(member, waiting)
                        if waiting:
                            members.append(self._engage())
                            self._brief(members[-1])
                            self._hand(members[-1], waiting, size)
                        continue
                    if isinstance(message, str):
                        self.tell(message)
                        continue
                    member.handed.popleft()
                    self.read += message.read
                    self.computed += message.computed
                    yield message
                    if not member.handed and not self._hand(member, waiting, size):
                        members.remove(member)
                        _dismiss(member)
        finally:
            for member in members:
                member.process.terminate()
                member.process.join()
                member.connection.close()

    def _engage(self) -> _Member:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=serve,
            args=(theirs, self.folder, self.plan.seed, self.plan.trials),
            daemon=True,
        )
        with _interrupts_wait():
            process.start()
        theirs.close()  # so that its end is seen here when the process ends
        return _Member(process=process, connection=ours)

    def _brief(self, member: _Member) -> None:
        """Send the posterior: too large to be an argument, which a starting process would block."""
        with suppress(ConnectionError):
            member.connection.send(self.plan.posterior)

    @staticmethod
    def _hand(member: _Member, waiting: deque[Assignment], size: int) -> bool:
        """Hand over the next jobs; return whether there were any."""
        count = max(1, min(_MOST_AT_ONCE, len(waiting) // (4 * size)))
        batch = [waiting.popleft() for _ in range(min(count, len(waiting)))]
        if batch:
            member.handed.extend(batch)
            with suppress(ConnectionError):  # it has just ended by itself, and will be found so
                member.connection.send(batch)
        return bool(batch)

    def _lost(self, member: _Member, waiting: deque[Assignment]) -> Iterator[Report]:
        """Fail the job in which a process ended by itself; the rest of its batch goes back."""
        member.process.join()
        member.connection.close()
        code = member.process.exitcode
        if member.handed:
            culprit = member.handed.popleft()
            waiting.extendleft(reversed(member.handed))
            record = failure(f"its process ended by itself (exit code {code})")
            yield Report(index=culprit.index, record=record, read=0, computed=0)


def _dismiss(member: _Member) -> None:
    with suppress(ConnectionError):
        member.connection.send(None)
    member.process.join()
    member.connection.close()


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Hold back SIGINT: a process started meanwhile never hears it, and here it comes after.

    Ctrl-C reaches every process of a terminal; this one alone decides what it means.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its own start would let the signal through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _document(plan: Plan, records: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    jobs = []
    nothing = {"status": "missing", "message": "", "row": None}
    for i, job in enumerate(plan.jobs):
        record = records.get(i, nothing)
        digests = digests_of(job.design, plan.posterior, [job.scenario.digest()])
        jobs.append(
            {
                **(record["row"] or {}),
                "job": job.name,
                "design": job.design_name,
                "n": job.design.sample_size.n,
                "scenario": job.scenario_name,
                "digests": digests,
                "status": record["status"],
                "message": record["message"],
            }
        )
    status = [job["status"] for job in jobs]
    return {
        "simtrial": version(),
        "command": "sweep",
        "digest": digest([job["digests"] for job in jobs]),
        "posterior": plan.posterior.provenance.get("digest", ""),
        "seed": plan.seed,
        "trials": plan.trials,
        "planned": len(jobs),
        **{word: status.count(word) for word in ("done", "missing", "failed")},
        "jobs": jobs,
    }


def _refuse_another(path: Path, plan: Plan) -> None:
    """Refuse to overwrite a sweep that has jobs which this one has not.

    A sweep may grow by jobs and trials in its folder; what was there is there again.
    """
    held = read_result(path)
    if held is None:
        return
    planned = {canonical_json(job["digests"]) for job in _document(plan, {})["jobs"]}
    gone = [j["job"] for j in held.get("jobs", []) if canonical_json(j["digests"]) not in planned]
    if gone:
        what = f"the job '{gone[0]}', which this sweep has not"
    elif held["command"] != "sweep":
        what = f"a result of {held['command']}"
    elif held.get("seed") != plan.seed:
        what = f"seed {held.get('seed')}"
    elif held["simtrial"] != version():
        what = f"version {held['simtrial']}"
    else:
        return
    raise StoreError(f"Result {held['digest']} holds {what}; choose another --out.")


def _csv(document: Mapping[str, Any]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_CSV_HEAD.split())
    for job in document["jobs"]:
        start = [job[key] for key in ("job", "design", "n", "scenario", "status")]
        for name, metric in _metrics(job):
            low, high = metric["interval95"] or ("", "")
            values = [metric["estimate"], metric["mcse"], low, high, metric["replicates"]]
            table.writerow([*start, name, *values, ""])
        if job["status"] != "done":
            table.writerow([*start, *[""] * 6, job["message"]])
    return text.getvalue()


def _metrics(job: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the metrics of a job by name; those of an arm as ``metric[arm]``."""
    by_arm = [
        (f"{name}[{arm}]", metric)
        for arm, found in job.get("harm", {}).items()
        for name, metric in found.items()
        if metric is not None  # of an arm without patients, or without courses
    ]
    return [*job.get("metrics", {}).items(), *by_arm]
