"""Random truths: parameters around rows of the shipped posterior, some set to extremes."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from simtrial.myositis.event_parameters import EVENT_PREFIXES
from simtrial.myositis.measures import MEASURES
from simtrial.myositis.parameters import LINES, PARAMETERS, rescue_name
from simtrial.trial.posterior import Posterior, load_posterior
from tests.agreement.random_treatment import chance, treatment_truth

Values = dict[str, NDArray[np.float64]]
BACKGROUNDS = ("none", "continued")


@cache
def shipped() -> Posterior:
    """Return the shipped posterior, read once."""
    return load_posterior()


def mixed(generator: np.random.Generator, rows: int, extremes: list[float]) -> NDArray[np.float64]:
    """Return shares (rows,): uniform, but one in four trials holds an extreme in every row."""
    if chance(generator, 0.25):
        return np.full(rows, float(generator.choice(extremes)))
    return generator.random(rows)


def random_truth(generator: np.random.Generator, rows: int) -> Values:
    """Return (rows,) values of every parameter of the posterior, shaken and partly extreme."""
    held = shipped().draws
    chosen = generator.integers(0, shipped().n_draws, size=rows)
    out = {name: _shaken(generator, name, held[name][chosen]) for name in sorted(held)}
    # whether one rescues at all is the scenario's: seldom, often, always
    rescue = np.full(rows, float(generator.choice([0.02, 0.3, 0.8, 1.0])))
    out |= {rescue_name(line, b): rescue for line in LINES for b in BACKGROUNDS}
    out["dropout_16_weeks"] = np.full(rows, float(generator.choice([0.0, 0.05, 0.5, 0.99])))
    out |= _harm(generator, rows)
    out |= treatment_truth(generator.spawn(1)[0], rows)
    out |= _missing(generator, rows)
    out |= _events(generator, rows)
    out |= _dynamics(generator.spawn(1)[0], rows)
    if chance(generator, 0.5):  # deterioration needs errors that are large and last
        for kind in ("vas", "haq", "mmt", "enzyme"):
            out[f"sd_change.{kind}"] = out[f"sd_change.{kind}"] * 4.0
        out["noise_per_4_weeks"] = generator.uniform(0.6, 0.95, size=rows)
    extremes: list[tuple[tuple[str, ...], list[float]]] = [
        (("sd_change.vas", "sd_change.haq", "sd_change.mmt", "sd_change.enzyme"), [0.0]),
        (("depth",), [1.0]),
        (("depth_sd",), [0.0]),
        (("x50_sd",), [0.0]),
        (("k_on",), [1e6, 50.0, 0.0]),
        (("k_background",), [1e6, 0.0]),
        (("hill",), [1.0, 2.0, 4.0]),
        (("h_eff",), [1.0, 1e6]),
        (("noise_per_4_weeks",), [0.0, 1.0]),
        (("noise_shared",), [0.0, 1.0]),
        (("background_depth",), [0.0, 1.0]),
        (("prednisolone_share[first_line]", "prednisolone_share[refractory]"), [0.0, 1.0]),
        (("weight.women", "weight.men"), [30.0, 200.0]),
    ]
    for names, values in extremes:
        if chance(generator, 0.15):
            value = float(generator.choice(values))
            for name in names:
                out[name] = np.full(rows, value)
    return out


def _missing(generator: np.random.Generator, rows: int) -> Values:
    """Return chances that visits and items are missing: mostly none, sometimes many, once all.

    A generator of its own, so that the other numbers of a random trial stay as they were.
    """
    own = generator.spawn(1)[0]
    out = {"missing.visit": np.full(rows, float(own.choice([0.0, 0.0, 0.05, 0.4, 1.0])))}
    some = chance(own, 0.4)
    for measure in MEASURES:
        missing = float(own.choice([0.0, 0.05, 0.3])) if some else 0.0
        out[f"missing.item.{measure}"] = np.full(rows, missing)
    shifts = {"reporting_shift.patient": 2.0, "reporting_shift.haq": 0.5, "unblinding_shift": 3.0}
    for name, most in shifts.items():
        out[name] = np.full(rows, most * float(own.choice([0.0, 0.0, 0.5, 1.0, -1.0])))
    return out


def _harm(generator: np.random.Generator, rows: int) -> Values:
    """Return rates of harm from as shipped to far beyond, so that every event happens often."""
    often = {
        "reaction.per_course[ivig]": [0.3, 1.0, 20.0],
        "reaction.per_course[placebo]": [0.0, 0.1, 1.0],
        "reaction.first_course": [1.0, 3.0],
        "reaction.serious": [0.0, 0.1, 0.5],
        "thromboembolism.per_course": [0.0, 0.02, 0.3, 5.0],
        "thromboembolism.per_year": [0.0, 0.02, 1.0],
        "thromboembolism.first_days": [0.0, 0.5, 1.0],
        "serious.per_course[ivig]": [0.0, 0.02, 0.5],
        "serious.per_course[placebo]": [0.0, 0.02, 0.5],
        "stop.reaction": [0.0, 0.02, 0.3],
        "stop.serious": [0.0, 0.5, 1.0],
        "cancer_share": [0.0, 0.05, 0.5],
        "previous_thromboembolism_share": [0.0, 0.05, 1.0],
    }
    return {name: np.full(rows, float(generator.choice(v))) for name, v in often.items()}


def _events(generator: np.random.Generator, rows: int) -> Values:
    """Return rates of the further classes, from none to many a patient, and all that follows."""
    rates = {
        "meningitis.per_course": [0.0, 0.05, 1.0],
        "haemolysis.per_course": [0.0, 0.4, 2.0],
        "infection.per_year": [0.0, 0.6, 6.0],
        "steroid_toxicity.per_year_10mg": [0.0, 0.2, 6.0],
        "cancer.per_year": [0.0, 0.02, 1.0],
        "death.per_year": [0.0, 0.02, 1.0],
        "progression.per_year": [0.0, 0.2, 6.0],
        "migraine_share": [0.0, 0.15, 1.0],
        "group_o_share": [0.0, 0.45, 1.0],
    }
    chances = ("related", "fatal", "interrupt")
    out = {}
    for name in PARAMETERS:
        if name.startswith(EVENT_PREFIXES):
            short = name.partition("[")[0]
            if short in rates:
                out[name] = np.full(rows, float(generator.choice(rates[short])))
            elif name.endswith(".serious") or name.startswith(chances):
                out[name] = np.full(rows, float(generator.choice([0.0, 0.05, 0.5, 1.0])))
    out["fatal.serious"] = np.full(rows, float(generator.choice([0.0, 0.02, 0.3])))
    return out


def _dynamics(generator: np.random.Generator, rows: int) -> Values:
    """Return rates of waning, decline and flares from nothing to far beyond what is likely."""
    often = {
        "p_transient": [0.0, 0.0, 0.5, 1.0],
        "transient_half_life": [1.0, 13.0],
        "drift_per_year": [0.0, 0.0, 0.3, 5.0],
        "drift_per_year[IBM]": [0.0, 0.3, 5.0],
        "steroid_effect": [0.0, 0.2, 1.0],
        "steroid_d50": [1.0, 20.0],
        "k_steroid": [0.0, 0.25, 1e6],
        "flare_per_week": [0.0, 0.005, 0.05, 1.0],
        "flare_speed": [0.0, 4.0],
        "flare_size": [0.0, 0.3, 1.0],
        "k_flare": [0.0, 0.15, 1e6],
        "p_judged_improved": [0.0, 0.5, 0.9, 1.0],
        "taper_share": [0.0, 0.25, 0.6, 1.0],
        "taper_share_sd": [0.0, 0.5],
        "centre_taper_sd": [0.0, 0.3, 2.0],
        "maintenance_share": [0.0, 0.6, 1.0],
        "maintenance.median": [5.0, 20.0],
        "maintenance.log_sd": [0.0, 0.5],
        "centre_floor_sd": [0.0, 0.4],
    }
    return {name: np.full(rows, float(generator.choice(v))) for name, v in often.items()}


def _shaken(
    generator: np.random.Generator, name: str, values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return values moved at random on the parameter's free scale, within its range."""
    parameter = PARAMETERS[name]
    z = generator.normal(size=values.shape)
    if parameter.scale == "log":
        moved = values * np.exp(0.4 * z)
    elif parameter.scale == "logit":
        odds = values / (1.0 - values) * np.exp(0.8 * z)
        moved = odds / (1.0 + odds)
    else:
        moved = values + 0.8 * z
    return np.clip(moved, parameter.lowest, parameter.highest)
