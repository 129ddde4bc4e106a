"""The file of parameter draws that a fit writes and scenarios read; loads without PyMC.

A file holds D rows of every parameter of the course, the point (the median of each parameter),
each parameter's status and source, and the provenance of the fit.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.core.errors import PosteriorError
from simtrial.core.files import write_whole
from simtrial.core.located import nearest
from simtrial.core.provenance import content_digest
from simtrial.myositis.parameters import PARAMETERS

FORMAT = 3  # 2: parameters of harm; 3: the digest names the point and the sources too
SHIPPED = "ivig_iim.npz"
QUICK = "fitted with --quick: coarser tables, not for a submission"
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
_AGAIN = "make it again with 'simtrial fit --out FILE'."
_STAMP = (1980, 1, 1, 0, 0, 0)  # so that the same content gives the same bytes


class OtherFacts(UserWarning):
    """A posterior that was fitted to other facts or priors than the shipped one."""


class QuickFit(UserWarning):
    """A posterior that was fitted with coarser tables than the shipped one."""


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
    source : the file it was read from, for messages.
    """

    draws: dict[str, NDArray[np.float64]]
    point: dict[str, float]
    origins: dict[str, Origin]
    background: dict[str, NDArray[np.float64]]
    correlation: NDArray[np.float64]
    provenance: dict[str, Any]
    source: str = field(default="the posterior", compare=False)

    @property
    def n_draws(self) -> int:
        """The number of rows D."""
        return int(next(iter(self.draws.values())).shape[0])

    def require(self, name: str) -> NDArray[np.float64]:
        """Return the draws of a parameter, or say which it holds instead."""
        if name not in self.draws:
            family = name.split("[")[0]
            held = [n for n in self.draws if n.split("[")[0] == family]
            why = (
                "no document informs it"
                if held or family == "p_response"
                else "it was made by another version; make it again with 'simtrial fit --out FILE'"
            )
            raise PosteriorError(
                f"{self.source} holds no {name}; {why}. It holds "
                f"{', '.join(held or sorted(self.draws))}. Set {name} in the scenario, with its "
                f'source; for example set: {{"{name}": {{value: 0.6, source: expert opinion}}}}.'
            )
        return self.draws[name]


def digest_of_content(posterior: Posterior) -> str:
    """Return the digest that names a posterior: of all that a simulation or a reader takes from it.

    Draws, point, statuses and sources, control arm and correlation, bit by bit.
    """
    return content_digest(
        {
            "draws": posterior.draws,
            "point": posterior.point,
            "origins": posterior.origins,
            "background": posterior.background,
            "correlation": posterior.correlation,
        }
    )


def named(posterior: Posterior) -> Posterior:
    """Return a posterior whose provenance bears the digest of its content."""
    own = {"digest": digest_of_content(posterior)}
    return replace(posterior, provenance=posterior.provenance | own)


def fitted_how(posterior: Posterior) -> dict[str, Any]:
    """Return what a result has to say of the fit behind it, beside its digest.

    Returns
    -------
    ``quick`` : whether it was fitted with coarser tables, for a look.
    ``own`` : ids of the user's own documents that were read.
    ``without`` : ids of the documents that were left out.
    ``not_fitted`` : ids of own documents of which no fact was fitted.
    """
    held = posterior.provenance.get("evidence", {})
    return {
        "quick": bool(posterior.provenance.get("quick", False)),
        "own": [name for name, of in held.get("documents", {}).items() if of.get("own")],
        "without": list(held.get("without", ())),
        "not_fitted": list(held.get("not_fitted", ())),
    }


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
    try:
        write_whole(path, whole.getvalue())
    except OSError as problem:
        raise PosteriorError(
            f"{path}: cannot be written ({problem.strerror}); give --out a folder that exists "
            "and may be written."
        ) from None


def load_posterior(path: str | Path | None = None) -> Posterior:
    """Return the shipped posterior, or that of a file written by a fit.

    Warns
    -----
    OtherFacts : when the file was fitted to other facts or priors than the shipped posterior.
    QuickFit : when it was fitted with --quick.

    Raises
    ------
    PosteriorError : when the file is missing, damaged, incomplete, of another format, or made by
        a version whose model counts otherwise.
    """
    if path is None:
        return _read(_shipped().read_bytes(), f"simtrial/trial/{SHIPPED}")
    name = str(path)
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as problem:  # ValueError: a null character in the name
        reason = getattr(problem, "strerror", None) or str(problem)
        near = _nearest_file(Path(path))
        raise PosteriorError(
            f"{name}: cannot be read ({reason}); make one with 'simtrial fit --out FILE'"
            f"{near}, or leave --posterior out for the shipped one."
        ) from None
    made = _read(content, name)
    if made.provenance.get("digest") != digest_of_content(made):
        raise PosteriorError(
            f"{name}: damaged: its digest is {made.provenance.get('digest')!r}, not that of what "
            f"it holds; {_AGAIN}"
        )
    _check_marks(made, _read_header(_shipped().read_bytes())["provenance"])
    if fitted_how(made)["quick"]:
        warnings.warn(f"{name}: {QUICK}.", QuickFit, stacklevel=2)
    return made


def _shipped() -> Traversable:
    return resources.files("simtrial") / "trial" / SHIPPED


def _nearest_file(path: Path) -> str:
    try:
        near = nearest(path.name, sorted(p.name for p in path.parent.glob("*.npz")))
    except (OSError, ValueError):
        return ""
    return "" if near is None else f", give one such as {path.parent / near}"


def _check_marks(made: Posterior, shipped: Mapping[str, Any]) -> None:
    """Refuse a posterior whose model counts otherwise than the shipped one's; say other facts.

    The shipped posterior is that of the present code: a test compares its marks with it. Facts
    and priors may be a user's own; then the other marks differ too, and say nothing.
    """
    own, present = made.provenance.get("fingerprint"), shipped["fingerprint"]
    if own is None:
        return  # put together by a script, not fitted
    other = [mark for mark in ("facts", "priors") if own.get(mark) != present.get(mark)]
    if other:
        why = "; ".join(_words_of(made)) or "another ledger, or another version"
        warnings.warn(
            f"{made.source}: fitted to other {' and '.join(other)} than the shipped posterior "
            f"({why}).",
            OtherFacts,
            stacklevel=3,
        )
        return
    moved = [mark for mark in present if mark != "log_density" and own.get(mark) != present[mark]]
    if not np.allclose(own.get("log_density", np.nan), present["log_density"], rtol=1e-9, atol=0.0):
        moved.append("log_density")
    if moved:
        raise PosteriorError(
            f"{made.source}: stale: made by simtrial {made.provenance.get('simtrial')} whose model "
            f"counts otherwise than this version's ({', '.join(moved)}); {_AGAIN}"
        )


def _words_of(made: Posterior) -> list[str]:
    """Return whose facts a fit has seen, and which documents it has not."""
    how = fitted_how(made)
    out = [f"own documents: {', '.join(how['own'])}"] if how["own"] else []
    gone = [name for name in how["without"] if name not in how["own"]]
    out += [f"without {', '.join(gone)}"] if gone else []
    out += [f"none of the facts of {name} is fitted" for name in how["not_fitted"]]
    return out


def _read_header(content: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        text = bytes(np.load(io.BytesIO(archive.read("header.npy")), allow_pickle=False))
    header: dict[str, Any] = json.loads(text.decode())
    return header


def _read(content: bytes, name: str) -> Posterior:
    """Return the posterior that a file's bytes hold, or raise PosteriorError."""
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
            f"{name}: damaged or no posterior file ({_reason(content, problem)}); {_AGAIN}"
        ) from None
    if found != FORMAT:
        raise PosteriorError(f"{name}: has format {found}, this version reads {FORMAT}; {_AGAIN}")
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
            f"{name}: its parameters are not this version's "
            f"({', '.join(unknown) or 'incomplete'}); {_AGAIN}"
        )
    return Posterior(
        draws=draws,
        point=header["point"],
        origins=origins,
        background=background,
        correlation=correlation,
        provenance=header["provenance"],
        source=name,
    )


def _reason(content: bytes, problem: Exception) -> str:
    if not content:
        return "the file is empty"
    if not content.startswith(b"PK"):
        return f"it begins with {content[:8]!r}, and a .npz with b'PK'"
    if isinstance(problem, KeyError):
        return f"it holds no {str(problem).strip(chr(39))}"
    return str(problem)
