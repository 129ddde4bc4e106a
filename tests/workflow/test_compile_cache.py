"""Compiled code that one process leaves behind serves another, whichever engine comes first."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

ONE_TRIAL = """
import sys
from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.reference import engine as reference
from simtrial.operating.prepare import prepare
from simtrial.trial.design import load_design
from simtrial.trial.posterior import load_posterior
from simtrial.trial.scenario import load_scenario
ready = prepare(load_design("dm_ivig_16w"), load_scenario("point"), load_posterior())
numbers = (ready.protocol, ready.table, ready.arrivals)
engine = {"compiled": compiled, "reference": reference}[sys.argv[1]]
print(engine.run(*numbers, seed=1, first=0, last=1, n=40).seen.tis.tolist())
"""


# What the compiled engine calls is compiled without counts of references; a function that hands
# arrays to Python too would then hand over the wrong ones, in the next process only.
@pytest.mark.verify
def test_the_reference_engine_runs_on_what_the_compiled_engine_left_in_the_cache(tmp_path):
    def trial(engine: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", ONE_TRIAL, engine],
            env=os.environ | {"SIMTRIAL_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert trial("compiled") == trial("reference") == trial("compiled")
