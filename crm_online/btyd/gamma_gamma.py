"""Gamma-Gamma: how much a purchase of each customer is worth.

A customer's purchases are worth Gamma(``p``, a rate of the customer's own), and these rates are
Gamma(``q``, ``gamma``) over customers; who bought little is taken to be more like all. Fader and Hardie
(2013), "The Gamma-Gamma model of monetary value".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """The parameters of a Gamma-Gamma model.

    Attributes
    ----------
    p
        Shape of the Gamma distribution of one customer's purchases.
    q, gamma
        Shape, above 1, and rate, in money, of the Gamma distribution of their rates over customers.
    """

    p: float
    q: float
    gamma: float


def log_likelihood(model: GammaGamma, purchases: _Array, mean: _Array) -> tuple[_Array, NDArray[np.float64]]:
    """Return the log-likelihood of each customer, and its gradient.

    Parameters
    ----------
    model
        The parameters.
    purchases, mean
        float64[n]: purchases, and what one was worth on average, above 0.

    Returns
    -------
    tuple
        float64[n], and float64[3, n]: the derivatives by ``p``, ``q`` and ``gamma``.
    """
    from scipy.special import digamma, gammaln

    p, q, gamma = model.p, model.q, model.gamma
    shape, total = p * purchases, purchases * mean
    log_sum = np.log(gamma + total)
    value = (
        gammaln(shape + q)
        - gammaln(shape)
        - gammaln(q)
        + q * np.log(gamma)
        + shape * np.log(total)
        - np.log(mean)
        - (shape + q) * log_sum
    )
    both = digamma(shape + q)
    gradient = np.stack(
        [
            purchases * (both - digamma(shape) + np.log(total) - log_sum),
            both - digamma(q) + np.log(gamma) - log_sum,
            q / gamma - (shape + q) / (gamma + total),
        ]
    )
    return value, gradient


def expected_mean(model: GammaGamma, purchases: _Array, spend: _Array) -> _Array:
    """Return float64[n]: what each customer's next purchase is expected to be worth.

    Parameters
    ----------
    model
        The parameters.
    purchases, spend
        float64[n]: purchases, at least one, and what all of them were worth.
    """
    return model.p * (model.gamma + np.maximum(spend, 0.0)) / (model.p * purchases + model.q - 1)
