"""The commands ``simtrial evidence``: list, show, audit, seal, export, page and template."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from simtrial.cli.console import output_file, output_folder, say, write_whole
from simtrial.cli.options import Evidence, Json, Without
from simtrial.core.errors import EvidenceError
from simtrial.core.provenance import canonical_json

if TYPE_CHECKING:
    from simtrial.evidence.ledger import Ledger

Filter = str | None

evidence = typer.Typer(
    no_args_is_help=True,
    help="The facts behind the posterior: list them, show one, audit them all.",
    epilog="Example: simtrial evidence audit",
)


@evidence.command("list", epilog="Example: simtrial evidence list --role fit --document lim21")
def list_facts(
    document: Annotated[Filter, typer.Option(help="id or number of a document: lim21")] = None,
    role: Annotated[Filter, typer.Option(help="fit, check, context or unusable")] = None,
    quantity: Annotated[Filter, typer.Option(help="what is measured: tis40")] = None,
    subtype: Annotated[
        Filter, typer.Option(help="facts about a subtype: DM, dermatomyositis")
    ] = None,
    status: Annotated[Filter, typer.Option(help="'provisional' or 'read twice'")] = None,
    kind: Annotated[Filter, typer.Option(help="kind of figure: count, mean_change")] = None,
    cohort: Annotated[Filter, typer.Option(help="set of patients: lim21.analysed")] = None,
    line: Annotated[Filter, typer.Option(help="first_line or refractory")] = None,
    arm: Annotated[Filter, typer.Option(help="what the patients were given: ivig")] = None,
    study: Annotated[
        Filter, typer.Option(help="study of the patients, by itself or cited: che94")
    ] = None,
    second_hand: Annotated[
        bool | None,
        typer.Option("--second-hand/--own", help="figures of cited studies, or of no such"),
    ] = None,
    search: Annotated[Filter, typer.Option(help="text in id, endpoint, print or note")] = None,
    evidence: Evidence = None,
    without: Without = None,
    json: Json = False,
) -> None:
    """List the facts, one a line: what it says, of how many, when, its role, study and place."""
    from simtrial.evidence.catalogue import entry, select, told_of_all_subtypes
    from simtrial.report.facts import catalogue_table, of_all_subtypes

    ledger = _ledger(evidence, without)
    filters: dict[str, Any] = {
        "document": document,
        "role": role,
        "quantity": quantity,
        "status": status,
        "kind": kind,
        "cohort": cohort,
        "line": line,
        "arm": arm,
        "study": study,
        "second_hand": second_hand,
        "search": search,
    }
    chosen = select(ledger, subtype=subtype, **filters)
    entries = [entry(ledger, fact) for fact in chosen]
    of_all = told_of_all_subtypes(ledger, subtype, **filters) if subtype else ()
    if json:
        told = {"facts": entries, "of_all_subtypes": [fact.id for fact in of_all]}
        say(canonical_json({"command": "evidence list", **told}))
        return
    if entries:
        say(catalogue_table(entries))
    say(f"{len(entries)} of {len(ledger.facts)} facts.")
    if subtype and of_all:
        say(of_all_subtypes(subtype, [fact.cohort for fact in of_all]))


@evidence.command(epilog="Example: simtrial evidence show lim21.tis40_by_w9.ivig  (or: show L22)")
def show(
    name: Annotated[str, typer.Argument(help="id or label of a fact")],
    evidence: Evidence = None,
    without: Without = None,
    json: Json = False,
) -> None:
    """Show one fact: place, print, readings, alternatives, what reads it, exact interval, audit."""
    from simtrial.evidence.catalogue import full_entry
    from simtrial.report.facts import fact_lines

    ledger = _ledger(evidence, without)
    fact = full_entry(ledger, ledger.find(name))
    if json:
        say(canonical_json({"command": "evidence show", "fact": fact}))
    else:
        say(fact_lines(fact))


@evidence.command(epilog="Example: simtrial evidence audit --document lim21")
def audit(
    document: Annotated[
        Filter, typer.Option(help="id or number of a document: what is found that concerns it")
    ] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="instead: rows of the catalogue without a fact")
    ] = False,
    evidence: Evidence = None,
    without: Without = None,
    documents: Annotated[
        Path | None,
        typer.Option(help="folder with the documents' texts: check every place against them"),
    ] = None,
    json: Json = False,
) -> None:
    """Compute again what the facts allow: percentages, intervals, sums, rows, readings.

    error: figures that are used contradict one another. warning: a printed figure contradicts
    those that are used. note: nothing contradicts. Findings do not change the exit code; a place
    that the text does not bear out (--documents) makes it 3. Of each severity what concerns your
    own documents comes first.
    """
    from simtrial.evidence.audit import audit_document
    from simtrial.evidence.catalogue import document_asked
    from simtrial.evidence.coverage import coverage_document
    from simtrial.evidence.text import places_document
    from simtrial.report.coverage import coverage_lines
    from simtrial.report.facts import finding_lines, place_lines

    for name, given in (("documents", documents), ("document", document)):
        if coverage and given is not None:
            raise EvidenceError(
                f"--{name} {given}: --coverage is of the whole catalogue and checks no place; ask "
                "for one of the two, such as simtrial evidence audit --coverage."
            )
    ledger = _ledger(evidence, without)
    if coverage:
        covered = coverage_document(ledger)
        say(canonical_json(covered) if json else coverage_lines(covered))
        return
    asked = None if document is None else document_asked(ledger, document)
    found = audit_document(ledger, asked)
    if documents is not None:
        found["places"] = places_document(ledger, documents, asked)
    if json:
        say(canonical_json(found))
    else:
        say(finding_lines(found))
        if documents is not None:
            say("\n" + place_lines(found["places"]))
    if documents is not None and found["places"]["faults"]:
        raise typer.Exit(3)


@evidence.command(epilog="Example: simtrial evidence seal mine.yaml --documents papers")
def seal(
    file: Annotated[Path, typer.Argument(help="YAML file of a document")],
    documents: Annotated[Path, typer.Option(help="folder that holds the document's text")],
    text: Annotated[
        str | None, typer.Option(help="name of the text file; none: the one named in the document")
    ] = None,
) -> None:
    """Write the SHA-256 of a document's text and of every place's lines into its file."""
    from simtrial.evidence.seal import seal as sealed

    say(f"{file}: {sealed(file, documents, text)} places sealed.")


@evidence.command(epilog="Example: simtrial evidence export --out results/ledger")
def export(
    out: Annotated[Path, typer.Option(help="folder for the tables")],
    file_format: Annotated[
        Literal["csv", "parquet"], typer.Option("--format", help="how tables are written")
    ] = "csv",
    evidence: Evidence = None,
    without: Without = None,
    json: Json = False,
) -> None:
    """Write the whole ledger as tables: facts, their numbers, other readings, patients, audit."""
    from simtrial.report.ledger_files import export_ledger, in_other_formats

    ledger = _ledger(evidence, without)
    output_folder(out)
    replaced = in_other_formats(out, file_format)
    document, paths = export_ledger(ledger, out, file_format=file_format)
    if json:
        say(canonical_json(document))
        return
    say(f"{document['facts']} facts of {', '.join(document['documents'])}.\n")
    for path in paths:
        say(f"Written: {path}")
    for path in replaced:
        say(f"Removed: {path} (the same tables in another format)")


@evidence.command("page", epilog="Example: simtrial evidence page --out results/evidence")
def write_page(
    out: Annotated[Path, typer.Option(help="folder for the page and its two figures")],
    evidence: Evidence = None,
    without: Without = None,
    json: Json = False,
) -> None:
    """Write the ledger as one page of Markdown: every fact, two forests, what the audit finds."""
    from simtrial.report.evidence_page import save_page

    ledger = _ledger(evidence, without)
    output_folder(out)
    written = [str(path) for path in save_page(ledger, out)]
    if json:
        document = {"command": "evidence page", "facts": len(ledger.facts), "written": written}
        say(canonical_json(document))
    else:
        say("\n".join(f"Written: {path}" for path in written))


@evidence.command(epilog="Example: simtrial evidence template --out my_series.yaml")
def template(
    out: Annotated[
        Path | None, typer.Option(help="file to write; none: it is printed", show_default=False)
    ] = None,
) -> None:
    """Print a document to fill in with facts of your own; valid as it stands, nothing is fitted."""
    from importlib import resources

    text = (resources.files("simtrial.evidence") / "template.yaml").read_text(encoding="utf-8")
    if out is None:
        say(text.rstrip("\n"))
        return
    output_file(out)
    if out.exists():
        raise EvidenceError(
            f"--out {out}: is there already, and may hold facts of yours; give a new name, such "
            f"as --out {out.with_name(f'new_{out.name}')}."
        )
    write_whole(out, text)


def _ledger(evidence: Sequence[Path] | None, without: Sequence[str] | None) -> Ledger:
    from simtrial.evidence.ledger import load_with

    return load_with(evidence or (), without or ())
