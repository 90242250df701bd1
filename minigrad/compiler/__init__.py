"""compile: a recorded graph as straight-line NumPy.

A function is traced (`tracing`) on a tape, on which the engine's own work with arrays is recorded too (`taped`);
read as a program (`reading`, `program`); improved by `passes`; given buffers (`plan`); written as Python (`source`)
behind a guard (`guards`); and called (`calling`). Programs of numbers alone are written by `scalars`.

What each pass gains, in µs of a training step (value, gradients, update; float64, one thread of BLAS, the fastest
tenth of the calls; `python -m tests.bench.passes`), each row with those above it:

    pass                          2-16-16-2    64-128-64-10    layer norm and softmax
                                  batch 100    batch 64        128 x 128 to 32
    eager                         256          577             670
    recorded, with buffers        77           276             387
    common subexpressions         70           286             382
    composite steps opened        71           274             316
    algebra                       68           251             321
    operands in order, merged     67           253             248
    the slope of tanh by tanh     62           231             244
    negations, broadcasting       61           227             239
    in place                      58           224             233

Blocks that stay in the cache: a chain of 20 steps on 10⁶ numbers takes 113 ms in NumPy, 21 ms in blocks of 2^17
entries, 15 ms in those of 2^14.
"""

from .calling import Compiled
from .calling import compiled as compile

__all__ = ["Compiled", "compile"]
