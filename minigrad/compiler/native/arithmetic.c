/* Runs of + - * / on arrays and single numbers, computed strip by strip in registers instead of loop by loop in memory.

`strips.py` writes them. Each operation is rounded once, as IEEE 754 says, so the bits are those of NumPy's loops.
Only GCC and Clang have vectors, and some 32-bit processors round them otherwise: there no run is written. */
#include "executor.h"

#include <string.h>

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__aarch64__))

enum { LOAD, STORE, NEGATIVE, SQUARE, ADD, SUBTRACT, SUBTRACT_FROM, MULTIPLY, DIVIDE, DIVIDE_INTO, NUMBERS };
enum { WIDEST = 64, VECTORS = 8, MOST_PLACES = 64, MOST_ARRAYS = 16 };
enum { OPERAND, STORED, KEPT, FIELDS };               /* of a place */
enum { FIRST, END, TYPE, NAMED, N_KEPT, N_PLACES, N_OPS, HEAD }; /* of a run */

typedef void (*strips_function)(const int32_t *ops, int n, char *const *at, npy_intp strips);

#define NUMBER double
#define STRIPS double_16
#define WIDTH 16
#define TARGET
#include "strips.h"
#if defined(__x86_64__)
#define STRIPS double_32
#define WIDTH 32
#define TARGET __attribute__((target("avx2")))
#include "strips.h"
#define STRIPS double_64
#define WIDTH 64
#define TARGET __attribute__((target("avx512f")))
#include "strips.h"
#endif
#undef NUMBER

#define NUMBER float
#define STRIPS float_16
#define WIDTH 16
#define TARGET
#include "strips.h"
#if defined(__x86_64__)
#define STRIPS float_32
#define WIDTH 32
#define TARGET __attribute__((target("avx2")))
#include "strips.h"
#define STRIPS float_64
#define WIDTH 64
#define TARGET __attribute__((target("avx512f")))
#include "strips.h"
#endif
#undef NUMBER

/* The widest vectors of this processor: bytes, and the functions that use them. */
int vector_width = 16;
static strips_function on_doubles = double_16, on_floats = float_16;

static int set_width(int most)
{
    vector_width = 16, on_doubles = double_16, on_floats = float_16;
#if defined(__x86_64__)
    if (most >= 64 && __builtin_cpu_supports("avx512f")) {
        vector_width = 64, on_doubles = double_64, on_floats = float_64;
    }
    else if (most >= 32 && __builtin_cpu_supports("avx2")) {
        vector_width = 32, on_doubles = double_32, on_floats = float_32;
    }
#endif
    return vector_width;
}

typedef uint32_t __attribute__((may_alias)) Half;

static void repeat_last(char *strip, size_t rest, size_t item)
{
    size_t full = VECTORS * vector_width / item;
    if (item == sizeof(uint64_t)) {
        uint64_t *entries = (uint64_t *)strip, last = entries[rest - 1];
        for (size_t i = rest; i < full; i++) {
            entries[i] = last;
        }
    }
    else {
        Half *entries = (Half *)strip, last = entries[rest - 1];
        for (size_t i = rest; i < full; i++) {
            entries[i] = last;
        }
    }
}

/* What does not fill a strip: a strip is made of it whose other entries repeat its last one, so they raise no flags of
their own. */
static void run_rest(const int32_t *run, strips_function strips, char *const *at, const npy_intp *steps, size_t rest)
{
    uint64_t strip[MOST_ARRAYS][VECTORS * WIDEST / sizeof(uint64_t)];
    char *here[MOST_PLACES];
    int arrays = 0;
    const int32_t *places = run + HEAD;
    for (int k = 0; k < run[N_PLACES]; k++) {
        here[k] = steps[k] ? (char *)strip[arrays++] : at[k];
        if (steps[k]) {
            memcpy(here[k], at[k], rest * steps[k]);
            repeat_last(here[k], rest, steps[k]);
        }
    }
    strips(places + FIELDS * run[N_PLACES], run[N_OPS], here, 1);
    for (int k = 0; k < run[N_PLACES]; k++) {
        if (places[k * FIELDS + STORED]) {
            memcpy(at[k], here[k], rest * steps[k]);
        }
    }
}

/* Operands that are overwritten are kept until it is known that no flag was raised. */
static void keep(const int32_t *run, char *const *at, char *kept, size_t bytes, int back)
{
    for (int k = 0; k < run[N_PLACES]; k++) {
        if (run[HEAD + k * FIELDS + KEPT]) {
            memcpy(back ? at[k] : kept, back ? kept : at[k], bytes);
            kept += bytes;
        }
    }
}

const int32_t *run_arithmetic(const Arena *arena, const Instruction *one, const int32_t *run, npy_intp start,
                              npy_intp count, int *done)
{
    char *at[MOST_PLACES], *here[MOST_PLACES], *kept = arena->address[one->item] + one->bound;
    npy_intp steps[MOST_PLACES], item = run[TYPE] == 'f' ? sizeof(float) : sizeof(double);
    const int32_t *places = run + HEAD, *ops = places + FIELDS * run[N_PLACES];
    for (int k = 0; k < run[N_PLACES]; k++) {
        const Call *call = &one->calls[places[k * FIELDS] / OPERANDS];
        int which = places[k * FIELDS] % OPERANDS;
        steps[k] = call->steps[which];
        at[k] = address_of(arena, call->places[which]) + (call->local[which] ? 0 : start * steps[k]);
    }
    strips_function strips = run[TYPE] == 'f' ? on_floats : on_doubles;
    npy_intp full = VECTORS * vector_width / item, n = count / full, rest = count % full;
    if (run[NAMED]) {
        keep(run, at, kept, count * item, 0);
    }
    strips(ops, run[N_OPS], at, n);
    if (rest) {
        int again = n && !run[N_KEPT]; /* the last strip may begin earlier: what it computes again is the same */
        for (int k = 0; k < run[N_PLACES]; k++) {
            here[k] = at[k] + (count - (again ? full : rest)) * steps[k];
        }
        if (again) {
            strips(ops, run[N_OPS], here, 1);
        }
        else {
            run_rest(run, strips, here, steps, rest);
        }
    }
    *done = !(run[NAMED] && take_flags());
    if (!*done) {
        keep(run, at, kept, count * item, 1);
    }
    return ops + 2 * run[N_OPS];
}

#else

int vector_width = 0;

static int set_width(int most)
{
    return 0 * most;
}

const int32_t *run_arithmetic(const Arena *arena, const Instruction *one, const int32_t *run, npy_intp start,
                              npy_intp count, int *done)
{
    (void)arena, (void)one, (void)start, (void)count;
    *done = 0;
    return run;
}

#endif

PyObject *use_vectors(PyObject *module, PyObject *most)
{
    (void)module;
    int bytes = (int)PyLong_AsLong(most);
    return PyErr_Occurred() ? NULL : PyLong_FromLong(set_width(bytes));
}
