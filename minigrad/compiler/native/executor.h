/* Slots, instructions and arenas: what the executor and the register machine read. */
#ifndef MINIGRAD_EXECUTOR_H
#define MINIGRAD_EXECUTOR_H

#include "native.h"

enum slot_kind { ARENA, INPUT, CONSTANT, FRESH, OBJECT, NUMBER, VIEW };
enum instruction_kind { LOOP, CHAIN, CORE, GATHER, SCATTER, PLACES, REGISTERS, NAN_CHECK, PYTHON, UNLOCK, LOCK };
enum { OPERANDS = 6 };

typedef struct {
    enum slot_kind kind;
    Py_ssize_t which, offset; /* the input; the place in the arena, or in the array that a view is of */
    char type;                /* of a number */
    PyObject *object;         /* a constant */
    PyArray_Descr *descr;     /* of an array that is made or checked; NULL if there is none */
    int ndim;
    npy_intp *shape, *strides;
} Slot;

typedef struct {
    int32_t slot;
    Py_ssize_t offset;
} Place;

typedef struct {
    Loop loop;
    int n_places;
    Place places[OPERANDS];
    npy_intp steps[OPERANDS]; /* of the innermost axis, or of a chain's block: 0 for a single number */
    int local[OPERANDS];      /* whether each block of a chain uses the same memory again */
    PyObject *name;           /* whose floating-point errors are reported; NULL: of none */
} Call;

typedef struct {
    enum instruction_kind kind;
    Py_ssize_t n_calls;
    Call *calls;
    int checked; /* whether a call reports floating-point errors */
    int ndim;
    npy_intp *shape;      /* of a loop; of a core: its dimensions */
    npy_intp *strides;    /* of a loop: OPERANDS per axis; of a core: its strides */
    npy_intp size, block; /* of a chain, a gather, a scatter, a check */
    int item;             /* bytes of an entry */
    PyObject *function;
    Py_ssize_t n_args;
    int32_t *args, out; /* slots; out: -1 if the result is not kept */
    int32_t *code;      /* of registers; of a chain: its runs of arithmetic */
    npy_intp bound;     /* of places; of a chain: the offset in slot `item` where it keeps what a run overwrites */
} Instruction;

/* The memory of one call. `memory` is an array of bytes: the views of it that Python steps get keep it alive. */
typedef struct Arena {
    struct Arena *next;
    PyObject *memory;
    char *start;
    char **address;    /* of each slot */
    PyObject **object; /* of each slot: a view of the arena for good, all else for one call */
    int *flags;        /* of the calls of a chain */
} Arena;

static inline char *address_of(const Arena *arena, Place place)
{
    return arena->address[place.slot] + place.offset;
}

/* Report floating-point errors of a call as NumPy does, by np.errstate: 1, or 0 with an error set. Needs the GIL. */
int report(const Call *call, int flags);

/* registers.c. `check_registers` runs code that raised flags again, op by op, and reports what each raises: 1, or 0 with an
error set. Needs the GIL. */
void run_registers(const Arena *arena, const Instruction *one);
int check_registers(const Arena *arena, const Instruction *one, int flags);

/* arithmetic.c. One run on one block: the run after it. done: 0 if it raised flags; then the calls that it stands for
must run, on operands that are as they were. */
const int32_t *run_arithmetic(const Arena *arena, const Instruction *one, const int32_t *run, npy_intp start,
                              npy_intp count, int *done);

#endif
