"""Find a config: a path of the user's, or the name of one that comes with the package."""

from __future__ import annotations

import re
from pathlib import Path

from simtrial.core.config import Located, parse_yaml, read_yaml
from simtrial.core.errors import DesignError
from simtrial.core.located import nearest


def _configs() -> Path:
    """Return the folder of shipped configs: inside an installed package, beside a checkout's."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def shipped_names(kind: str = "designs") -> list[str]:
    """Return the names of the configs that come with the package."""
    root = _configs() / kind
    return sorted(
        path.relative_to(root).with_suffix("").as_posix() for path in root.rglob("*.yaml")
    )


def designs_beside(folder: Path) -> list[str]:
    """Return the names of the files in a folder that are designs, by their arms and visits."""
    return sorted(path.name for path in folder.glob("*.yaml") if _is_design(path))


def _is_design(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return all(re.search(rf"^{key}\s*:", text, re.MULTILINE) for key in ("arms", "visits_weeks"))


def locate(name_or_path: str | Path, kind: str = "designs") -> Located:
    """Read a config by path, or by the name of a shipped one."""
    text = str(name_or_path)
    names = shipped_names(kind)
    if text in names:
        content = (_configs() / kind / f"{text}.yaml").read_text(encoding="utf-8")
        return parse_yaml(content, f"{kind}/{text}.yaml")
    path = Path(text)
    if text and _is_there(path):
        return read_yaml(path)
    raise DesignError(
        f"{text or 'the empty name'} is neither a file nor a shipped name{_hint(path, kind)}; give "
        f"a path to a YAML file, or one of {', '.join(names)}."
    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long, or with a null character in it
        return False


def _hint(path: Path, kind: str) -> str:
    """Return what was likely meant: a config of the other kind, or the nearest name there is."""
    for other in ("designs", "scenarios"):
        if other != kind and str(path) in shipped_names(other):
            return f" among the {kind}; it is one of the {other}"
    near = {Path(name).name: name for name in shipped_names(kind)}
    if _is_there(path.parent) and len(path.parts) > 1:
        found_there = sorted(path.parent.glob("*.yaml"))
        if kind == "designs":  # a document of facts beside it is none
            found_there = [p for p in found_there if _is_design(p)]
        near |= {p.name: str(p) for p in found_there}
    # a name ends like a file or not, whichever the user wrote
    best = nearest(path.stem, {Path(name).stem: 0 for name in near})
    found = next((near[name] for name in near if Path(name).stem == best), None)
    return "" if found is None else f"; the nearest is {found}"
