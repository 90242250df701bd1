"""compile: writes a recorded graph as straight-line NumPy.

`tracing` records a function on a tape, the engine's own array work included, and turns the graph into a program;
`passes` improve it; `buffers` plans its memory; `codegen` writes it as Python behind a guard (`guards`); and
`compiled` runs it. `scalar_codegen` writes programs that compute only with numbers.

Time of a training step in µs after each pass (value, gradients, update; float64, one thread of BLAS, the fastest
tenth of the calls; `python -m tests.bench.passes`); each row includes the passes above it:

    pass                          2-16-16-2    64-128-64-10    layer norm and softmax
                                  batch 100    batch 64        128 x 128 to 32
    eager                         256          577             670
    recorded, with buffers        77           276             387
    common subexpressions         70           286             382
    composite steps inlined       71           274             316
    algebra                       68           251             321
    operands sorted, merged       67           253             248
    slope of tanh from tanh       62           231             244
    negations, broadcasting       61           227             239
    in place                      58           224             233

Blocks that stay in the cache: a chain of 20 steps on 10⁶ numbers takes 113 ms in NumPy, 21 ms in blocks of 2^17
entries, 15 ms in those of 2^14.
"""

from .compiled import Compiled, compile

__all__ = ["Compiled", "compile"]
