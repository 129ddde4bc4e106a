"""A prior of the table as a free variable of a PyMC model."""

from __future__ import annotations

from typing import Any

from simtrial.synthesis.priors import Prior


def variable(name: str, prior: Prior) -> Any:
    """Return the free variable of a prior, in the model whose context is open."""
    import pymc as pm

    numbers = prior.numbers()
    if prior.kind == "normal":
        return pm.Normal(name, *numbers)
    if prior.kind == "half_normal":
        return pm.HalfNormal(name, *numbers)
    if prior.kind == "beta":
        return pm.Beta(name, *numbers)
    return pm.LogNormal(name, *numbers)
