"""Second, separate P(p1 > p0) for two independent beta variables, and exact power from it.

Everything is done on the logit scale, t = log(p / (1 - p)), where the density of Beta(a, b) is
proportional to p**a * (1 - p)**b: smooth, and falling off exponentially in both directions.

    P(p1 > p0) = integral over t of density1(t) * distribution0(t)

The outer integral is the trapezoidal rule on an even grid, which converges exponentially for
such integrands.  The distribution function is the running sum of Gauss-Legendre integrals over
the cells of the same grid.  Both are scaled by their own numerical total, so no gamma function
or incomplete beta function is used.
"""

import math

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Shape = tuple[float, float]

SMALLEST = 0.5  # smallest parameter for which the grid reaches far enough out
HALF_WIDTH = 90.0  # the grid runs from -HALF_WIDTH to HALF_WIDTH
NODES_PER_CELL = 8
TIE = 1e-11  # a probability this close to the threshold is taken as equal to it


def beta_greater_second(a1: float, b1: float, a0: float, b0: float) -> float:
    """P(p1 > p0) for independent p1 ~ Beta(a1, b1) and p0 ~ Beta(a0, b0)."""
    return float(_all_pairs([(a1, b1)], [(a0, b0)])[0, 0])


def exact_power_second(
    n1: int, n0: int, p1: float, p0: float, prior1: Shape, prior0: Shape, above: float
) -> float:
    """Probability of data for which P(p1 > p0 | data) > above.

    n1 and n0 are the group sizes, p1 and p0 the true probabilities, and each prior is the pair
    of parameters of a beta distribution.  Equality (to within TIE) is not above.
    """
    posteriors1 = [(prior1[0] + y, prior1[1] + n1 - y) for y in range(n1 + 1)]
    posteriors0 = [(prior0[0] + y, prior0[1] + n0 - y) for y in range(n0 + 1)]
    greater = _all_pairs(posteriors1, posteriors0)
    return math.fsum(
        _binomial(n1, y1, p1) * _binomial(n0, y0, p0)
        for y1 in range(n1 + 1)
        for y0 in range(n0 + 1)
        if greater[y1, y0] > above + TIE
    )


def _binomial(n: int, y: int, p: float) -> float:
    return float(math.comb(n, y) * p**y * (1.0 - p) ** (n - y))


def _all_pairs(shapes1: list[Shape], shapes0: list[Shape]) -> Floats:
    """P(p1 > p0) for every pair: one row for each of shapes1, one column for each of shapes0."""
    parameters = [value for shape in shapes1 + shapes0 for value in shape]
    if not all(SMALLEST <= value < math.inf for value in parameters):
        raise ValueError(f"every parameter must be finite and at least {SMALLEST}")
    # The narrowest density on the logit scale has a width of about 1 / sqrt(parameter).
    step = min(0.05, 0.4 / math.sqrt(max(parameters)))
    cells = math.ceil(2.0 * HALF_WIDTH / step)
    grid: Floats = np.linspace(-HALF_WIDTH, HALF_WIDTH, cells + 1)
    density1 = np.array([_density(a, b, grid) for a, b in shapes1])
    distribution0 = np.array([_distribution(a, b, grid) for a, b in shapes0])
    result: Floats = density1 @ distribution0.T
    return result


def _kernel(a: float, b: float, t: Floats) -> Floats:
    """p**a * (1 - p)**b at t, divided by its value at the peak."""
    peak = np.array(math.log(a / b))
    log_kernel = -a * np.logaddexp(0.0, -t) - b * np.logaddexp(0.0, t)
    log_peak = -a * np.logaddexp(0.0, -peak) - b * np.logaddexp(0.0, peak)
    result: Floats = np.exp(log_kernel - log_peak)
    return result


def _density(a: float, b: float, grid: Floats) -> Floats:
    """Trapezoidal weights of the density; they sum to one (the ends of the grid are nil)."""
    kernel = _kernel(a, b, grid)
    result: Floats = kernel / kernel.sum()
    return result


def _distribution(a: float, b: float, grid: Floats) -> Floats:
    """Distribution function at the points of the grid."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES_PER_CELL)
    middles = (grid[:-1] + grid[1:]) / 2.0
    half_cell = (grid[1] - grid[0]) / 2.0
    cell_integrals = np.zeros(len(middles))
    for node, weight in zip(nodes, weights, strict=True):
        cell_integrals += weight * _kernel(a, b, middles + half_cell * node)
    running = np.concatenate(([0.0], np.cumsum(cell_integrals)))
    result: Floats = running / running[-1]
    return result
