"""The file of parameter draws that a fit writes and scenarios read; loads without PyMC.

A file holds D rows of every parameter of the course, the point (the median of each parameter),
each parameter's status and source, and the provenance of the fit.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
import zlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.core.errors import PosteriorError
from simtrial.myositis.parameters import PARAMETERS

FORMAT = 2  # 2: parameters of harm
SHIPPED = "ivig_iim.npz"
_BACKGROUND = {"r0", "r1", "r0_error", "r1_error"}
# what reading a damaged archive has been seen to raise
_DAMAGE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    OSError,
    EOFError,
    NotImplementedError,
    zlib.error,
    zipfile.BadZipFile,
)
_STAMP = (1980, 1, 1, 0, 0, 0)  # so that the same content gives the same bytes


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a parameter's draws come from."""

    status: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """Named draws of the course's parameters.

    Attributes
    ----------
    draws : name -> (D,) draws; the rows of all names belong together.
    point : name -> the median on the free scale: of all the fit's draws, or of an assumed prior.
    origins : name -> status (fitted, published elsewhere, assumed) and source.
    background : ``r0, r1`` -> (D + 1,) observed control response of the reference protocol for
        patients who do not and who do improve without the drug; the last entry is the point's.
        ``r0_error, r1_error`` : their standard errors.
    correlation : (6, 6) of the latent baseline measures.
    provenance : digests, versions, seed, diagnostics of the fit.
    """

    draws: dict[str, NDArray[np.float64]]
    point: dict[str, float]
    origins: dict[str, Origin]
    background: dict[str, NDArray[np.float64]]
    correlation: NDArray[np.float64]
    provenance: dict[str, Any]

    @property
    def n_draws(self) -> int:
        """The number of rows D."""
        return int(next(iter(self.draws.values())).shape[0])

    def require(self, name: str) -> NDArray[np.float64]:
        """Return the draws of a parameter, or say which it holds instead."""
        if name not in self.draws:
            family = name.split("[")[0]
            held = [n for n in self.draws if n.split("[")[0] == family] or sorted(self.draws)
            raise PosteriorError(
                f"The posterior holds no {name}; no document informs it. "
                f"It holds {', '.join(held)}. Set {name} in the scenario, with its source."
            )
        return self.draws[name]


def median_on_free_scale(name: str, draws: NDArray[np.float64]) -> float:
    """Return the median of draws, taken on the scale on which the parameter is free."""
    scale = PARAMETERS[name].scale
    with np.errstate(divide="ignore"):
        if scale == "log":
            return float(np.exp(np.median(np.log(draws))))
        if scale == "logit":
            middle = np.median(np.log(draws) - np.log1p(-draws))
            return float(1.0 / (1.0 + np.exp(-middle)))
    return float(np.median(draws))


def save_posterior(posterior: Posterior, path: Path) -> None:
    """Write a posterior in one step: the file is whole or absent, and its bytes are repeatable.

    Raises
    ------
    PosteriorError : when the folder cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {f"draws/{k}": v for k, v in posterior.draws.items()}
    arrays |= {f"background/{k}": v for k, v in posterior.background.items()}
    arrays["correlation"] = posterior.correlation
    header = {
        "format": FORMAT,
        "point": posterior.point,
        "origins": {k: [o.status, o.source] for k, o in posterior.origins.items()},
        "provenance": posterior.provenance,
    }
    text = json.dumps(header, sort_keys=True)
    arrays["header"] = np.frombuffer(text.encode(), dtype=np.uint8)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.save(member, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=_STAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, member.getvalue())
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(whole.getvalue())
        os.replace(partial, path)
    except OSError as problem:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise PosteriorError(
            f"{path}: cannot be written ({problem.strerror}); give --out a folder that exists "
            "and may be written."
        ) from None


def load_posterior(path: str | Path | None = None) -> Posterior:
    """Return the shipped posterior, or that of a file written by a fit.

    Raises
    ------
    PosteriorError : when the file is missing, damaged, of another format, or incomplete.
    """
    name = f"simtrial/trial/{SHIPPED}" if path is None else str(path)
    try:
        if path is None:
            content = (resources.files("simtrial") / "trial" / SHIPPED).read_bytes()
        else:
            content = Path(path).read_bytes()
    except OSError as problem:
        raise PosteriorError(
            f"{name}: cannot be read ({problem.strerror}); make one with 'simtrial fit --out FILE'."
        ) from None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            arrays = {
                member.removesuffix(".npy"): np.load(
                    io.BytesIO(archive.read(member)), allow_pickle=False
                )
                for member in archive.namelist()
            }
        header = json.loads(bytes(arrays.pop("header")).decode())
        found = header["format"]
        parts = [header["point"], header["origins"], header["provenance"]]
        whole = all(isinstance(part, dict) for part in parts)
        origins = {k: Origin(status=v[0], source=v[1]) for k, v in header["origins"].items()}
        correlation = arrays.pop("correlation")
    except _DAMAGE as problem:
        raise PosteriorError(
            f"{name}: damaged or no posterior file ({problem}); "
            "make it again with 'simtrial fit --out FILE'."
        ) from None
    if found != FORMAT:
        raise PosteriorError(
            f"{name}: has format {found}, this version reads {FORMAT}; make it again with "
            "'simtrial fit --out FILE'."
        )
    draws = {k.removeprefix("draws/"): v for k, v in arrays.items() if k.startswith("draws/")}
    background = {
        k.removeprefix("background/"): v for k, v in arrays.items() if k.startswith("background/")
    }
    unknown = sorted(set(draws) - set(PARAMETERS))
    rows = {v.shape for v in draws.values()}
    whole = whole and len(rows) == 1 and set(background) == _BACKGROUND
    whole = whole and {v.shape for v in background.values()} == {(n + 1,) for (n,) in rows}
    if unknown or not whole or not set(draws) == set(header["point"]) == set(origins):
        raise PosteriorError(
            f"{name}: its parameters are not this version's ({', '.join(unknown) or 'incomplete'});"
            " make it again with 'simtrial fit --out FILE'."
        )
    return Posterior(
        draws=draws,
        point=header["point"],
        origins=origins,
        background=background,
        correlation=correlation,
        provenance=header["provenance"],
    )
