"""Densities of the gamma and the beta distribution: the slopes of the incomplete gamma and beta functions."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
from scipy import special

from ...engine.op import diagonal, dispatched
from ...engine.sampling import POSITIVE
from ..entropies import log1p_rest, missing_share
from ..orders import SHAPE, refusal
from .normal import PROBABILITY

_LARGE = 20.0  # from here on, powers and Γ would overflow or lose digits: Stirling's formula takes over
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)


def _stirling(a: Any) -> Any:
    """ln Γ(a) - ln(√(2π) a^(a - ½) e^-a), for large a."""
    return sum(c / a ** (2 * k + 1) for k, c in enumerate(_STIRLING))


def _inverse_beta(a: Any, b: Any) -> Any:
    """1 / B(a, b), for a not large, and b not smaller: with more digits than 1 / special.beta(a, b)."""
    a, far = np.minimum(a, _LARGE), np.maximum(b, _LARGE)
    exponent = (far - 0.5) * np.log1p(a / far) - a + _stirling(far + a) - _stirling(far)
    ratio = np.where(b < _LARGE, special.gamma(a + b) * special.rgamma(b), (far + a) ** a * np.exp(exponent))
    return special.rgamma(a) * ratio  # Γ(a + b) / Γ(b) / Γ(a)


def _as(kind: Any, y: Any) -> Any:
    return y.astype(kind if kind.kind == "f" else np.float64)[()]


@dispatched
def gamma_density(a: Any, x: Any) -> Any:
    """x^(a-1) e^-x / Γ(a), the slope of gammainc."""
    kind = np.result_type(x)
    a, x = np.asarray(a, dtype=np.float64), np.asarray(x, dtype=np.float64)
    with np.errstate(all="ignore"):
        kept = np.minimum(x, 1e3)  # beyond, e^-x wins
        scale = special.rgamma(np.minimum(a, _LARGE))
        usual = np.where(scale == 0, 0.0, kept ** (np.minimum(a, _LARGE) - 1.0) * np.exp(-kept) * scale)
        far = np.maximum(a, _LARGE)
        exponent = far * log1p_rest((x - far) / far) - _stirling(far)
        large = np.where((x == 0) | np.isinf(x), 0.0, np.sqrt(far / (2 * pi)) * np.exp(exponent) / x)
    return _as(kind, np.where(x < 0, np.nan, np.where(a < _LARGE, usual, large)))


def _gamma_density_slope(y: Any, a: Any, x: Any) -> Any:
    at_zero = gamma_density(a - 1.0, 0.0 * x) - gamma_density(a, 0.0 * x)
    inner = np.where(np.equal(x, 0), 1.0, x)
    return np.where(np.equal(x, 0), at_zero, -y * missing_share(a - 1.0, inner))


@dispatched
def beta_density(a: Any, b: Any, x: Any) -> Any:
    """x^(a-1) (1-x)^(b-1) / B(a, b), the slope of betainc."""
    kind = np.result_type(x)
    a, b, x = (np.asarray(z, dtype=np.float64) for z in (a, b, x))
    with np.errstate(all="ignore"):
        rest = np.where(b == 1, 1.0, np.exp((b - 1.0) * np.log1p(-x)))
        scale = _inverse_beta(np.minimum(a, b), np.maximum(a, b))
        usual = np.where(scale == 0, 0.0, x ** (a - 1.0) * rest * scale)
        fa, fb = np.maximum(a, _LARGE), np.maximum(b, _LARGE)
        n = fa + fb
        miss = n * x - fa
        exponent = fa * log1p_rest(miss / fa) + fb * log1p_rest(-miss / fb)
        peak = np.exp(exponent - _stirling(fa) - _stirling(fb) + _stirling(n))
        large = np.where((x == 0) | (x == 1), 0.0, np.sqrt(fa / n * fb / (2 * pi)) * peak / x / (1.0 - x))
    inside = (x >= 0) & (x <= 1)
    return _as(kind, np.where(inside, np.where(np.minimum(a, b) < _LARGE, usual, large), np.nan))


def _beta_density_slope(y: Any, a: Any, b: Any, x: Any) -> Any:
    end = np.equal(x, 0) | np.equal(x, 1)
    lower = (a + b - 1.0) * (beta_density(a - 1.0, b, np.round(x)) - beta_density(a, b - 1.0, np.round(x)))
    inner = np.where(end, 0.5, x)
    return np.where(end, lower, y * ((a - 1.0) / inner - (b - 1.0) / (1.0 - inner)))


# fmt: off
diagonal(gamma_density, "gammainc′", "y = x^(a-1) e^-x / Γ(a)", refusal("gamma_density", "shape a"),
    lambda g, y, a, x: g * _gamma_density_slope(y, a, x), domain=(SHAPE, POSITIVE))
diagonal(beta_density, "betainc′", "y = x^(a-1) (1-x)^(b-1) / B(a, b)", refusal("beta_density", "shape a"),
    refusal("beta_density", "shape b"), lambda g, y, a, b, x: g * _beta_density_slope(y, a, b, x),
    domain=(SHAPE, SHAPE, PROBABILITY))
