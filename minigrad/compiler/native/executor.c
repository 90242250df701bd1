/* The executor of plans: it reads instructions one by one, as an interpreter does, and calls inner loops.

Shapes and strides are fixed when a plan is made, so an instruction holds everything but addresses. An address is that of
a slot plus an offset. A slot is an argument, a constant, a new array, the result of a Python step, or a part of an
arena: one piece of memory that holds all numbers and buffers. Calls at the same time take different arenas. */
#include "executor.h"

#include <string.h>

enum { ALIGNED = 64, KEPT_ARENAS = 8 };

typedef struct {
    Runner head;
    Py_ssize_t n_slots, n_loads, n_code, n_outputs, size;
    Py_ssize_t n_calls; /* of the longest chain */
    PyObject *initial; /* bytes at the start of each arena: constants */
    Slot *slots;
    int32_t *loads; /* the slots of numbers that are inputs */
    Py_ssize_t n_held;
    int32_t *held; /* the slots that hold an object during a call: few, where numbers are many */
    Instruction *code;
    int32_t *outputs;
    int *copied; /* whether an output is copied */
    Arena *arenas;
    int n_arenas;
} Executor;

/* --------------------------------------------------------------------------------------- reading the plan */

static npy_intp *read_integers(PyObject *items, int *count)
{
    PyObject *fast = PySequence_Fast(items, "expected a sequence of integers");
    if (fast == NULL) {
        return NULL;
    }
    Py_ssize_t n = PySequence_Fast_GET_SIZE(fast);
    npy_intp *found = PyMem_Malloc((n ? n : 1) * sizeof *found);
    for (Py_ssize_t k = 0; found != NULL && k < n; k++) {
        found[k] = PyLong_AsSsize_t(PySequence_Fast_GET_ITEM(fast, k));
    }
    Py_DECREF(fast);
    if (found == NULL || PyErr_Occurred()) {
        PyMem_Free(found);
        return NULL;
    }
    *count = (int)n;
    return found;
}

/* A slot: (kind, which, offset, type, object, dtype, shape, strides). */
static int read_slot(PyObject *item, Slot *slot)
{
    int kind, type, n;
    PyObject *object, *dtype, *shape, *strides;
    if (!PyArg_ParseTuple(item, "innCOOOO", &kind, &slot->which, &slot->offset, &type, &object, &dtype, &shape,
                          &strides)) {
        return 0;
    }
    slot->kind = kind;
    slot->type = (char)type;
    slot->object = object == Py_None ? NULL : Py_NewRef(object);
    if (dtype == Py_None) {
        return 1;
    }
    if (!PyArray_DescrConverter(dtype, &slot->descr)) {
        return 0;
    }
    slot->shape = read_integers(shape, &slot->ndim);
    slot->strides = slot->shape == NULL ? NULL : read_integers(strides, &n);
    return slot->strides != NULL;
}

static int read_places(PyObject *items, Call *call)
{
    Py_ssize_t n = PyTuple_Check(items) ? PyTuple_GET_SIZE(items) : OPERANDS + 1;
    if (n > OPERANDS) {
        PyErr_SetString(PyExc_ValueError, "an instruction has at most six operands, in a tuple");
        return 0;
    }
    call->n_places = (int)n;
    for (Py_ssize_t k = 0; k < n; k++) {
        int slot;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(items, k), "in", &slot, &call->places[k].offset)) {
            return 0;
        }
        call->places[k].slot = slot;
    }
    return 1;
}

/* A call of a loop: (loop, places, steps, local, name). */
static int read_call(PyObject *item, Call *call)
{
    PyObject *loop, *places, *steps, *local, *name;
    if (!PyArg_ParseTuple(item, "OOO!O!O", &loop, &places, &PyTuple_Type, &steps, &PyTuple_Type, &local, &name) ||
        !read_places(places, call)) {
        return 0;
    }
    if (loop != Py_None) {
        const Loop *found = loop_of(loop);
        if (found == NULL) {
            return 0;
        }
        call->loop = *found;
    }
    for (Py_ssize_t k = 0; k < call->n_places; k++) {
        call->steps[k] = k < PyTuple_GET_SIZE(steps) ? PyLong_AsSsize_t(PyTuple_GET_ITEM(steps, k)) : 0;
        call->local[k] = k < PyTuple_GET_SIZE(local) && PyObject_IsTrue(PyTuple_GET_ITEM(local, k));
    }
    call->name = name == Py_None ? NULL : Py_NewRef(name);
    return !PyErr_Occurred();
}

static int read_calls(PyObject *items, Instruction *one)
{
    Py_ssize_t n = PyTuple_GET_SIZE(items);
    one->calls = PyMem_Calloc(n ? n : 1, sizeof *one->calls);
    if (one->calls == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    for (; one->n_calls < n; one->n_calls++) {
        if (!read_call(PyTuple_GET_ITEM(items, one->n_calls), &one->calls[one->n_calls])) {
            one->n_calls++; /* its name may be there already */
            return 0;
        }
        one->checked |= one->calls[one->n_calls].name != NULL;
    }
    return 1;
}

static int read_slots_of(PyObject *items, Instruction *one)
{
    int n;
    npy_intp *found = read_integers(items, &n);
    one->args = found == NULL ? NULL : PyMem_Calloc(n ? n : 1, sizeof *one->args);
    if (one->args != NULL) {
        one->n_args = n;
        for (int k = 0; k < n; k++) {
            one->args[k] = (int32_t)found[k];
        }
    }
    PyMem_Free(found);
    return one->args != NULL;
}

/* An instruction: (kind, calls, shape, strides, size, block, item, function, arguments, out, code, bound). */
static int read_instruction(PyObject *item, Instruction *one)
{
    int kind, n;
    PyObject *calls, *shape, *strides, *function, *args, *code;
    if (!PyArg_ParseTuple(item, "iO!OOnniOOiOn", &kind, &PyTuple_Type, &calls, &shape, &strides, &one->size,
                          &one->block, &one->item, &function, &args, &one->out, &code, &one->bound) ||
        !read_calls(calls, one)) {
        return 0;
    }
    one->kind = kind;
    one->shape = read_integers(shape, &one->ndim);
    one->strides = one->shape == NULL ? NULL : read_integers(strides, &n);
    if (one->strides == NULL || !read_slots_of(args, one)) {
        return 0;
    }
    one->function = function == Py_None ? NULL : Py_NewRef(function);
    if (code != Py_None) {
        if (!PyBytes_Check(code)) {
            PyErr_SetString(PyExc_TypeError, "the code of registers is bytes");
            return 0;
        }
        one->code = PyMem_Malloc(PyBytes_GET_SIZE(code) + 1);
        if (one->code == NULL) {
            PyErr_NoMemory();
            return 0;
        }
        memcpy(one->code, PyBytes_AS_STRING(code), PyBytes_GET_SIZE(code));
    }
    return 1;
}

static void free_instruction(Instruction *one)
{
    for (Py_ssize_t k = 0; k < one->n_calls; k++) {
        Py_XDECREF(one->calls[k].name);
    }
    PyMem_Free(one->calls);
    PyMem_Free(one->shape);
    PyMem_Free(one->strides);
    PyMem_Free(one->args);
    PyMem_Free(one->code);
    Py_XDECREF(one->function);
}

static void free_slot(Slot *slot)
{
    Py_XDECREF(slot->object);
    Py_XDECREF(slot->descr);
    PyMem_Free(slot->shape);
    PyMem_Free(slot->strides);
}

/* ------------------------------------------------------------------------------------------------- arenas */

static PyObject *view_of(const Slot *slot, char *address, PyObject *base)
{
    Py_INCREF(slot->descr);
    PyObject *view = PyArray_NewFromDescr(&PyArray_Type, slot->descr, slot->ndim, slot->shape, slot->strides, address,
                                          NPY_ARRAY_WRITEABLE, NULL);
    if (view != NULL && PyArray_SetBaseObject((PyArrayObject *)view, Py_NewRef(base)) < 0) {
        Py_CLEAR(view);
    }
    return view;
}

static void free_arena(Executor *self, Arena *arena)
{
    for (Py_ssize_t k = 0; arena->object != NULL && k < self->n_slots; k++) {
        Py_XDECREF(arena->object[k]);
    }
    Py_XDECREF(arena->memory);
    PyMem_Free(arena->address);
    PyMem_Free(arena->object);
    PyMem_Free(arena->flags);
    PyMem_Free(arena);
}

static Arena *new_arena(Executor *self)
{
    Arena *arena = PyMem_Calloc(1, sizeof *arena);
    npy_intp size = self->size + ALIGNED;
    if (arena == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    arena->address = PyMem_Calloc(self->n_slots + 1, sizeof *arena->address);
    arena->object = PyMem_Calloc(self->n_slots + 1, sizeof *arena->object);
    arena->flags = PyMem_Calloc(self->n_calls + 1, sizeof *arena->flags);
    arena->memory = PyArray_SimpleNew(1, &size, NPY_UINT8);
    if (arena->address == NULL || arena->object == NULL || arena->flags == NULL || arena->memory == NULL) {
        PyErr_NoMemory();
        free_arena(self, arena);
        return NULL;
    }
    char *start = PyArray_BYTES((PyArrayObject *)arena->memory);
    arena->start = start + (ALIGNED - (uintptr_t)start % ALIGNED) % ALIGNED;
    memcpy(arena->start, PyBytes_AS_STRING(self->initial), PyBytes_GET_SIZE(self->initial));
    for (Py_ssize_t k = 0; k < self->n_slots; k++) {
        const Slot *slot = &self->slots[k];
        if (slot->kind == ARENA || slot->kind == NUMBER) {
            arena->address[k] = arena->start + slot->offset;
        }
        else if (slot->kind == CONSTANT && PyArray_Check(slot->object)) {
            arena->address[k] = PyArray_BYTES((PyArrayObject *)slot->object);
        }
        if (slot->kind == ARENA && slot->descr != NULL) {
            arena->object[k] = view_of(slot, arena->address[k], arena->memory);
            if (arena->object[k] == NULL) {
                free_arena(self, arena);
                return NULL;
            }
        }
    }
    return arena;
}

static Arena *take_arena(Executor *self)
{
    Arena *arena = self->arenas;
    if (arena == NULL) {
        return new_arena(self);
    }
    self->arenas = arena->next;
    self->n_arenas--;
    return arena;
}

static void give_back(Executor *self, Arena *arena)
{
    for (Py_ssize_t i = 0; i < self->n_held; i++) {
        Py_CLEAR(arena->object[self->held[i]]);
    }
    if (self->n_arenas >= KEPT_ARENAS) {
        free_arena(self, arena);
        return;
    }
    arena->next = self->arenas;
    self->arenas = arena;
    self->n_arenas++;
}

/* -------------------------------------------------------------------------------------- objects and numbers */

static PyObject *box(char type, const char *address)
{
    if (type == 'd') {
        PyObject *number = PyArrayScalar_New(Double);
        if (number != NULL) {
            PyArrayScalar_ASSIGN(number, Double, *(const double *)address);
        }
        return number;
    }
    if (type == 'f') {
        PyObject *number = PyArrayScalar_New(Float);
        if (number != NULL) {
            PyArrayScalar_ASSIGN(number, Float, *(const float *)address);
        }
        return number;
    }
    if (type == 'p') { /* a Python float */
        return PyFloat_FromDouble(*(const double *)address);
    }
    if (type == '?') {
        return Py_NewRef(*(const double *)address != 0 ? PyArrayScalar_True : PyArrayScalar_False);
    }
    PyArray_Descr *descr = PyArray_DescrFromType(type);
    PyObject *number = descr == NULL ? NULL : PyArray_Scalar((void *)address, descr, NULL);
    Py_XDECREF(descr);
    return number;
}

/* Put a number into memory: 1, or 0 with an error set. */
static int unbox(char type, PyObject *number, char *address)
{
    if (PyFloat_Check(number) && (type == 'd' || type == 'p')) { /* nearly always, and it cannot fail */
        *(double *)address = PyFloat_AS_DOUBLE(number);
        return 1;
    }
    if (type == 'd' || type == 'p') {
        *(double *)address = PyFloat_AsDouble(number);
    }
    else if (type == '?') {
        *(double *)address = PyObject_IsTrue(number);
    }
    else if (type == 'f' && PyArray_IsScalar(number, Float)) { /* NumPy's own way is slow */
        *(float *)address = PyArrayScalar_VAL(number, Float);
    }
    else if (PyArray_IsScalar(number, Generic)) {
        PyArray_Descr *descr = PyArray_DescrFromScalar(number);
        if (descr != NULL && descr->type == type) {
            PyArray_ScalarAsCtype(number, address);
        }
        else if (descr != NULL) {
            PyErr_SetString(PyExc_TypeError, "an op gave a number of another type than when it was traced");
        }
        Py_XDECREF(descr);
    }
    else {
        PyErr_Format(PyExc_TypeError, "expected a NumPy number, got %.100s", Py_TYPE(number)->tp_name);
    }
    return !PyErr_Occurred();
}

/* The object of a slot for a Python step or a result: a new reference. */
static PyObject *object_of(Executor *self, Arena *arena, int32_t k)
{
    const Slot *slot = &self->slots[k];
    if (arena->object[k] != NULL) {
        return Py_NewRef(arena->object[k]);
    }
    if (slot->kind == CONSTANT) {
        return Py_NewRef(slot->object);
    }
    if (slot->kind == NUMBER) {
        return box(slot->type, arena->address[k]);
    }
    if (slot->kind == VIEW) {
        return view_of(slot, arena->address[slot->which] + slot->offset, arena->object[slot->which]);
    }
    PyErr_SetString(PyExc_SystemError, "a step reads a variable that no step has made");
    return NULL;
}

/* Whether the result of a Python step is an array of the shape and type that the plan has for it. */
static int fits(const Slot *slot, PyObject *result)
{
    PyArrayObject *array = (PyArrayObject *)result;
    return PyArray_Check(result) && PyArray_NDIM(array) == slot->ndim &&
           PyArray_CompareLists(PyArray_DIMS(array), slot->shape, slot->ndim) &&
           PyArray_EquivTypes(PyArray_DESCR(array), slot->descr);
}

static int has_layout(const Slot *slot, PyArrayObject *array)
{
    int same = PyArray_ISALIGNED(array);
    for (int d = 0; same && d < slot->ndim; d++) {
        same = PyArray_STRIDE(array, d) == slot->strides[d] || slot->shape[d] == 1;
    }
    return same;
}

/* A copy in the layout of the plan, or NULL with an error set. */
static PyObject *laid_out(const Slot *slot, PyArrayObject *array)
{
    npy_intp before = 0, size = PyArray_ITEMSIZE(array);
    for (int d = 0; d < slot->ndim; d++) {
        npy_intp reach = (slot->shape[d] - 1) * slot->strides[d];
        before -= reach < 0 ? reach : 0;
        size += reach < 0 ? -reach : reach;
    }
    if (size < PyArray_NBYTES(array)) {
        PyErr_SetString(PyExc_TypeError, "an op gave an array whose entries share no memory, unlike when it was traced");
        return NULL;
    }
    PyObject *memory = PyArray_SimpleNew(1, &size, NPY_UINT8);
    PyObject *copy = memory == NULL ? NULL : view_of(slot, PyArray_BYTES((PyArrayObject *)memory) + before, memory);
    Py_XDECREF(memory);
    if (copy != NULL && PyArray_CopyInto((PyArrayObject *)copy, array) < 0) {
        Py_CLEAR(copy);
    }
    return copy;
}

/* Keep the result of a Python step: 1, or 0 with an error set. Takes the reference. */
static int keep_result(Executor *self, Arena *arena, int32_t k, PyObject *result)
{
    const Slot *slot = &self->slots[k];
    if (slot->kind == NUMBER) {
        int kept = unbox(slot->type, result, arena->address[k]);
        Py_DECREF(result);
        return kept;
    }
    if (slot->kind == OBJECT && slot->descr != NULL) {
        if (!fits(slot, result)) { /* a function of the user's may do so */
            PyErr_SetString(PyExc_TypeError, "an op gave another shape or type than when it was traced");
            Py_DECREF(result);
            return 0;
        }
        if (!has_layout(slot, (PyArrayObject *)result)) { /* it may depend on the data */
            Py_SETREF(result, laid_out(slot, (PyArrayObject *)result));
            if (result == NULL) {
                return 0;
            }
        }
        arena->address[k] = PyArray_BYTES((PyArrayObject *)result);
    }
    Py_XSETREF(arena->object[k], result);
    return 1;
}

static int run_python(Executor *self, Arena *arena, const Instruction *one)
{
    PyObject *stack[16], **args = stack;
    if (one->n_args > 16 && (args = PyMem_Malloc(one->n_args * sizeof *args)) == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    Py_ssize_t n = 0;
    while (n < one->n_args && (args[n] = object_of(self, arena, one->args[n])) != NULL) {
        n++;
    }
    PyObject *result = n < one->n_args ? NULL : PyObject_Vectorcall(one->function, args, n, NULL);
    while (n > 0) {
        Py_DECREF(args[--n]);
    }
    if (args != stack) {
        PyMem_Free(args);
    }
    if (result == NULL) {
        return 0;
    }
    if (one->out < 0) {
        Py_DECREF(result);
        return 1;
    }
    return keep_result(self, arena, one->out, result);
}

/* ------------------------------------------------------------------------------------------- instructions */

/* Go on from the end of the axis after this one: 0 after the last row. */
static int next_row(const Instruction *one, int axis, npy_intp *index, char **row)
{
    for (; axis >= 0; axis--) {
        const npy_intp *strides = one->strides + axis * OPERANDS, *done = strides + OPERANDS;
        for (int k = 0; k < OPERANDS; k++) {
            row[k] += strides[k] - one->shape[axis + 1] * done[k];
        }
        if (++index[axis] < one->shape[axis]) {
            return 1;
        }
        index[axis] = 0;
    }
    return 0;
}

/* One call for each row along the innermost axis. */
static void run_loop(const Arena *arena, const Instruction *one)
{
    const Call *call = one->calls;
    char *row[OPERANDS], *at[OPERANDS];
    int outer = one->ndim - 1;
    npy_intp index[NPY_MAXDIMS], count = one->ndim ? one->shape[outer] : 1;
    for (int k = 0; k < OPERANDS; k++) {
        row[k] = k < call->n_places ? address_of(arena, call->places[k]) : arena->start;
    }
    if (outer < 1) {
        call->loop.call(row, &count, call->steps, call->loop.data);
        return;
    }
    const npy_intp *strides = one->strides + (outer - 1) * OPERANDS, rows = one->shape[outer - 1];
    memset(index, 0, outer * sizeof *index);
    do {
        for (npy_intp i = 0; i < rows; i++) {
            memcpy(at, row, sizeof at); /* a loop may change its addresses */
            call->loop.call(at, &count, call->steps, call->loop.data);
            for (int k = 0; k < OPERANDS; k++) { /* those that are not there have steps of 0 */
                row[k] += strides[k];
            }
        }
    } while (next_row(one, outer - 2, index, row));
}

/* All calls on the first block, then all on the next: what they pass on stays in the cache. */
static void run_chain(const Arena *arena, const Instruction *one)
{
    for (npy_intp start = 0; start < one->size; start += one->block) {
        npy_intp count = one->size - start < one->block ? one->size - start : one->block;
        const int32_t *run = one->code;
        for (Py_ssize_t c = 0; c < one->n_calls; c++) {
            if (run != NULL && run[0] == c) {
                Py_ssize_t end = run[1];
                int done;
                run = run_arithmetic(arena, one, run, start, count, &done);
                if (done) {
                    c = end - 1;
                    continue;
                }
            }
            const Call *call = &one->calls[c];
            char *at[OPERANDS];
            for (int k = 0; k < call->n_places; k++) {
                at[k] = address_of(arena, call->places[k]) + (call->local[k] ? 0 : start * call->steps[k]);
            }
            call->loop.call(at, &count, call->steps, call->loop.data);
            if (call->name != NULL) {
                arena->flags[c] |= take_flags();
            }
        }
    }
}

/* Each call of a core has the same dimensions and strides; errors of all are reported once. */
static void run_core(const Arena *arena, const Instruction *one)
{
    for (Py_ssize_t c = 0; c < one->n_calls; c++) {
        const Call *call = &one->calls[c];
        char *at[OPERANDS];
        for (int k = 0; k < call->n_places; k++) {
            at[k] = address_of(arena, call->places[k]);
        }
        call->loop.call(at, one->shape, one->strides, call->loop.data);
    }
}

/* gather: out[i] = source[index[i]]; scatter: out[index[i]] = source[i], or source[0] for each i if the step is 0. */
static void run_gather(const Arena *arena, const Instruction *one)
{
    const char *source = address_of(arena, one->calls->places[0]);
    const int64_t *index = (const int64_t *)address_of(arena, one->calls->places[1]);
    char *out = address_of(arena, one->calls->places[2]);
    npy_intp item = one->item, step = one->calls->steps[0];
    for (npy_intp i = 0; i < one->size; i++) {
        const char *from = one->kind == GATHER ? source + index[i] * item : source + i * step;
        char *to = out + (one->kind == GATHER ? i : index[i]) * item;
        if (item == 8) { /* a copy of known size is an instruction, not a call */
            memcpy(to, from, 8);
        }
        else {
            memcpy(to, from, item);
        }
    }
}

/* The flat place of the class of each column in a matrix of `bound` rows: 0 if one is no class. */
static int run_places(const Arena *arena, const Instruction *one)
{
    const int64_t *classes = (const int64_t *)address_of(arena, one->calls->places[0]);
    int64_t *out = (int64_t *)address_of(arena, one->calls->places[1]);
    npy_intp step = one->calls->steps[0] / (npy_intp)sizeof *classes;
    for (npy_intp i = 0; i < one->size; i++) {
        int64_t class = classes[i * step];
        if (class < 0 || class >= one->bound) {
            return 0;
        }
        out[i] = class * one->size + i;
    }
    return 1;
}

static int holds_nan(const char *start, npy_intp n, char type)
{
    int found = 0;
    if (type == 'd') {
        for (npy_intp i = 0; i < n; i++) {
            found |= ((const double *)start)[i] != ((const double *)start)[i];
        }
    }
    else {
        for (npy_intp i = 0; i < n; i++) {
            found |= ((const float *)start)[i] != ((const float *)start)[i];
        }
    }
    return found;
}

int report(const Call *call, int flags)
{
    return PyUFunc_GiveFloatingpointErrors(PyUnicode_AsUTF8(call->name), flags) == 0;
}

static int report_chain(const Arena *arena, const Instruction *one)
{
    for (Py_ssize_t c = 0; c < one->n_calls; c++) {
        int flags = arena->flags[c];
        arena->flags[c] = 0;
        if (flags && !report(&one->calls[c], flags)) {
            return 0;
        }
    }
    return 1;
}

static int run_code(Executor *self, Arena *arena)
{
    PyThreadState *unlocked = NULL;
    int clean = 0, done = 1; /* clean: no code ran since the flags were taken that may have raised some */
    for (Py_ssize_t k = 0; done && k < self->n_code; k++) {
        const Instruction *one = &self->code[k];
        int checked = one->checked, python = one->kind == PYTHON;
        if (checked && !clean) {
            take_flags();
        }
        clean = checked;
        switch (one->kind) {
        case LOOP: run_loop(arena, one); break;
        case CHAIN: run_chain(arena, one); break;
        case CORE: run_core(arena, one); break;
        case GATHER:
        case SCATTER: run_gather(arena, one); break;
        case PLACES: python = !run_places(arena, one); break;
        case REGISTERS: run_registers(arena, one); break;
        case NAN_CHECK: python = holds_nan(address_of(arena, one->calls->places[0]), one->size, (char)one->item); break;
        case UNLOCK: unlocked = PyEval_SaveThread(); break;
        case LOCK:
            PyEval_RestoreThread(unlocked);
            unlocked = NULL;
            break;
        case PYTHON: break;
        }
        int flags = checked && one->kind != CHAIN ? take_flags() : 0;
        int failed = python || flags || (checked && one->kind == CHAIN);
        if (!failed) {
            continue;
        }
        PyThreadState *before = unlocked;
        if (before != NULL) {
            PyEval_RestoreThread(before);
            unlocked = NULL;
        }
        done = (!flags || (one->kind == REGISTERS ? check_registers(arena, one, flags) : report(one->calls, flags))) && (one->kind != CHAIN || report_chain(arena, one)) &&
               (!python || run_python(self, arena, one));
        clean = 0;
        if (before != NULL && done) {
            unlocked = PyEval_SaveThread();
        }
    }
    if (unlocked != NULL) {
        PyEval_RestoreThread(unlocked);
    }
    return done;
}

/* -------------------------------------------------------------------------------------------------- a call */

static int prepare(Executor *self, Arena *arena, PyObject *const *inputs)
{
    for (Py_ssize_t i = 0; i < self->n_held; i++) {
        int32_t k = self->held[i];
        const Slot *slot = &self->slots[k];
        if (slot->kind == INPUT) {
            arena->object[k] = Py_NewRef(inputs[slot->which]);
            if (PyArray_Check(arena->object[k])) {
                arena->address[k] = PyArray_BYTES((PyArrayObject *)arena->object[k]);
            }
        }
        else if (slot->kind == FRESH) {
            Py_INCREF(slot->descr);
            PyObject *array = PyArray_NewFromDescr(&PyArray_Type, slot->descr, slot->ndim, slot->shape, slot->strides,
                                                   NULL, 0, NULL);
            if (array == NULL) {
                return 0;
            }
            arena->object[k] = array;
            arena->address[k] = PyArray_BYTES((PyArrayObject *)array);
        }
    }
    for (Py_ssize_t k = 0; k < self->n_loads; k++) {
        const Slot *slot = &self->slots[self->loads[k]];
        if (!unbox(slot->type, inputs[slot->which], arena->address[self->loads[k]])) {
            return 0;
        }
    }
    return 1;
}

static PyObject *results(Executor *self, Arena *arena)
{
    PyObject *found = PyTuple_New(self->n_outputs);
    for (Py_ssize_t k = 0; found != NULL && k < self->n_outputs; k++) {
        PyObject *one = object_of(self, arena, self->outputs[k]);
        if (one != NULL && self->copied[k]) {
            Py_SETREF(one, PyArray_NewCopy((PyArrayObject *)one, NPY_KEEPORDER));
        }
        if (one == NULL) {
            Py_CLEAR(found);
            break;
        }
        PyTuple_SET_ITEM(found, k, one);
    }
    return found;
}

static PyObject *run_executor(Runner *runner, PyObject *const *inputs)
{
    Executor *self = (Executor *)runner;
    Arena *arena = take_arena(self);
    if (arena == NULL) {
        return NULL;
    }
    PyObject *found = NULL;
    if (prepare(self, arena, inputs) && run_code(self, arena)) {
        found = results(self, arena);
    }
    give_back(self, arena);
    return found;
}

/* ---------------------------------------------------------------------------------------------- the object */

static void executor_deallocate(Executor *self)
{
    PyObject_GC_UnTrack(self);
    while (self->arenas != NULL) {
        Arena *arena = self->arenas;
        self->arenas = arena->next;
        free_arena(self, arena);
    }
    for (Py_ssize_t k = 0; self->slots != NULL && k < self->n_slots; k++) {
        free_slot(&self->slots[k]);
    }
    for (Py_ssize_t k = 0; self->code != NULL && k < self->n_code; k++) {
        free_instruction(&self->code[k]);
    }
    PyMem_Free(self->slots);
    PyMem_Free(self->loads);
    PyMem_Free(self->held);
    PyMem_Free(self->code);
    PyMem_Free(self->outputs);
    PyMem_Free(self->copied);
    Py_XDECREF(self->initial);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* The Python steps may hold a function that holds the compiled function: the collector must see them. */
static int executor_traverse(Executor *self, visitproc visit, void *arg)
{
    for (Py_ssize_t k = 0; self->slots != NULL && k < self->n_slots; k++) {
        Py_VISIT(self->slots[k].object);
    }
    for (Py_ssize_t k = 0; self->code != NULL && k < self->n_code; k++) {
        Py_VISIT(self->code[k].function);
    }
    return 0;
}

static int executor_clear(Executor *self)
{
    for (Py_ssize_t k = 0; self->code != NULL && k < self->n_code; k++) {
        Py_CLEAR(self->code[k].function);
    }
    return 0;
}

static int read_outputs(Executor *self, PyObject *outputs)
{
    self->n_outputs = PyList_GET_SIZE(outputs);
    self->outputs = PyMem_Calloc(self->n_outputs + 1, sizeof *self->outputs);
    self->copied = PyMem_Calloc(self->n_outputs + 1, sizeof *self->copied);
    for (Py_ssize_t k = 0; self->outputs != NULL && self->copied != NULL && k < self->n_outputs; k++) {
        int slot;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(outputs, k), "ip", &slot, &self->copied[k])) {
            return 0;
        }
        self->outputs[k] = slot;
    }
    return self->outputs != NULL && self->copied != NULL;
}

static int read_plan(Executor *self, PyObject *slots, PyObject *loads, PyObject *code, PyObject *outputs)
{
    Py_ssize_t n = PyList_GET_SIZE(slots);
    self->slots = PyMem_Calloc(n + 1, sizeof *self->slots);
    self->loads = PyMem_Calloc(PyList_GET_SIZE(loads) + 1, sizeof *self->loads);
    self->code = PyMem_Calloc(PyList_GET_SIZE(code) + 1, sizeof *self->code);
    if (self->slots == NULL || self->loads == NULL || self->code == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    for (; self->n_slots < n; self->n_slots++) {
        if (!read_slot(PyList_GET_ITEM(slots, self->n_slots), &self->slots[self->n_slots])) {
            self->n_slots++;
            return 0;
        }
    }
    self->held = PyMem_Calloc(n + 1, sizeof *self->held);
    for (Py_ssize_t k = 0; self->held != NULL && k < n; k++) {
        enum slot_kind kind = self->slots[k].kind;
        if (kind == INPUT || kind == FRESH || kind == OBJECT) {
            self->held[self->n_held++] = (int32_t)k;
        }
    }
    for (; self->n_loads < PyList_GET_SIZE(loads); self->n_loads++) {
        self->loads[self->n_loads] = (int32_t)PyLong_AsLong(PyList_GET_ITEM(loads, self->n_loads));
    }
    for (; self->n_code < PyList_GET_SIZE(code); self->n_code++) {
        if (!read_instruction(PyList_GET_ITEM(code, self->n_code), &self->code[self->n_code])) {
            self->n_code++;
            return 0;
        }
        self->n_calls = Py_MAX(self->n_calls, self->code[self->n_code].n_calls);
    }
    return self->held != NULL && !PyErr_Occurred() && read_outputs(self, outputs);
}

/* Executor(n_inputs, size, initial, slots, loads, code, outputs): see `translate.py`, which writes them. */
static PyObject *executor_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)kwargs;
    Py_ssize_t n_inputs, size;
    PyObject *initial, *slots, *loads, *code, *outputs;
    if (!PyArg_ParseTuple(args, "nnO!O!O!O!O!", &n_inputs, &size, &PyBytes_Type, &initial, &PyList_Type, &slots,
                          &PyList_Type, &loads, &PyList_Type, &code, &PyList_Type, &outputs)) {
        return NULL;
    }
    Executor *self = (Executor *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->head.run = run_executor;
    self->head.n_inputs = n_inputs;
    self->size = size;
    self->initial = Py_NewRef(initial);
    if (!read_plan(self, slots, loads, code, outputs)) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "a plan that cannot be read");
        }
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

/* Run the plan on flat inputs: a tuple of flat results. */
static PyObject *executor_call(PyObject *object, PyObject *args, PyObject *kwargs)
{
    Executor *self = (Executor *)object;
    if (kwargs != NULL || PyTuple_GET_SIZE(args) != self->head.n_inputs) {
        return PyErr_Format(PyExc_TypeError, "expected %zd inputs", self->head.n_inputs);
    }
    return run_executor(&self->head, ((PyTupleObject *)args)->ob_item);
}

PyTypeObject ExecutorType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "minigrad.compiler.native._native.Executor",
    .tp_basicsize = sizeof(Executor),
    .tp_new = executor_new,
    .tp_dealloc = (destructor)executor_deallocate,
    .tp_traverse = (traverseproc)executor_traverse,
    .tp_clear = (inquiry)executor_clear,
    .tp_call = executor_call,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "Runs one plan: call it with flat inputs.",
};
