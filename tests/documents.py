"""Where the texts of the published documents are: they are not the project's to hand on.

The folder that ``SIMTRIAL_DOCUMENTS`` names, or ``shared/documents`` beside the checkout.
"""

from __future__ import annotations

import os
from pathlib import Path


def documents_folder() -> Path | None:
    """Return the folder with the documents' texts, or None where it is not there."""
    named = os.environ.get("SIMTRIAL_DOCUMENTS")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "documents"
    return folder if folder.is_dir() else None
