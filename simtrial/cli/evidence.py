"""The commands ``simtrial evidence list``, ``show`` and ``audit``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simtrial.cli.console import say
from simtrial.cli.options import Json
from simtrial.core.provenance import canonical_json

if TYPE_CHECKING:
    from simtrial.evidence.ledger import Ledger

Evidence = Annotated[
    Path | None, typer.Option(help="a folder or file of documents instead of the shipped ones")
]
Filter = str | None

evidence = typer.Typer(
    no_args_is_help=True,
    help="The facts behind the posterior: list them, show one, audit them all.",
    epilog="Example: simtrial evidence audit",
)


@evidence.command("list", epilog="Example: simtrial evidence list --role fit --document lim21")
def list_facts(
    document: Annotated[Filter, typer.Option(help="id of a document: lim21")] = None,
    role: Annotated[Filter, typer.Option(help="fit, check, context or unusable")] = None,
    quantity: Annotated[Filter, typer.Option(help="what is measured: tis40")] = None,
    subtype: Annotated[Filter, typer.Option(help="facts about a subtype: DM")] = None,
    status: Annotated[Filter, typer.Option(help="'provisional' or 'read twice'")] = None,
    evidence: Evidence = None,
    json: Json = False,
) -> None:
    """List the facts, one a line: id, label, value, n, role, status and place."""
    from simtrial.evidence.catalogue import entry, select
    from simtrial.report.facts import catalogue_table

    ledger = _ledger(evidence)
    chosen = select(
        ledger, document=document, role=role, quantity=quantity, subtype=subtype, status=status
    )
    entries = [entry(fact) for fact in chosen]
    if json:
        say(canonical_json({"command": "evidence list", "facts": entries}))
        return
    if entries:
        say(catalogue_table(entries))
    say(f"{len(entries)} of {len(ledger.facts)} facts.")


@evidence.command(epilog="Example: simtrial evidence show lim21.tis40_by_w9.ivig  (or: show L22)")
def show(
    name: Annotated[str, typer.Argument(help="id or label of a fact")],
    evidence: Evidence = None,
    json: Json = False,
) -> None:
    """Show one fact: place, print, readings, alternatives, what reads it, exact interval, audit."""
    from simtrial.evidence.catalogue import full_entry
    from simtrial.report.facts import fact_lines

    ledger = _ledger(evidence)
    fact = full_entry(ledger, ledger.find(name))
    if json:
        say(canonical_json({"command": "evidence show", "fact": fact}))
    else:
        say(fact_lines(fact))


@evidence.command(epilog="Example: simtrial evidence audit --evidence my_documents --json")
def audit(evidence: Evidence = None, json: Json = False) -> None:
    """Compute again what the facts allow: percentages, intervals, sums, rows, readings.

    error: figures that are used contradict one another. warning: a printed figure contradicts
    those that are used. note: nothing contradicts. Findings do not change the exit code.
    """
    from simtrial.evidence.audit import audit_document
    from simtrial.report.facts import finding_lines

    found = audit_document(_ledger(evidence))
    say(canonical_json(found) if json else finding_lines(found))


def _ledger(path: Path | None) -> Ledger:
    from simtrial.evidence.ledger import load_ledger

    return load_ledger([path] if path is not None else None)
