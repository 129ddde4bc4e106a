"""The figure of a sample size: power and assurance over n, with their Monte Carlo bands."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simtrial.core.files import write_whole

_COLOURS = {"power": "#1b4f72", "assurance": "#b9770e"}
_NAMES = {"power": "power (posterior medians)", "assurance": "assurance (posterior)"}
_EXACT_NAMES = {"power": "power (exact)", "assurance": "assurance (exact)"}
_MARKED = 80  # sizes up to which each is a point of its own


def power_and_assurance(document: Mapping[str, Any], *, with_title: bool = True) -> Any:
    """Return a matplotlib figure of a ``size`` document: curves, 95 % bands, target and n."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.add_subplot()
    points = document["curve"]
    n = [point["n"] for point in points]
    for kind, colour in _COLOURS.items():
        if kind not in points[0]:
            continue
        metrics = [point[kind] for point in points]
        exact = all(m["replicates"] == 0 for m in metrics)
        if not exact:
            axes.fill_between(
                n,
                [m["interval95"][0] for m in metrics],
                [m["interval95"][1] for m in metrics],
                color=colour,
                alpha=0.25,
                linewidth=0,
            )
        axes.plot(
            n,
            [m["estimate"] for m in metrics],
            color=colour,
            label=(_EXACT_NAMES if exact else _NAMES)[kind],
            marker="." if exact and len(n) <= _MARKED else None,
            markersize=4,
            linewidth=1.0 if exact else 1.5,
            gid=kind,
        )
    target = document["target"]
    axes.axhline(target["value"], color="0.45", linewidth=0.8, linestyle="--")
    axes.annotate(
        f"target {target['metric']} {target['value']:g}",
        (0.0, target["value"]),
        xycoords=("axes fraction", "data"),
        xytext=(4, 4),
        textcoords="offset points",
        ha="left",
        color="0.35",
        fontsize=9,
    )
    found = document["n"]
    if found is not None:
        axes.axvline(found, color="0.45", linewidth=0.8, linestyle=":")
        axes.annotate(
            f"n = {found}",
            (found, 0.0),
            xycoords=("data", "axes fraction"),
            xytext=(5, 6),
            textcoords="offset points",
            fontsize=10,
        )
    axes.set(
        xlabel="patients randomised, all arms",
        ylabel="probability of success",
        ylim=(0.0, 1.0),
        xlim=(0.0, n[-1]),
    )
    if with_title:
        axes.set_title(document["title"].replace("$", r"\$"), fontsize=11, loc="left")
    axes.grid(alpha=0.25)
    axes.legend(loc="lower right", frameon=False, bbox_to_anchor=(1.0, 0.06))
    figure.supxlabel(_footnote(document), fontsize=8, color="0.35")
    return figure


def _footnote(document: Mapping[str, Any]) -> str:
    trials = document["trials"]
    if not trials:
        return "exact: no simulation"
    return f"bands: 95 % Monte Carlo, {trials:,} trials a curve; seed {document['seed']}"


def figure_markup(document: Mapping[str, Any]) -> str:
    """Return the figure as the inside of an HTML page, without a title of its own."""
    kinds = [kind for kind in _COLOURS if kind in document["curve"][0]]
    told = " and ".join(kinds).capitalize()
    words = f"{told} over the number of patients; the table beside it has the values."
    return markup(power_and_assurance(document, with_title=False), words)


def markup(figure: Any, words: str, *, prefix: str = "") -> str:
    """Return a figure as one ``svg`` element of an HTML page; the same figure gives the same text.

    Parameters
    ----------
    words : what it shows, for those who do not see it.
    prefix : of the ids in it, so that a page may hold several figures.
    """
    return inlined(svg_text(figure), words, prefix=prefix)


def svg_text(figure: Any) -> str:
    """Return a figure as the text of an SVG file; the same figure gives the same text."""
    import matplotlib

    written = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "simtrial"}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()


def inlined(text: str, words: str, *, prefix: str = "") -> str:
    """Return the text of an SVG file as one ``svg`` element of an HTML page; see ``markup``."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\1{prefix}", text)
    # the page sets the size; what the figure shows is said by its caption and the table beside it
    inside = re.sub(r'^<svg[^>]*?(viewBox="[^"]*")[^>]*>', r"\1>", text, count=1)
    return f'<svg role="img" aria-label="{words}" {inside}'.strip()


def save_figure(document: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write the figure of a ``size`` document as SVG and PNG."""
    return write_figure(power_and_assurance(document), folder, "power_and_assurance")


def write_figure(figure: Any, folder: Path, name: str) -> list[Path]:
    """Write a figure as SVG and PNG; the same figure gives the same files."""
    import matplotlib

    rendered: dict[Path, bytes] = {}
    with matplotlib.rc_context({"svg.hashsalt": "simtrial"}):
        for kind in ("svg", "png"):
            path = folder / f"{name}.{kind}"
            metadata: dict[str, Any] = {"Date": None} if kind == "svg" else {}
            whole = io.BytesIO()
            figure.savefig(whole, format=kind, dpi=150, metadata=metadata)
            rendered[path] = whole.getvalue()
    for path, content in rendered.items():
        write_whole(path, content)
    return list(rendered)
