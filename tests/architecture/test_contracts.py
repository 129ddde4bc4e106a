"""The house rules hold, and each of them would notice a breach."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from simtrial.myositis import enzymes, measures

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "simtrial"
SETTINGS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = {c["id"]: c["name"] for c in SETTINGS["tool"]["importlinter"]["contracts"]}


# --- import contracts ---------------------------------------------------------------------------


def lint_imports(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Check the package in ``root``; the linter puts the working directory first on the path."""
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(linter), "--no-cache", "--no-logo", *options],
        cwd=root,
        env={**os.environ, "COLUMNS": "300", "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@dataclass(frozen=True, kw_only=True)
class Breach:
    """Lines appended to files (made if absent) that break one contract."""

    contract: str
    what: str
    lines: dict[str, str]
    told: str  # what the linter's answer has to name


BREACHES = [
    Breach(
        contract="layers",
        what="a low room imports a high one",
        lines={"stats/planted.py": "from simtrial.cohort import compiled"},
        told="simtrial.stats is not allowed to import simtrial.cohort",
    ),
    Breach(
        contract="layers",
        what="a room imports its neighbour",
        lines={
            "analysis/planted.py": "",
            "synthesis/planted.py": "from simtrial.analysis import planted",
        },
        told="simtrial.synthesis is not allowed to import simtrial.analysis",
    ),
    Breach(
        contract="layers",
        what="a sweep draws its report",
        lines={"sweep/planted.py": "from simtrial.report import curves"},
        told="simtrial.sweep is not allowed to import simtrial.report",
    ),
    Breach(
        contract="layers",
        what="an import inside a function counts too",
        lines={"trial/planted.py": "def late():\n    from simtrial.cohort import compiled\n"},
        told="simtrial.trial is not allowed to import simtrial.cohort",
    ),
    Breach(
        contract="layers",
        what="a room that no layer names",
        lines={"attic/__init__.py": ""},
        told="simtrial.attic",
    ),
    Breach(
        contract="engines",
        what="the compiled engine sees the reference",
        lines={"cohort/compiled/engine.py": "from simtrial.cohort import reference"},
        told="simtrial.cohort.compiled is not allowed to import simtrial.cohort.reference",
    ),
    Breach(
        contract="engines",
        what="the reference sees the compiled engine through a third module",
        lines={
            "cohort/planted.py": "from simtrial.cohort import compiled",
            "cohort/reference/engine.py": "from simtrial.cohort import planted",
        },
        told="simtrial.cohort.reference is not allowed to import simtrial.cohort.compiled",
    ),
    *(
        Breach(
            contract="engines",
            what=f"{one} sees {other}",
            lines={f"cohort/{one.replace('.', '/')}.py": f"import simtrial.cohort.{other}"},
            told=f"simtrial.cohort.{one} -> simtrial.cohort.{other}",
        )
        for one, other in (
            ("compiled.harm", "reference.harm"),
            ("reference.harm", "compiled.harm"),
            ("reference.engine", "compiled.room"),
            ("compiled.room", "reference.engine"),
            ("compiled.allocation", "reference.allocation"),
            ("reference.allocation", "compiled.allocation"),
        )
    ),
    *(
        Breach(
            contract="truth",
            what=f"an analysis sees {room}.{module}",
            lines={"analysis/planted.py": f"from simtrial.{room} import {module}"},
            told=f"simtrial.analysis is not allowed to import simtrial.{room}.{module}",
        )
        for room, module in (
            ("trial", "scenario"),
            ("trial", "outcomes"),
            ("cohort", "course"),
            ("cohort", "draws"),
            ("cohort", "outcomes"),
            ("cohort", "risk"),
            ("cohort", "truth"),
            ("cohort", "compiled"),
            ("cohort", "reference"),
        )
    ),
    Breach(
        contract="worker",
        what="a replicate runner reaches PyMC through synthesis",
        lines={
            "synthesis/planted.py": "import pymc",
            "operating/planted.py": "from simtrial.synthesis import planted",
        },
        told="simtrial.operating is not allowed to import pymc",
    ),
    Breach(
        contract="worker",
        what="a process of a sweep remakes the posterior",
        lines={
            "synthesis/planted.py": "import pymc",
            "planning/refit.py": "from simtrial.synthesis import planted",
            "sweep/work.py": "from simtrial.planning import refit",
        },
        told="simtrial.sweep is not allowed to import pymc",
    ),
    Breach(
        contract="worker",
        what="an endpoint draws a figure",
        lines={"endpoints/planted.py": "import matplotlib.pyplot"},
        told="simtrial.endpoints is not allowed to import matplotlib",
    ),
    Breach(
        contract="sampler",
        what="a report loads ArviZ",
        lines={"report/planted.py": "def late():\n    import arviz\n"},
        told="simtrial.report.planted -> arviz",
    ),
    Breach(
        contract="events",
        what="the other engine loads SimPy",
        lines={"cohort/compiled/engine.py": "import simpy"},
        told="simtrial.cohort.compiled.engine -> simpy",
    ),
    Breach(
        contract="plots",
        what="the command line draws a figure itself",
        lines={"cli/planted.py": "from matplotlib import pyplot"},
        told="simtrial.cli.planted -> matplotlib",
    ),
    Breach(
        contract="pages",
        what="the command line fills a template itself",
        lines={"cli/planted.py": "def late():\n    import jinja2\n"},
        told="simtrial.cli.planted -> jinja2",
    ),
    Breach(
        contract="terminal",
        what="planning prints with Rich",
        lines={"planning/planted.py": "import rich"},
        told="simtrial.planning.planted -> rich",
    ),
    Breach(
        contract="circles",
        what="two modules of one room import each other",
        lines={
            "stats/planted_one.py": "from simtrial.stats import planted_two",
            "stats/planted_two.py": "from simtrial.stats import planted_one",
        },
        told="No cycles are allowed in simtrial.stats",
    ),
]


def test_the_package_keeps_every_import_contract():
    answer = lint_imports(REPOSITORY)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert f"{len(CONTRACTS)} kept, 0 broken" in " ".join(answer.stdout.split())


def test_every_import_contract_has_a_breach_that_is_tried():
    assert {breach.contract for breach in BREACHES} == set(CONTRACTS)


def test_every_part_of_an_engine_is_in_the_contract_that_keeps_them_apart():
    (contract,) = (c for c in SETTINGS["tool"]["importlinter"]["contracts"] if c["id"] == "engines")
    rooms = sorted(
        f"simtrial.cohort.{path.parent.name}" for path in (PACKAGE / "cohort").glob("*/__init__.py")
    )
    assert (
        sorted(contract["modules"])
        == rooms
        == ["simtrial.cohort.compiled", "simtrial.cohort.reference"]
    )
    assert "ignore_imports" not in contract


@pytest.mark.parametrize("breach", BREACHES, ids=lambda b: f"{b.contract}: {b.what}")
def test_a_planted_breach_is_noticed(breach, tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "simtrial", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    for name, line in breach.lines.items():
        path = tmp_path / "simtrial" / name
        path.parent.mkdir(exist_ok=True)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(f"{before}\n{line}\n", encoding="utf-8")

    answer = lint_imports(tmp_path, "--contract", breach.contract)

    told = " ".join(answer.stdout.split())
    assert answer.returncode == 1, told
    assert f"{CONTRACTS[breach.contract]} BROKEN" in told
    assert breach.told in told


# --- what is loaded, seen by a fresh interpreter ------------------------------------------------


def loaded_after(statement: str) -> set[str]:
    """Return the top-level packages that are loaded once ``statement`` has run."""
    answer = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport sys\nprint(*sys.modules)"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in answer.stdout.split()}


def test_importing_simtrial_does_no_work():
    heavy = {"numpy", "scipy", "numba", "pymc", "pytensor", "arviz", "nutpie", "matplotlib"}
    assert not loaded_after("import simtrial") & heavy


def test_the_rooms_of_a_worker_load_no_sampler_and_no_plots():
    contract = next(c for c in SETTINGS["tool"]["importlinter"]["contracts"] if c["id"] == "worker")
    modules = [
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        for room in contract["source_modules"]
        for path in sorted((REPOSITORY / room.replace(".", "/")).rglob("*.py"))
        if path.name != "__init__.py"
    ]
    loaded = loaded_after("\n".join(f"import {name}" for name in modules))
    assert "simtrial" in loaded
    assert not loaded & set(contract["forbidden_modules"])


def test_importing_synthesis_does_not_load_the_sampler():
    # it is imported inside the functions that sample, so that a posterior is read without it
    modules = [p.stem for p in sorted((PACKAGE / "synthesis").glob("*.py")) if p.stem != "__init__"]
    lines = "\n".join(f"import simtrial.synthesis.{name}" for name in modules)
    assert not loaded_after(lines) & {"pymc", "pytensor", "nutpie"}


@pytest.mark.parametrize(
    "path",
    sorted(p for p in PACKAGE.rglob("__init__.py") if p.parent != PACKAGE),
    ids=lambda p: p.parent.relative_to(PACKAGE).as_posix(),
)
def test_the_init_file_of_a_room_is_empty(path):
    assert path.read_text(encoding="utf-8").strip() == ""


# --- pins and addresses -------------------------------------------------------------------------

# "--no-emit-index-url" is the one place where the word is right: it keeps the address out.
ADDRESS = re.compile(r"https?://|(?<!no-emit-)\b(?:index-url|find-links|trusted-host)\b", re.I)


def where_packages_are_named() -> list[Path]:
    patterns = ("*constraints*", "*requirements*", "*.toml", "*.cfg", "*.ini", "Makefile", ".ci/*")
    return sorted({p for pattern in patterns for p in REPOSITORY.glob(pattern) if p.is_file()})


def test_no_file_that_names_packages_says_where_to_fetch_them():
    files = where_packages_are_named()
    assert {"constraints.txt", "pyproject.toml", "Makefile", "run"} <= {p.name for p in files}
    found = [
        f"{path.relative_to(REPOSITORY)}, line {number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if ADDRESS.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url http://example.org/packages",
        "--extra-index-url=somewhere",
        "--find-links wheels",
        "numpy @ https://example.org/numpy.whl",
        "uv pip compile --emit-index-url",
    ],
)
def test_an_address_would_be_found(line):
    assert ADDRESS.search(line)


def test_every_pin_is_exact():
    loose = [
        line
        for line in (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#") and not re.match(r"[a-z0-9._-]+==[^ ]+( ; .+)?$", line)
    ]
    assert loose == []


def test_lock_files_with_addresses_are_not_kept():
    ignored = (REPOSITORY / ".gitignore").read_text(encoding="utf-8").split()
    assert {"uv.lock", "pylock.toml"} <= set(ignored)
    if (REPOSITORY / ".git").exists():  # an unpacked archive has no index to ask
        # the index may belong to another user, as in a container that mounts the sources
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "uv.lock", "*pylock*.toml"],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        )
        assert listed.stdout == ""


# --- shared steps: one state over one step, no schedule -----------------------------------------

# Sizes that belong to one measurement of one patient; never visits, infusions or patients. The
# six core set measures, the error series of one visit (one for each measure and a shared one), five
# enzymes, and the four of them beside creatine kinase.
SIZES_OF_ONE_STATE = {"N_MEASURES": 6, "N_SERIES": 7, "N_ENZYMES": 5, "N_OTHERS": 4}
# Compiled and interpreted code must take these from simtrial.core.arithmetic: the library's own
# differ in the last bit between machines.
INEXACT = {"exp", "expm1", "log", "log1p", "log2", "log10", "pow", "power", "tanh", "dot", "erf"}


def is_step(function: ast.FunctionDef) -> bool:
    names = [d.func if isinstance(d, ast.Call) else d for d in function.decorator_list]
    return any(isinstance(name, ast.Name) and name.id == "step" for name in names)


def faults(source: str) -> list[str]:
    """Return what a module of ``myositis`` holds that belongs into an engine."""
    found = []
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{a.name}" for a in node.names)]
        else:
            continue
        found += [
            f"line {node.lineno}: imports {name}"
            for name in names
            if name.partition(".")[0] in {"simpy", "numba"} or name.endswith("compiled.kernel")
        ]
    for function in steps_in(source):
        found += faults_of_a_step(function)
    return found


def faults_of_a_step(function: ast.FunctionDef) -> list[str]:
    found = []
    for node in ast.walk(function):
        match node:
            case ast.For(iter=ast.Call(func=ast.Name(id="range"), args=[ast.Name(id=size)])) if (
                size in SIZES_OF_ONE_STATE
            ):
                pass
            case ast.For() | ast.While() | ast.AsyncFor():
                found.append(f"line {node.lineno}: {function.name} loops")
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                found.append(f"line {node.lineno}: {function.name} loops in a comprehension")
            case ast.Yield() | ast.YieldFrom() | ast.Await():
                found.append(f"line {node.lineno}: {function.name} schedules")
            case ast.Call(func=ast.Name(id=name)) if name == function.name:
                found.append(f"line {node.lineno}: {function.name} calls itself, which is a loop")
            case ast.Attribute(value=ast.Name(id="np" | "numpy" | "math"), attr=name) if (
                name in INEXACT
            ):
                found.append(f"line {node.lineno}: {function.name} uses {name} of a library")
            case _:
                pass
    return found


SCIENCE = sorted((PACKAGE / "myositis").glob("*.py"))
# rules of the protocol and single draws, which both engines call too
SHARED = sorted(p for p in (PACKAGE / "cohort").glob("*.py") if p.stem != "__init__")


def steps_in(source: str) -> list[ast.FunctionDef]:
    nodes = ast.walk(ast.parse(source))
    return [n for n in nodes if isinstance(n, ast.FunctionDef) and is_step(n)]


@pytest.mark.parametrize("path", SCIENCE, ids=lambda p: p.stem)
def test_the_science_holds_no_loop_and_no_schedule(path):
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", SHARED, ids=lambda p: p.stem)
def test_shared_steps_of_the_cohort_hold_no_loop_and_no_schedule(path):
    steps = steps_in(path.read_text(encoding="utf-8"))
    assert [fault for function in steps for fault in faults_of_a_step(function)] == []


def test_there_are_shared_steps_to_look_at():
    assert sum(len(steps_in(path.read_text(encoding="utf-8"))) for path in SCIENCE) >= 10


def test_the_sizes_a_step_may_loop_over_are_those_of_one_measurement():
    known = vars(measures) | vars(enzymes)
    assert {name: known[name] for name in SIZES_OF_ONE_STATE} == SIZES_OF_ONE_STATE


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("for visit in range(n_visits): total += visit", "loops"),
        ("for measure in range(N_MEASURES):\n        for v in visits: pass", "loops"),
        ("while minute < until: minute += 1", "loops"),
        ("return sum(v for v in visits)", "loops in a comprehension"),
        ("return one(minute - 1)", "calls itself"),
        ("yield minute", "schedules"),
        ("return math.exp(minute)", "uses exp"),
        ("return np.log(minute)", "uses log"),
    ],
)
@pytest.mark.parametrize("decorator", ["step", "step()"])
def test_a_loop_in_a_shared_step_would_be_found(body, fault, decorator):
    (found,) = faults(f"@{decorator}\ndef one(minute):\n    {body}\n")
    assert fault in found


def test_the_loop_over_measures_is_allowed():
    assert (
        faults("@step\ndef one(x):\n    for k in range(N_MEASURES): x += k\n    return x\n") == []
    )


@pytest.mark.parametrize(
    "line",
    [
        "import simpy",
        "from simpy.events import Event",
        "from numba import njit",
        "from simtrial.core.compiled import kernel, step",
    ],
)
def test_an_engine_s_tools_in_the_science_would_be_found(line):
    assert len(faults(line)) >= 1


def test_no_compiled_code_may_reorder_its_arithmetic():
    found = [
        f"{path.relative_to(REPOSITORY)}, line {node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "fastmath"
    ]
    assert found == []
