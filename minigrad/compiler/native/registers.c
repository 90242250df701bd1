/* The register machine: straight-line code on numbers, which are doubles in cells at the start of an arena.

An operation is four integers: its number, the cell of its result, and the cells of two operands. A wide one has four
more. Booleans are 0 and 1. `registers.py` writes the code; it has no jumps, so the same code can run again to find out
which operation raised a floating-point error. */
#include "executor.h"

#include <fenv.h>
#include <math.h>
#include <string.h>

/* pow, to its bits. The square of a is mostly known without it: `lost` is what rounding took from a * a, exactly, and glibc's
pow is never off by more than 0.54 units of the last place (that is in its source), so it gives a * a, too, unless `lost`
is nearly half a unit. Away from the ends of the range, where flags would differ. */
static inline double power(double a, double b)
{
#if defined(__GLIBC__)
    if (b == 2 && isgreater(fabs(a), 1e-140) && isless(fabs(a), 1e140)) {
        double square = a * a, shifted = 0x8000001p0 * a;
        double high = shifted - (shifted - a), low = a - high; /* of 26 bits each */
        double lost = ((high * high - square) + 2 * high * low) + low * low;
        if (square + 1.125 * lost == square) {
            return square;
        }
    }
#endif
    return pow(a, b);
}

/* Operations on a and b, under the name of NumPy's or Python's function: the name by which NumPy reports their errors,
NULL if it reports none, and the result. Comparisons by isless and the like raise no flag for nan. */
#define OPERATIONS(OP)                                                                                                \
    OP(add, "scalar add", a + b)                                                                                      \
    OP(subtract, "scalar subtract", a - b)                                                                            \
    OP(multiply, "scalar multiply", a * (b))                                                                          \
    OP(divide, "scalar divide", a / b)                                                                                \
    OP(pow, "scalar power", power(a, b))                                                                              \
    OP(square, "square", a * (a))                                                                                     \
    OP(sqrt, "sqrt", sqrt(a))                                                                                         \
    OP(copy, NULL, a)                                                                                                 \
    OP(float64, NULL, a)                                                                                              \
    OP(positive, NULL, a)                                                                                             \
    OP(negative, NULL, -a)                                                                                            \
    OP(neg, NULL, -a)                                                                                                 \
    OP(absolute, NULL, fabs(a))                                                                                       \
    OP(abs, NULL, fabs(a))                                                                                            \
    OP(fabs, NULL, fabs(a))                                                                                           \
    OP(sign, NULL, isgreater(a, 0) ? 1 : isless(a, 0) ? -1 : a == 0 ? 0 : a)                                          \
    OP(bounded, NULL, isinf(a) ? (double)NAN : a + 0.0)                                                               \
    OP(less, NULL, isless(a, b))                                                                                      \
    OP(less_equal, NULL, islessequal(a, b))                                                                           \
    OP(greater, NULL, isgreater(a, b))                                                                                \
    OP(greater_equal, NULL, isgreaterequal(a, b))                                                                     \
    OP(equal, NULL, a == b)                                                                                           \
    OP(not_equal, NULL, a != b)                                                                                       \
    OP(logical_and, NULL, a != 0 && b != 0)                                                                           \
    OP(logical_or, NULL, a != 0 || b != 0)                                                                            \
    OP(logical_xor, NULL, (a != 0) != (b != 0))                                                                       \
    OP(logical_not, NULL, a == 0)                                                                                     \
    OP(bitwise_and, NULL, a != 0 && b != 0)                                                                           \
    OP(bitwise_or, NULL, a != 0 || b != 0)                                                                            \
    OP(bitwise_xor, NULL, a != b)                                                                                     \
    OP(invert, NULL, a == 0)                                                                                          \
    OP(isnan, NULL, a != a)                                                                                           \
    OP(isinf, NULL, isinf(a) != 0)                                                                                    \
    OP(isfinite, NULL, isfinite(a) != 0)                                                                              \
    OP(signbit, NULL, signbit(a) != 0)                                                                                \
    OP(nan_or, NULL, b != b ? b : a)

/* Operations with arrays, whose places are a slot and an offset in bytes:
load: the result is the entry at place (2, 3).      add_at: add cell 1 to the entry at place (2, 3).
zero: clear (3) bytes at place (1, 2).              copy_bytes: (7) bytes at place (1, 2) from place (5, 6).
Wide ones: where(cells 2, 3, 6); call(cells 2, 3, 6), by loop (5), with (7) inputs; maximum and minimum like call. */
#define NARROW(OP) OP(end) OP(load) OP(add_at) OP(zero)
#define WIDE(OP) OP(where) OP(call) OP(maximum) OP(minimum) OP(copy_bytes)

enum { QUAD = 4, LONGEST = 2 * QUAD };
#define NUMBER_OF(name, ...) OP_##name,
enum { NARROW(NUMBER_OF) OPERATIONS(NUMBER_OF) WIDE(NUMBER_OF) N_OPERATIONS };
#define REPORTED(name, reported, result) [OP_##name] = reported,
static const char *const reported_as[N_OPERATIONS] = {OPERATIONS(REPORTED)};
#define STRING(name, ...) #name,
static const char *const names[N_OPERATIONS] = {NARROW(STRING) OPERATIONS(STRING) WIDE(STRING)};

/* Call a loop of NumPy on single numbers. They lie apart, with steps of 0, as NumPy's own do: loops choose their way by
the steps (np.power squares for one exponent 2), some by whether operands touch. It may clear flags: those raised before
it come back. */
static void call_loop(const Call *calls, const int32_t *code, double *cells)
{
    enum { APART = 8 };
    static const npy_intp one = 1, steps[QUAD] = {0};
    const Call *call = &calls[code[5]];
    double room[4 * APART] = {[0] = cells[code[2]], [APART] = cells[code[3]], [2 * APART] = cells[code[6]]};
    double *result = room + 3 * APART;
    char *args[4] = {(char *)room, (char *)(room + APART), (char *)(room + 2 * APART)};
    args[code[7]] = (char *)result;
    const int kept = FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID;
    int before = calls->name == NULL ? 0 : fetestexcept(kept);
    call->loop.call(args, &one, steps, call->loop.data);
    if (before & ~fetestexcept(before)) {
        feraiseexcept(before);
    }
    cells[code[1]] = *result;
}

/* The operand that is chosen. At a tie or nan NumPy's loop answers: whether 0 or -0 depends on the processor. */
static inline void choose(const Call *calls, const int32_t *code, double *cells, int first, int second)
{
    if (first || second) {
        cells[code[1]] = cells[code[first ? 2 : 3]];
    }
    else {
        call_loop(calls, code, cells);
    }
}

/* Run code up to its `end`. With GNU's labels as values each operation ends with a jump of its own to the next one, which
the processor learns to foresee: 0.75 of the time of a switch. */
static void run(const Arena *arena, const Call *calls, const int32_t *code)
{
    double *cells = (double *)arena->start;
    double entry;
#define AT(k) (arena->address[code[k]] + code[(k) + 1])
#if defined(__GNUC__)
#define LABEL(name, ...) [OP_##name] = &&name,
    static const void *const labels[N_OPERATIONS] = {NARROW(LABEL) OPERATIONS(LABEL) WIDE(LABEL)};
#define CASE(name) name:
#define NEXT(n)                                                                                                       \
    code += (n);                                                                                                      \
    goto *labels[*code]
    goto *labels[*code];
#else
#define CASE(name) case OP_##name:
#define NEXT(n)                                                                                                       \
    code += (n);                                                                                                      \
    continue
    for (;;)
        switch (*code)
#endif
    {
#define BODY(name, reported, result)                                                                                  \
    CASE(name)                                                                                                        \
    {                                                                                                                 \
        double a = cells[code[2]], b = cells[code[3]];                                                                \
        (void)b;                                                                                                      \
        cells[code[1]] = result;                                                                                      \
    }                                                                                                                 \
    NEXT(QUAD);
        OPERATIONS(BODY)
        CASE(load) memcpy(&cells[code[1]], AT(2), sizeof entry);
        NEXT(QUAD);
        CASE(add_at) memcpy(&entry, AT(2), sizeof entry); /* not every array is aligned */
        entry += cells[code[1]];
        memcpy(AT(2), &entry, sizeof entry);
        NEXT(QUAD);
        CASE(zero) memset(AT(1), 0, code[3]);
        NEXT(QUAD);
        CASE(copy_bytes) memcpy(AT(1), AT(5), code[7]);
        NEXT(2 * QUAD);
        CASE(where) cells[code[1]] = cells[code[cells[code[2]] != 0 ? 3 : 6]];
        NEXT(2 * QUAD);
        CASE(call) call_loop(calls, code, cells);
        NEXT(2 * QUAD);
        CASE(maximum)
        choose(calls, code, cells, isgreater(cells[code[2]], cells[code[3]]), isless(cells[code[2]], cells[code[3]]));
        NEXT(2 * QUAD);
        CASE(minimum)
        choose(calls, code, cells, isless(cells[code[2]], cells[code[3]]), isgreater(cells[code[2]], cells[code[3]]));
        NEXT(2 * QUAD);
        CASE(end) return;
    }
}

void run_registers(const Arena *arena, const Instruction *one)
{
    run(arena, one->calls, one->code);
}

/* Whether np.errstate ignores all of these errors, as it does underflow unless it is told otherwise; -1: an error. */
static int are_ignored(int flags)
{
    static const struct {
        const char *name;
        int flag;
    } kinds[] = {{"divide", NPY_FPE_DIVIDEBYZERO},
                 {"over", NPY_FPE_OVERFLOW},
                 {"under", NPY_FPE_UNDERFLOW},
                 {"invalid", NPY_FPE_INVALID}};
    PyObject *numpy = PyImport_ImportModule("numpy");
    PyObject *settings = numpy == NULL ? NULL : PyObject_CallMethod(numpy, "geterr", NULL);
    int ignored = settings == NULL ? -1 : 1;
    for (size_t k = 0; ignored == 1 && k < sizeof kinds / sizeof *kinds; k++) {
        PyObject *what = flags & kinds[k].flag ? PyDict_GetItemString(settings, kinds[k].name) : NULL;
        ignored = what == NULL || PyUnicode_CompareWithASCIIString(what, "ignore") == 0;
    }
    Py_XDECREF(settings);
    Py_XDECREF(numpy);
    return ignored;
}

int check_registers(const Arena *arena, const Instruction *one, int flags)
{
    int ignored = are_ignored(flags);
    if (ignored) {
        return ignored > 0;
    }
    int32_t alone[LONGEST + 1]; /* one operation, and an end */
    int width = QUAD;
    take_flags();
    for (const int32_t *code = one->code; *code != OP_end; code += width) {
        width = *code >= OP_where ? 2 * QUAD : QUAD;
        memcpy(alone, code, width * sizeof *code);
        alone[width] = OP_end;
        run(arena, one->calls, alone);
        flags = take_flags();
        int calls = *code == OP_call || *code == OP_maximum || *code == OP_minimum;
        PyObject *called = calls ? one->calls[code[5]].name : NULL;
        const char *name = called == NULL ? reported_as[*code] : PyUnicode_AsUTF8(called);
        if (flags && name != NULL && PyUFunc_GiveFloatingpointErrors(name, flags) < 0) {
            return 0;
        }
    }
    return 1;
}

PyObject *operations(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    PyObject *found = PyTuple_New(N_OPERATIONS);
    for (int k = 0; found != NULL && k < N_OPERATIONS; k++) {
        PyObject *one = Py_BuildValue("szi", names[k], reported_as[k], k >= OP_where);
        if (one == NULL) {
            Py_CLEAR(found);
            break;
        }
        PyTuple_SET_ITEM(found, k, one);
    }
    return found;
}
