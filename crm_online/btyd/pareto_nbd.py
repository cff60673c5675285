"""Pareto/NBD: customers buy at a rate of their own until, unseen, they stop for good.

A customer buys as a Poisson process of rate ``λ`` while active, and is active for an exponential time of
rate ``μ``; over customers ``λ`` is Gamma(``r``, ``alpha``) and ``μ`` is Gamma(``s``, ``beta``). Schmittlein,
Morrison and Colombo (1987), "Counting your customers".

Three numbers say all that the model needs of a customer: ``frequency``, the purchases after the first;
``recency``, from the first purchase to the last; ``age``, from the first purchase to now. Times are in days.

The likelihood is usually written as a difference of two hypergeometric functions, which cancel. Here the
integral that they stand for is computed, ``∫ (alpha + t)^-(r + frequency) (beta + t)^-(s + 1) dt``: positive
throughout, and by Gauss-Legendre quadrature over ``log(t + min(alpha, beta))``, in which the logarithm of the
integrand is concave and smooth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]

_NODES, _WEIGHTS = (values[:, np.newaxis] for values in np.polynomial.legendre.leggauss(24))
_NEGLIGIBLE = 36.0
"""Where the integrand has fallen by this many powers of e, the rest is below double precision."""
_NEWTON_STEPS = 4


@dataclass(frozen=True, slots=True)
class ParetoNBD:
    """The parameters of a Pareto/NBD model.

    Attributes
    ----------
    r, alpha
        Shape, and rate in days, of the Gamma distribution of how often customers buy.
    s, beta
        Shape, and rate in days, of the Gamma distribution of how soon customers stop.
    """

    r: float
    alpha: float
    s: float
    beta: float


def log_likelihood(
    model: ParetoNBD, frequency: _Array, recency: _Array, age: _Array
) -> tuple[_Array, NDArray[np.float64]]:
    """Return the log-likelihood of each customer, and its gradient.

    Parameters
    ----------
    model
        The parameters.
    frequency, recency, age
        float64[n]: purchases after the first, days from the first purchase to the last, and to now.

    Returns
    -------
    tuple
        float64[n], and float64[4, n]: the derivatives by ``r``, ``alpha``, ``s`` and ``beta``.
    """
    from scipy.special import digamma, gammaln

    r, alpha, s, beta = model.r, model.alpha, model.s, model.beta
    log_alive = _log_alive(model, frequency, age)
    integral = _Integral.of(model, frequency, recency, age)
    log_stopped = np.log(s) + integral.log
    both = np.logaddexp(log_alive, log_stopped)
    alive, stopped = np.exp(log_alive - both), np.exp(log_stopped - both)
    value = gammaln(r + frequency) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + both
    gradient = np.stack(
        [
            digamma(r + frequency)
            - digamma(r)
            + np.log(alpha)
            - alive * np.log(alpha + age)
            - stopped * integral.mean(np.log(alpha + integral.t)),
            r / alpha - (r + frequency) * (alive / (alpha + age) + stopped * integral.mean(1 / (alpha + integral.t))),
            np.log(beta) - alive * np.log(beta + age) + stopped * (1 / s - integral.mean(np.log(beta + integral.t))),
            s / beta - alive * s / (beta + age) - stopped * (s + 1) * integral.mean(1 / (beta + integral.t)),
        ]
    )
    return value, gradient


def probability_alive(model: ParetoNBD, frequency: _Array, recency: _Array, age: _Array) -> _Array:
    """Return float64[n]: the probability that each customer has not stopped yet."""
    log_alive = _log_alive(model, frequency, age)
    log_stopped = np.log(model.s) + _Integral.of(model, frequency, recency, age).log
    alive: _Array = np.exp(log_alive - np.logaddexp(log_alive, log_stopped))
    return alive


def forecast(
    model: ParetoNBD, frequency: _Array, recency: _Array, age: _Array, horizon: float
) -> tuple[_Array, _Array]:
    """Return what each customer will buy within ``horizon`` days from now.

    Parameters
    ----------
    model
        The parameters.
    frequency, recency, age
        float64[n]: purchases after the first, days from the first purchase to the last, and to now.
    horizon
        Days.

    Returns
    -------
    tuple
        float64[n] each: the probability of at least one purchase, and the expected number of them.
    """
    alive = probability_alive(model, frequency, recency, age)
    some = _probability_while_alive(model, frequency, age, horizon)
    return alive * some, alive * _expected_while_alive(model, frequency, age, horizon)


def _expected_while_alive(model: ParetoNBD, frequency: _Array, age: _Array, horizon: float) -> _Array:
    """Return float64[n]: how many purchases customers who have not stopped yet are expected to make."""
    soon = np.log1p(horizon / (model.beta + age))
    bend = (1 - model.s) * soon
    active_days = (model.beta + age) * soon * np.where(bend == 0, 1.0, np.expm1(bend) / np.where(bend == 0, 1.0, bend))
    rate = (model.r + frequency) / (model.alpha + age)
    expected: _Array = rate * active_days
    return expected


def _probability_while_alive(model: ParetoNBD, frequency: _Array, age: _Array, horizon: float) -> _Array:
    """Return float64[n]: the probability that customers who have not stopped yet buy at least once."""
    log_alive = _log_alive(model, frequency, age)
    log_idle = np.log(model.s) + _Integral.of(model, frequency, age, age + horizon).log
    log_none = np.logaddexp(_log_alive(model, frequency, age + horizon), log_idle) - log_alive
    some: _Array = -np.expm1(np.minimum(log_none, 0.0))
    return some


def _log_alive(model: ParetoNBD, frequency: _Array, age: _Array) -> _Array:
    return -(model.r + frequency) * np.log(model.alpha + age) - model.s * np.log(model.beta + age)


@dataclass(frozen=True, slots=True)
class _Integral:
    """``∫ (alpha + t)^-(r + frequency) (beta + t)^-(s + 1) dt`` of each customer.

    Attributes
    ----------
    log
        float64[n]: its logarithm; -inf where the interval is empty.
    t
        float64[nodes, n]: the nodes of the quadrature, in days.
    weight
        float64[nodes, n]: what share each node has of the integral.
    """

    log: _Array
    t: _Array
    weight: _Array

    @classmethod
    def of(cls, model: ParetoNBD, frequency: _Array, start: _Array, end: _Array) -> _Integral:
        offset = min(model.alpha, model.beta)
        low, high = np.log(offset + start), np.log(offset + end)
        fallen = _log_integrand(model, frequency, start, low) - _NEGLIGIBLE
        # Newton's method on a concave function from right of where it has this value stays right of it.
        for _ in range(_NEWTON_STEPS):
            t = np.exp(high) - offset
            excess = fallen - _log_integrand(model, frequency, t, high)
            slope = 1 - np.exp(high) * ((model.r + frequency) / (model.alpha + t) + (model.s + 1) / (model.beta + t))
            high = np.where(excess > 0, high + excess / np.minimum(slope, -1e-300), high)
        half = np.maximum(high - low, 0) / 2
        at = low + half * (1 + _NODES)
        t = np.exp(at) - offset
        log = _log_integrand(model, frequency, t, at)
        top = log.max(axis=0)
        parts = np.exp(log - top) * _WEIGHTS
        total = parts.sum(axis=0)
        with np.errstate(divide="ignore"):
            return cls(top + np.log(total * half), t, parts / total)

    def mean(self, values: _Array) -> _Array:
        """Return the means of values at the nodes under the integrand."""
        means: _Array = np.einsum("kn,kn->n", self.weight, values)
        return means


def _log_integrand(model: ParetoNBD, frequency: _Array, t: _Array, at: _Array) -> _Array:
    return at - (model.r + frequency) * np.log(model.alpha + t) - (model.s + 1) * np.log(model.beta + t)
