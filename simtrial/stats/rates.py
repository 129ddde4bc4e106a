"""The exact interval of a rate: events in a number of patients or courses."""

from __future__ import annotations

from simtrial.core.errors import DomainError


def exact_rate_interval(events: int, exposed: float, level: float = 0.95) -> tuple[float, float]:
    """Return the exact (Garwood) interval of a Poisson rate, low before high.

    Parameters
    ----------
    events : how many there were.
    exposed : patients, courses or time in which they were seen; the unit of the rate.

    Raises
    ------
    DomainError : when ``events`` is negative, ``exposed`` not positive, or ``level`` outside 0..1.

    References
    ----------
    Garwood F. Fiducial limits for the Poisson distribution. Biometrika 1936;28:437-442.
    """
    from scipy.special import gammaincinv

    if events < 0 or not exposed > 0.0:
        raise DomainError(f"{events} events in {exposed:g} is no rate; give 0 or more in above 0.")
    if not 0.0 < level < 1.0:
        raise DomainError(f"level is {level}; give a fraction between 0 and 1, such as 0.95.")
    tail = (1.0 - level) / 2.0
    low = 0.0 if events == 0 else float(gammaincinv(events, tail))
    return low / exposed, float(gammaincinv(events + 1, 1.0 - tail)) / exposed
