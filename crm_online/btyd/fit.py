"""Fits of the two models by maximum likelihood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from crm_online.btyd import gamma_gamma, pareto_nbd
from crm_online.btyd.gamma_gamma import GammaGamma
from crm_online.btyd.pareto_nbd import ParetoNBD

_Array = NDArray[np.float64]
_LogLikelihood = Callable[[_Array], tuple[_Array, NDArray[np.float64]]]

LEAST_CUSTOMERS = 50
"""How many customers a fit needs."""
LEAST_REPEATERS = 10
"""How many of them must have bought on more than one day."""
_SPREAD = 10.0
"""Standard deviation of the prior on the logarithm of each parameter: it weighs as much as one customer or
less, and keeps parameters finite which the customers say nothing of."""
_BOUND = 12.0
"""How far, in powers of e, a parameter may go from the center of its prior."""
_DIGITS = 6


def fit(frequency: _Array, recency: _Array, age: _Array, earlier: ParetoNBD | None = None) -> ParetoNBD | None:
    """Fit a Pareto/NBD model.

    The number of steps is fixed, and the parameters are rounded, so equal customers, and equal parameters to begin
    from, give equal parameters.

    Parameters
    ----------
    frequency, recency, age
        float64[n]: purchases after the first, days from the first purchase to the last, and to now.
    earlier
        Where the search begins, if there was a fit before.

    Returns
    -------
    ParetoNBD, optional
        ``None`` where there is too little to fit: fewer than 50 customers, or fewer than 10 of them bought
        on more than one day; and where the fit does not converge.
    """
    repeaters = np.count_nonzero((frequency > 0) & (recency >= 1.0))
    if len(frequency) < LEAST_CUSTOMERS or repeaters < LEAST_REPEATERS:
        return None
    days = float(age.mean())
    center = np.log([1.0, days / max(float(frequency.mean()), 1e-3), 1.0, days])
    start = np.log(astuple(earlier)) if earlier else center
    found = _maximum(
        lambda values: pareto_nbd.log_likelihood(ParetoNBD(*values), frequency, recency, age), center, start
    )
    return None if found is None else ParetoNBD(*found)


def fit_value(purchases: _Array, spend: _Array, earlier: GammaGamma | None = None) -> GammaGamma | None:
    """Fit a Gamma-Gamma model to the customers who spent anything.

    Parameters
    ----------
    purchases, spend
        float64[n]: purchases, and what all of them were worth.
    earlier
        Where the search begins, if there was a fit before.

    Returns
    -------
    GammaGamma, optional
        ``None`` where fewer than 50 customers spent anything, fewer than 10 of them more than once, or the
        fit does not converge.
    """
    paid = (purchases > 0) & (spend > 0)
    n, mean = purchases[paid], spend[paid] / purchases[paid]
    if len(n) < LEAST_CUSTOMERS or np.count_nonzero(n > 1) < LEAST_REPEATERS:
        return None

    def log_likelihood(values: _Array) -> tuple[_Array, NDArray[np.float64]]:
        # q is above 1, or a customer of whom nothing is known would be worth infinitely much.
        value, gradient = gamma_gamma.log_likelihood(GammaGamma(values[0], 1 + values[1], values[2]), n, mean)
        return value, gradient

    center = np.log([2.0, 2.0, float(np.median(mean))])
    start = np.log([earlier.p, earlier.q - 1, earlier.gamma]) if earlier else center
    found = _maximum(log_likelihood, center, start)
    return None if found is None else GammaGamma(found[0], 1 + found[1], found[2])


def _maximum(log_likelihood: _LogLikelihood, center: _Array, start: _Array) -> list[float] | None:
    """Return the parameters, all positive, of greatest likelihood; ``None`` where the search does not converge.

    Parameters
    ----------
    log_likelihood
        Of each customer, and its gradient, by the parameters.
    center, start
        Logarithms of the parameters that the prior is around, and that the search begins from.
    """
    from scipy.optimize import minimize

    def loss(logs: _Array) -> tuple[float, _Array]:
        values = np.exp(logs)
        value, gradient = log_likelihood(values)
        n, apart = len(value), (logs - center) / _SPREAD
        total = -value.mean() + (apart @ apart) / 2 / n
        return float(total), -(gradient.mean(axis=1) * values) + apart / _SPREAD / n

    bounds = [(value - _BOUND, value + _BOUND) for value in center]
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200, "ftol": 1e-12, "gtol": 1e-6}
    )
    if not np.isfinite(found.fun) or np.abs(found.jac).max() > 1e-3:
        return None
    return [float(f"{value:.{_DIGITS}g}") for value in np.exp(found.x).tolist()]
