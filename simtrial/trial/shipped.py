"""Find a config: a path of the user's, or the name of one that comes with the package."""

from __future__ import annotations

from pathlib import Path

from simtrial.core.config import Located, parse_yaml, read_yaml
from simtrial.core.errors import DesignError


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


def locate(name_or_path: str | Path, kind: str = "designs") -> Located:
    """Read a config by path, or by the name of a shipped one."""
    text = str(name_or_path)
    names = shipped_names(kind)
    if text in names:
        content = (_configs() / kind / f"{text}.yaml").read_text(encoding="utf-8")
        return parse_yaml(content, f"{kind}/{text}.yaml")
    path = Path(text)
    if path.exists():
        return read_yaml(path)
    raise DesignError(
        f"{text} is neither a file nor a shipped name; give a path to a YAML file, "
        f"or one of {', '.join(names)}."
    )
