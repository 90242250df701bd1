"""The derivative table, one page per family. Each page states rules in plain NumPy, without the engine.

Kinks: the derivative where there is no unique one. Each row has its own test. docs/kinks.md compares libraries.

====================================  =========================================================================
abs, fabs, norm, std, hypot at 0      0, as at any local minimum; nanstd, copysign (in a) likewise
relu at 0                             0; multiclass_hinge, margin_ranking_loss at the end of their margin likewise
relu6 at 0 and 6                      0
leaky_relu, elu, selu at 0            the slope on the left, as for relu
maximum, minimum, max, min at a tie   equal entries share evenly; fmax, fmin, nanmax, nanmin, ptp, max_pool
                                      and maximum.accumulate likewise
initial= at a tie with an entry       half each, as for maximum
unique at a tie                       the entry that occurs first gets the gradient
sort at a tie                         each entry gets the gradient of the place it went to (the sort is stable);
                                      median, nanmedian, quantile, percentile, partition likewise
clip at a bound                       passes the gradient to x; hard_tanh likewise
interp, derivative in x, at a sample  the slope to its right, at the last one that to its left; 0 outside
quantile, derivative in q, at x[i]    the slope to its right, at the last one that to its left
sqrt, log, cbrt, x**p at 0            the limit, which may be inf
log, sqrt, cbrt, arcsinh, arccosh,    nan: they grow slower than their argument, whose overflow says nothing of
x**p with 0 < p < 1, hypot, at ∞      their slope (helper: `bounded`). What extended arithmetic gives stays: 1 / ∞,
                                      tanh ∞ and arctan ∞ are constant there
x**p, derivative in p                 at x < 0: 0, as a power of a negative number is real at whole p only;
                                      at x = 0: 0 for p > 0, as 0**p is 0, and -inf for p ≤ 0
x**p at p = 0, derivative in x        0
arctan2 at the origin                 0
csc, cot, csch, coth, arccsch at 0    -inf: the limit from both sides
arcsech at 0, 1; arccoth at -1, 1     -inf
arcsec, arccsc at -1 and 1            the limits inf and -inf
arccot at 0, where it jumps           -1, the slope on both sides
where                                 0 for the branch not taken, 0 for the condition
xlogy, entr and kin at 0 · ln 0       the limit: ±inf in the factor, 0 in the argument of ln (kl_div: 1)
0 · inf                               nan in a rule, which is a plain product; the engine sees it, and knows a zero
                                      that a selection made from one that arithmetic made
nan that nansum and others skip       0; nan_to_num: 0 for replaced entries
norm of matrices, singular values     those equal to rounding share evenly; those of 0 have no share
norm of matrices, sums                a tie of columns or rows is shared evenly, an entry of 0 has 0
eigvalsh, svdvals: equal values       each has the slope along LAPACK's vector, so Σ f(λ) is right; the second
                                      derivative along what mixes their vectors: LinAlgError, but `spectral` has it;
                                      a singular value of 0 has the slope 0
eigh, svd: equal values               LinAlgError where values and vectors matter, as in V f(λ) Vᵀ, but `spectral`
                                      has it; the values alone as above; the vectors alone: if the result does not
                                      tell those of equal values apart, right (projectors, U Vᵀ), else LinAlgError;
                                      equal to rounding: within 8 n eps of the largest
eig, eigvals: equal values            LinAlgError, except for functions of λ in which they weigh the same
roots: a multiple root                nan
svd, qr: completed bases              LinAlgError where it matters how their last columns are turned
qr without full rank, to rounding     LinAlgError
det, inv, solve of singular matrices  det: the cofactors, to second order; inv, solve, slogdet: LinAlgError
frexp at a power of 2                 the slope above it
floor, sign, comparisons, argmax, …   0 everywhere, jumps included; heaviside in x, copysign in b likewise
====================================  =========================================================================

At a kink the first derivative is as listed. A second derivative there is the derivative of the rule (1 for hypot,
0 for abs), and has no meaning. Where a slope is infinite, the second derivative is its limit. For
cbrt and 1 / x the limits on the two sides of 0 differ: the sign of the zero picks the side.

Saturated functions keep their digits: tanh, sigmoid, softmax and cross_entropy have slopes that are right to the
last few bits however flat they are. How many, docs/digits.md says for each op. Norms and standard deviations are
right also where squares overflow or vanish.

A rule multiplies in the order in which nothing under- or overflows before the cotangent comes: -(g y) / b for a
quotient, not -g (y / b); g / x for a logarithm, not g (1 / x).
"""

import importlib
import pkgutil

from ..engine.op import PAGES

# Every page of this folder: a new one is found automatically. A page in a folder named after another package, such
# as scipy/special.py, states the rules for that module of the package. It is read when a function of the module
# first meets a Value: importing minigrad imports no other package.
for _page in pkgutil.walk_packages(__path__, f"{__name__}."):
    _folder, _, _name = _page.name.removeprefix(f"{__name__}.").rpartition(".")
    if _folder:
        PAGES[f"{_folder}.{_name}"] = _page.name
    elif not _page.ispkg:
        importlib.import_module(_page.name)
