/* The entry of a compiled program: does a call fit its trace, which arrays and numbers go in, what nesting comes out.

It does what the texts of `guards.py` and `model_settings.py` do, for the same patterns (`entry.py` writes them).
Every object that a call uses is owned while it is used: another thread, or an == of the user's, may change the
containers that hold it. */
#include "native.h"

#include <stdlib.h>
#include <string.h>

enum pattern_kind { ARRAY, OBJECT, SEQUENCE, DICT, ATTRIBUTES, CONSTANT, TEXT, STATIC };
enum part_kind { FLAT, SAME, MAKE_TUPLE, MAKE_LIST, MAKE_DICT, CALL };
enum outcome { FITS, MISSES, FAILS, DECLINES }; /* declines: it fits, but only Python's code can use such memory */
enum { ON_STACK = 32 };

/* What one argument, or a part of it, must be. The patterns of a container's items follow it. */
typedef struct {
    enum pattern_kind kind;
    Py_ssize_t n;     /* the input that it becomes, or the number of items */
    PyObject *type;   /* NULL for an array */
    PyObject *object; /* the keys, the names of attributes, the constant, or its text */
    PyArray_Descr *descr;
    int ndim, as_number, written;
    npy_intp *layout; /* the shape, then the strides */
} Pattern;

/* How one container of the result, or an item of it, is made. The parts of a container's items follow it. */
typedef struct {
    enum part_kind kind;
    Py_ssize_t n;
    PyObject *object; /* the constant, the keys, or the function that gets the items */
} Part;

typedef struct {
    uintptr_t start, end;
    int written;
} Extent; /* of memory */

typedef struct {
    PyObject_HEAD
    Runner *runner;
    Py_ssize_t n_args, n_inputs, n_patterns, n_parts, n_flat, n_written;
    PyObject *names;   /* of the arguments by name, in order */
    PyObject *settings; /* pairs: a model, and the name of an attribute that the program was made for */
    PyObject *leaves;  /* Values whose arrays are read at each call */
    PyObject *refuse;  /* called with a list of all inputs if the memory of one that is written may be another's */
    PyObject *constants; /* arrays that the program reads */
    PyObject *python;  /* the same in Python: called with args and kwargs */
    PyObject *miss;    /* the result if a call does not fit */
    PyObject *array;   /* the text "_array" */
    PyObject *modes;   /* a set: while it is empty, a call needs no look at the modes */
    Pattern *patterns; /* of the attributes in settings, the arguments, those by name, and the leaves */
    Part *parts;
} Entry;


/* ------------------------------------------------------------------------------------------------ matching */

static enum outcome match(const Pattern **next, PyObject *x, PyObject **inputs);

static enum outcome match_array(const Pattern *pattern, PyObject *x, PyObject **inputs)
{
    if (!PyArray_CheckExact(x)) {
        return MISSES;
    }
    PyArrayObject *array = (PyArrayObject *)x;
    int n = pattern->ndim;
    if (PyArray_NDIM(array) != n || !PyArray_CompareLists(PyArray_DIMS(array), pattern->layout, n) ||
        !PyArray_CompareLists(PyArray_STRIDES(array), pattern->layout + n, n) ||
        (PyArray_DESCR(array) != pattern->descr && !PyArray_EquivTypes(PyArray_DESCR(array), pattern->descr))) {
        return MISSES;
    }
    if (!pattern->as_number && (!PyArray_ISALIGNED(array) || (pattern->written && !PyArray_ISWRITEABLE(array)))) {
        return DECLINES;
    }
    PyObject *input = pattern->as_number ? PyArray_ToScalar(PyArray_DATA(array), array) : Py_NewRef(x);
    inputs[pattern->n] = input;
    return input == NULL ? FAILS : FITS;
}

/* Match an item, and give up the reference to it. */
static enum outcome match_owned(const Pattern **next, PyObject *x, PyObject **inputs)
{
    enum outcome found = match(next, x, inputs);
    Py_DECREF(x);
    return found;
}

static enum outcome match_items(const Pattern **next, Py_ssize_t n, PyObject *x, PyObject **inputs)
{
    enum outcome found = FITS;
    for (Py_ssize_t k = 0; found == FITS && k < n; k++) {
        /* A list may be shorter by now: each length is asked for. */
        if (PyTuple_Check(x)) {
            found = match_owned(next, Py_NewRef(PyTuple_GET_ITEM(x, k)), inputs);
        }
        else if (k < PyList_GET_SIZE(x)) {
            found = match_owned(next, Py_NewRef(PyList_GET_ITEM(x, k)), inputs);
        }
        else {
            found = MISSES;
        }
    }
    return found;
}

/* Whether two keys are equal; without a call for texts, which most keys are. */
static int same_key(PyObject *x, PyObject *key)
{
    if (x == key) {
        return 1;
    }
    if (Py_TYPE(x) != Py_TYPE(key)) { /* 1 == 1.0 */
        return 0;
    }
    return PyUnicode_CheckExact(x) ? PyUnicode_Compare(x, key) == 0 : PyObject_RichCompareBool(x, key, Py_EQ);
}

/* The keys must have the same order: f may iterate over them. */
static enum outcome match_dict(const Pattern **next, PyObject *keys, PyObject *x, PyObject **inputs)
{
    Py_ssize_t n = PyTuple_GET_SIZE(keys), place = 0, k = 0;
    PyObject *key, *value;
    if (PyDict_GET_SIZE(x) != n) {
        return MISSES;
    }
    for (; k < n && PyDict_Next(x, &place, &key, &value); k++) {
        Py_INCREF(key);
        Py_INCREF(value);
        int same = same_key(key, PyTuple_GET_ITEM(keys, k));
        Py_DECREF(key);
        enum outcome found = same > 0 ? match(next, value, inputs) : same < 0 ? FAILS : MISSES;
        Py_DECREF(value);
        if (found != FITS) {
            return found;
        }
    }
    return k == n ? FITS : MISSES;
}

/* Match an attribute of x: one that is not there misses. */
static enum outcome match_attribute(const Pattern **next, PyObject *name, PyObject *x, PyObject **inputs)
{
    PyObject *item = PyObject_GetAttr(x, name);
    if (item != NULL) {
        return match_owned(next, item, inputs);
    }
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
        return FAILS;
    }
    PyErr_Clear();
    return MISSES;
}

static enum outcome match_attributes(const Pattern **next, PyObject *names, PyObject *x, PyObject **inputs)
{
    enum outcome found = FITS;
    for (Py_ssize_t k = 0; found == FITS && k < PyTuple_GET_SIZE(names); k++) {
        found = match_attribute(next, PyTuple_GET_ITEM(names, k), x, inputs);
    }
    return found;
}

/* Whether the attributes of models are what the trace read. */
static enum outcome match_settings(const Pattern **next, PyObject *settings, PyObject **inputs)
{
    enum outcome found = FITS;
    for (Py_ssize_t k = 0; found == FITS && k < PyTuple_GET_SIZE(settings); k++) {
        PyObject *pair = PyTuple_GET_ITEM(settings, k);
        found = match_attribute(next, PyTuple_GET_ITEM(pair, 1), PyTuple_GET_ITEM(pair, 0), inputs);
    }
    return found;
}

static enum outcome match_text(PyObject *text, PyObject *x)
{
    PyObject *ours = PyObject_Repr(x);
    int same = ours == NULL ? -1 : PyUnicode_Compare(ours, text) == 0;
    Py_XDECREF(ours);
    return same > 0 ? FITS : same < 0 ? FAILS : MISSES;
}

/* Whether x is the object of a pair, or its function cannot tell them apart. */
static enum outcome match_static(PyObject *pair, PyObject *x)
{
    PyObject *known = PyTuple_GET_ITEM(pair, 0);
    if (x == known) {
        return FITS;
    }
    PyObject *answer = PyObject_CallFunctionObjArgs(PyTuple_GET_ITEM(pair, 1), x, known, NULL);
    int same = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    return same > 0 ? FITS : same < 0 ? FAILS : MISSES;
}

/* Match x against the next pattern and those of its items: new references to the inputs in it. */
static enum outcome match(const Pattern **next, PyObject *x, PyObject **inputs)
{
    const Pattern *pattern = (*next)++;
    if (pattern->kind == ARRAY) {
        return match_array(pattern, x, inputs);
    }
    if ((PyObject *)Py_TYPE(x) != pattern->type) {
        return MISSES;
    }
    switch (pattern->kind) {
    case OBJECT: inputs[pattern->n] = Py_NewRef(x); return FITS;
    case SEQUENCE: return Py_SIZE(x) == pattern->n ? match_items(next, pattern->n, x, inputs) : MISSES;
    case DICT: return match_dict(next, pattern->object, x, inputs);
    case ATTRIBUTES: return match_attributes(next, pattern->object, x, inputs);
    case TEXT: return match_text(pattern->object, x);
    case STATIC: return match_static(pattern->object, x);
    default: break;
    }
    int same = PyObject_RichCompareBool(x, pattern->object, Py_EQ);
    return same > 0 ? FITS : same < 0 ? FAILS : MISSES;
}

static enum outcome match_call(const Entry *self, PyObject *args, PyObject *kwargs, PyObject **inputs)
{
    const Pattern *next = self->patterns;
    if (PyTuple_GET_SIZE(args) != self->n_args ||
        (kwargs == NULL ? 0 : PyDict_GET_SIZE(kwargs)) != PyTuple_GET_SIZE(self->names)) {
        return MISSES;
    }
    enum outcome found = match_settings(&next, self->settings, inputs);
    if (found != FITS) {
        return found;
    }
    found = match_items(&next, self->n_args, args, inputs);
    if (found == FITS && kwargs != NULL) {
        found = match_dict(&next, self->names, kwargs, inputs);
    }
    for (Py_ssize_t k = 0; found == FITS && k < PyTuple_GET_SIZE(self->leaves); k++) {
        PyObject *data = PyObject_GetAttr(PyTuple_GET_ITEM(self->leaves, k), self->array);
        found = data == NULL ? FAILS : match_owned(&next, data, inputs);
    }
    if (found == FAILS && PyErr_ExceptionMatches(PyExc_KeyError)) { /* of an == of the user's: as in Python */
        PyErr_Clear();
        return MISSES;
    }
    return found;
}

/* --------------------------------------------------------------------------------- memory that is written */

/* The memory of an array: 1, or 0 if it has none. */
static int extent_of(PyObject *object, int written, Extent *found)
{
    PyArrayObject *array = (PyArrayObject *)object;
    found->start = (uintptr_t)PyArray_DATA(array);
    found->end = found->start + PyArray_ITEMSIZE(array);
    found->written = written;
    for (int d = 0; d < PyArray_NDIM(array); d++) {
        npy_intp reach = (PyArray_DIM(array, d) - 1) * PyArray_STRIDE(array, d);
        *(reach < 0 ? &found->start : &found->end) += (uintptr_t)reach;
    }
    return PyArray_SIZE(array) != 0;
}

static int compare_extents(const void *a, const void *b)
{
    uintptr_t x = ((const Extent *)a)->start, y = ((const Extent *)b)->start;
    return (x > y) - (x < y);
}

/* Whether one that is written has memory in common with another. */
static int any_overlap(Extent *extents, Py_ssize_t n)
{
    uintptr_t end = 0, end_written = 0; /* of those that start earlier */
    qsort(extents, n, sizeof *extents, compare_extents);
    for (const Extent *one = extents; one < extents + n; one++) {
        if (one->start < (one->written ? end : end_written)) {
            return 1;
        }
        end = Py_MAX(end, one->end);
        end_written = one->written ? one->end : end_written;
    }
    return 0;
}

/* Whether an array that is written may share memory with another: -1 with an error set. */
static int may_overlap(const Entry *self, PyObject *const *inputs)
{
    Extent few[ON_STACK], *extents = few;
    Py_ssize_t n_constants = PyTuple_GET_SIZE(self->constants), most = self->n_inputs + n_constants, n = 0;
    if (most > ON_STACK && (extents = PyMem_Malloc(most * sizeof *extents)) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (const Pattern *p = self->patterns; p < self->patterns + self->n_patterns; p++) {
        if (p->kind == ARRAY && !p->as_number) {
            n += extent_of(inputs[p->n], p->written, &extents[n]);
        }
    }
    for (Py_ssize_t k = 0; k < n_constants; k++) {
        n += extent_of(PyTuple_GET_ITEM(self->constants, k), 0, &extents[n]);
    }
    int found = any_overlap(extents, n);
    if (extents != few) {
        PyMem_Free(extents);
    }
    return found;
}

/* 1 if the program may run: `refuse` looks closely, and raises if memory is really shared. */
static int check_written(const Entry *self, PyObject *const *inputs)
{
    int overlap = self->n_written ? may_overlap(self, inputs) : 0;
    if (overlap <= 0) {
        return overlap == 0;
    }
    PyObject *all = PyList_New(self->n_inputs);
    for (Py_ssize_t k = 0; all != NULL && k < self->n_inputs; k++) {
        PyList_SET_ITEM(all, k, Py_NewRef(inputs[k]));
    }
    PyObject *done = all == NULL ? NULL : PyObject_CallOneArg(self->refuse, all);
    Py_XDECREF(all);
    Py_XDECREF(done);
    return done != NULL;
}

/* ------------------------------------------------------------------------------------------------- results */

static PyObject *make(const Part **next, PyObject *flat);

static PyObject *make_dict(const Part **next, PyObject *keys, PyObject *flat)
{
    PyObject *made = PyDict_New();
    for (Py_ssize_t k = 0; made != NULL && k < PyTuple_GET_SIZE(keys); k++) {
        PyObject *item = make(next, flat);
        if (item == NULL || PyDict_SetItem(made, PyTuple_GET_ITEM(keys, k), item) < 0) {
            Py_CLEAR(made);
        }
        Py_XDECREF(item);
    }
    return made;
}

static PyObject *make_items(const Part **next, const Part *part, PyObject *flat)
{
    PyObject *made = part->kind == MAKE_LIST ? PyList_New(part->n) : PyTuple_New(part->n);
    for (Py_ssize_t k = 0; made != NULL && k < part->n; k++) {
        PyObject *item = make(next, flat);
        if (item == NULL) {
            Py_CLEAR(made);
        }
        else if (part->kind == MAKE_LIST) {
            PyList_SET_ITEM(made, k, item);
        }
        else {
            PyTuple_SET_ITEM(made, k, item);
        }
    }
    return made;
}

/* A result as the engine keeps it: no number is Python's own. */
static PyObject *make_flat(PyObject *item)
{
    if (!PyFloat_CheckExact(item)) {
        return Py_NewRef(item);
    }
    PyObject *number = PyArrayScalar_New(Double);
    if (number != NULL) {
        PyArrayScalar_ASSIGN(number, Double, PyFloat_AS_DOUBLE(item));
    }
    return number;
}

/* A new nesting of flat results. */
static PyObject *make(const Part **next, PyObject *flat)
{
    const Part *part = (*next)++;
    switch (part->kind) {
    case FLAT: return make_flat(PyTuple_GET_ITEM(flat, part->n));
    case SAME: return Py_NewRef(part->object);
    case MAKE_DICT: return make_dict(next, part->object, flat);
    default: break;
    }
    PyObject *items = make_items(next, part, flat);
    if (part->kind != CALL || items == NULL) {
        return items;
    }
    PyObject *made = PyObject_CallObject(part->object, items);
    Py_DECREF(items);
    return made;
}

/* -------------------------------------------------------------------------------------------------- a call */

static PyObject *run(const Entry *self, PyObject *const *inputs)
{
    PyObject *flat = check_written(self, inputs) ? self->runner->run(self->runner, inputs) : NULL;
    if (flat == NULL) {
        return NULL;
    }
    PyObject *made = NULL;
    if (PyTuple_GET_SIZE(flat) == self->n_flat) {
        const Part *next = self->parts;
        made = make(&next, flat);
    }
    else {
        PyErr_SetString(PyExc_SystemError, "a plan and its entry have different numbers of results");
    }
    Py_DECREF(flat);
    return made;
}

/* The result for these arguments, or `miss`. kwargs may be NULL. */
static PyObject *enter(const Entry *self, PyObject *args, PyObject *kwargs)
{
    PyObject *few[ON_STACK], **inputs = few;
    Py_ssize_t n = self->n_inputs;
    if (n > ON_STACK && (inputs = PyMem_Malloc(n * sizeof *inputs)) == NULL) {
        return PyErr_NoMemory();
    }
    memset(inputs, 0, n * sizeof *inputs);
    enum outcome found = match_call(self, args, kwargs, inputs);
    PyObject *result = found == FITS ? run(self, inputs) : found == MISSES ? Py_NewRef(self->miss) : NULL;
    for (Py_ssize_t k = 0; k < n; k++) {
        Py_XDECREF(inputs[k]);
    }
    if (inputs != few) {
        PyMem_Free(inputs);
    }
    if (found == DECLINES) {
        PyObject *named = kwargs == NULL ? PyDict_New() : Py_NewRef(kwargs);
        result = named == NULL ? NULL : PyObject_CallFunctionObjArgs(self->python, args, named, NULL);
        Py_XDECREF(named);
    }
    return result;
}

/* --------------------------------------------------------------------------------------- reading a pattern */

static int read_layout(PyObject *shape, PyObject *strides, Pattern *pattern)
{
    Py_ssize_t n = PyTuple_GET_SIZE(shape);
    pattern->ndim = (int)n;
    pattern->layout = PyMem_Malloc((2 * n + 1) * sizeof *pattern->layout);
    if (pattern->layout == NULL || PyTuple_GET_SIZE(strides) != n) {
        return 0;
    }
    for (Py_ssize_t k = 0; k < n; k++) {
        pattern->layout[k] = PyLong_AsSsize_t(PyTuple_GET_ITEM(shape, k));
        pattern->layout[n + k] = PyLong_AsSsize_t(PyTuple_GET_ITEM(strides, k));
    }
    return !PyErr_Occurred();
}

/* A pattern: (kind, n, type, object, shape, strides, as_number, written); of an array, the object is its dtype. */
static int read_pattern(PyObject *item, Pattern *pattern)
{
    int kind;
    PyObject *type, *object, *shape, *strides;
    if (!PyArg_ParseTuple(item, "inOOO!O!pp", &kind, &pattern->n, &type, &object, &PyTuple_Type, &shape,
                          &PyTuple_Type, &strides, &pattern->as_number, &pattern->written)) {
        return 0;
    }
    pattern->kind = kind;
    pattern->type = Py_NewRef(type);
    pattern->object = Py_NewRef(object);
    if (kind != ARRAY) {
        return (kind != DICT && kind != ATTRIBUTES) || PyTuple_Check(object);
    }
    return PyArray_DescrConverter(object, &pattern->descr) && read_layout(shape, strides, pattern);
}

static int read_part(PyObject *item, Part *part)
{
    int kind;
    PyObject *object;
    if (!PyArg_ParseTuple(item, "inO", &kind, &part->n, &object)) {
        return 0;
    }
    part->kind = kind;
    part->object = Py_NewRef(object);
    return kind != MAKE_DICT || PyTuple_Check(object);
}

/* Whether all settings are pairs, and each has its pattern. */
static int are_settings(const Entry *self)
{
    int found = PyTuple_GET_SIZE(self->settings) <= self->n_patterns;
    for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(self->settings); k++) {
        PyObject *pair = PyTuple_GET_ITEM(self->settings, k);
        found &= PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2 && PyUnicode_Check(PyTuple_GET_ITEM(pair, 1));
    }
    return found;
}

static int all_in_range(const Entry *self)
{
    int found = are_settings(self);
    for (const Pattern *p = self->patterns; p < self->patterns + self->n_patterns; p++) {
        found &= p->n >= 0 && ((p->kind != ARRAY && p->kind != OBJECT) || p->n < self->n_inputs);
    }
    for (const Part *p = self->parts; p < self->parts + self->n_parts; p++) {
        found &= p->n >= 0 && (p->kind != FLAT || p->n < self->n_flat);
    }
    return found;
}

/* Read both lists, and count what patterns take in and parts give out. */
static int read_all(Entry *self, PyObject *patterns, PyObject *parts)
{
    self->patterns = PyMem_Calloc(PyList_GET_SIZE(patterns) + 1, sizeof *self->patterns);
    self->parts = PyMem_Calloc(PyList_GET_SIZE(parts) + 1, sizeof *self->parts);
    if (self->patterns == NULL || self->parts == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    while (self->n_patterns < PyList_GET_SIZE(patterns)) {
        Pattern *pattern = &self->patterns[self->n_patterns];
        if (!read_pattern(PyList_GET_ITEM(patterns, self->n_patterns++), pattern)) {
            return 0;
        }
        if (pattern->kind == ARRAY || pattern->kind == OBJECT) {
            self->n_inputs++;
            self->n_written += pattern->written;
        }
    }
    while (self->n_parts < PyList_GET_SIZE(parts)) {
        Part *part = &self->parts[self->n_parts];
        if (!read_part(PyList_GET_ITEM(parts, self->n_parts++), part)) {
            return 0;
        }
        self->n_flat += part->kind == FLAT;
    }
    return self->n_inputs == self->runner->n_inputs && all_in_range(self);
}

/* Entry(runner, n_args, names, patterns, settings, leaves, parts, refuse, constants, python, miss, modes): see
`entry.py`. */
static PyObject *entry_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)kwargs;
    Py_ssize_t n_args;
    PyObject *runner, *names, *patterns, *settings, *leaves, *parts, *refuse, *constants, *python, *miss, *modes;
    if (!PyArg_ParseTuple(args, "O!nO!O!O!O!O!OO!OOO!", &ExecutorType, &runner, &n_args, &PyTuple_Type, &names,
                          &PyList_Type, &patterns, &PyTuple_Type, &settings, &PyTuple_Type, &leaves, &PyList_Type,
                          &parts, &refuse, &PyTuple_Type, &constants, &python, &miss, &PySet_Type, &modes)) {
        return NULL;
    }
    Entry *self = (Entry *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->runner = (Runner *)Py_NewRef(runner);
    self->n_args = n_args;
    self->names = Py_NewRef(names);
    self->settings = Py_NewRef(settings);
    self->leaves = Py_NewRef(leaves);
    self->refuse = Py_NewRef(refuse);
    self->constants = Py_NewRef(constants);
    self->python = Py_NewRef(python);
    self->miss = Py_NewRef(miss);
    self->modes = Py_NewRef(modes);
    self->array = PyUnicode_InternFromString("_array");
    if (self->array == NULL || !read_all(self, patterns, parts)) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "a pattern that cannot be read");
        }
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

/* ---------------------------------------------------------------------------------------------- the object */

static int entry_traverse(Entry *self, visitproc visit, void *arg)
{
    Py_VISIT(self->runner);
    Py_VISIT(self->settings);
    Py_VISIT(self->leaves);
    Py_VISIT(self->refuse);
    Py_VISIT(self->python);
    Py_VISIT(self->miss);
    for (Py_ssize_t k = 0; k < self->n_patterns; k++) {
        Py_VISIT(self->patterns[k].type);
        Py_VISIT(self->patterns[k].object);
    }
    for (Py_ssize_t k = 0; k < self->n_parts; k++) {
        Py_VISIT(self->parts[k].object);
    }
    return 0;
}

static void drop_references(Entry *self)
{
    for (Py_ssize_t k = 0; k < self->n_patterns; k++) {
        Py_CLEAR(self->patterns[k].type);
        Py_CLEAR(self->patterns[k].object);
    }
    for (Py_ssize_t k = 0; k < self->n_parts; k++) {
        Py_CLEAR(self->parts[k].object);
    }
    Py_CLEAR(self->runner);
    Py_CLEAR(self->settings);
    Py_CLEAR(self->leaves);
    Py_CLEAR(self->refuse);
    Py_CLEAR(self->python);
}

static int entry_clear(Entry *self)
{
    self->n_args = -1; /* no call fits any more: one may still come while a cycle is taken apart */
    drop_references(self);
    return 0;
}

static void entry_deallocate(Entry *self)
{
    PyObject_GC_UnTrack(self);
    drop_references(self);
    for (Py_ssize_t k = 0; k < self->n_patterns; k++) {
        Py_XDECREF(self->patterns[k].descr);
        PyMem_Free(self->patterns[k].layout);
    }
    PyMem_Free(self->patterns);
    PyMem_Free(self->parts);
    Py_XDECREF(self->names);
    Py_XDECREF(self->constants);
    Py_XDECREF(self->miss);
    Py_XDECREF(self->array);
    Py_XDECREF(self->modes);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Run the program on args, a tuple, and kwargs, a dict: the result, or `miss`. */
static PyObject *entry_call(PyObject *self, PyObject *given, PyObject *named)
{
    PyObject *args, *kwargs;
    if (named != NULL || !PyArg_ParseTuple(given, "O!O!", &PyTuple_Type, &args, &PyDict_Type, &kwargs)) {
        return named == NULL ? NULL : PyErr_Format(PyExc_TypeError, "expected args and kwargs");
    }
    return enter((Entry *)self, args, kwargs);
}

PyTypeObject EntryType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "minigrad.compiler.native._native.Entry",
    .tp_basicsize = sizeof(Entry),
    .tp_new = entry_new,
    .tp_dealloc = (destructor)entry_deallocate,
    .tp_traverse = (traverseproc)entry_traverse,
    .tp_clear = (inquiry)entry_clear,
    .tp_call = entry_call,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "Calls a program if args and kwargs fit its trace: entry(args, kwargs).",
};

PyObject *enter_quickly(PyObject *object, PyObject *args, PyObject *kwargs)
{
    Entry *self = (Entry *)object;
    if (Py_TYPE(object) != &EntryType || PySet_GET_SIZE(self->modes)) {
        return NULL;
    }
    Py_INCREF(self); /* a nested call may put another in its place */
    PyObject *result = enter(self, args, kwargs);
    if (result == self->miss) {
        Py_CLEAR(result);
    }
    Py_DECREF(self);
    return result;
}
