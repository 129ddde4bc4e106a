"""Numbers do not depend on the machine: not on its C library's code, its vectors, or a compiler."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CPU = Path("/proc/cpuinfo")
# the C library's exp and log without fused products: one in a thousand then differs in a bit
WITHOUT_FUSED = {
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F,-AVX2_Usable,-FMA_Usable"
}


def digests(**environment):
    """Return the digests of random trials and of the C library in another process."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.agreement.digest_of_trials"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.fixture(scope="module")
def usual():
    """Return the digests on this machine as it is."""
    return digests()


@pytest.mark.verify
def test_trials_are_the_same_under_a_c_library_without_fused_products(usual):
    trials, library = digests(**WITHOUT_FUSED)
    assert trials == usual[0]
    has_fused = CPU.exists() and " fma " in CPU.read_text()
    if platform.libc_ver()[0] == "glibc" and has_fused:
        # the setting acts: the library's own numbers are other ones
        assert library != usual[1]


@pytest.mark.verify
def test_trials_are_the_same_when_compiled_for_a_processor_without_vectors(usual, tmp_path):
    generic = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    assert digests(SIMTRIAL_CACHE_DIR=str(tmp_path), **generic)[0] == usual[0]


@pytest.mark.verify
def test_trials_are_the_same_when_nothing_is_compiled(usual):
    assert digests(NUMBA_DISABLE_JIT="1", PYTHONWARNINGS="ignore")[0] == usual[0]
