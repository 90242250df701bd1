/* Inner loops: NumPy's own, taken from its ufuncs, and a few of ours for what `minigrad.compiler.runtime` computes.

Each has NumPy's signature: addresses, the count, the strides in bytes, and data. NumPy's are the very loops that its
ufuncs run, chosen for this processor, so the bits are NumPy's. Ours only select, copy, convert, or compute + - * /. */
#include "native.h"

#include <fenv.h>
#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------ flags */

int take_flags(void)
{
    int raised = fetestexcept(FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID);
    if (!raised) {
        return 0;
    }
    feclearexcept(FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID);
    return (raised & FE_DIVBYZERO ? NPY_FPE_DIVIDEBYZERO : 0) | (raised & FE_OVERFLOW ? NPY_FPE_OVERFLOW : 0) |
           (raised & FE_UNDERFLOW ? NPY_FPE_UNDERFLOW : 0) | (raised & FE_INVALID ? NPY_FPE_INVALID : 0);
}

/* ------------------------------------------------------------------------------------------------- ours */

#define ARGUMENTS char **args, const npy_intp *count, const npy_intp *steps, void *data
#define EACH for (npy_intp i = 0; i < *count; i++)
#define AT(k, type) (*(type *)(args[k] + i * steps[k]))

#define COPY(name, type)                                                                                              \
    static void name(ARGUMENTS)                                                                                       \
    {                                                                                                                 \
        (void)data;                                                                                                   \
        if (steps[0] == sizeof(type) && steps[1] == sizeof(type)) {                                                   \
            memmove(args[1], args[0], *count * sizeof(type));                                                         \
            return;                                                                                                   \
        }                                                                                                             \
        EACH { AT(1, type) = AT(0, type); }                                                                           \
    }
COPY(copy_1, uint8_t)
COPY(copy_4, uint32_t)
COPY(copy_8, uint64_t)

#define CAST(name, from, to)                                                                                          \
    static void name(ARGUMENTS) { (void)data; EACH { AT(1, to) = (to)AT(0, from); } }
CAST(bool_to_double, npy_bool, double)
CAST(bool_to_float, npy_bool, float)
CAST(long_to_double, int64_t, double)
CAST(float_to_double, float, double)
CAST(double_to_float, double, float)

#define WHERE(name, type)                                                                                             \
    static void name(ARGUMENTS) { (void)data; EACH { AT(3, type) = AT(0, npy_bool) ? AT(1, type) : AT(2, type); } }
WHERE(where_1, uint8_t)
WHERE(where_4, uint32_t)
WHERE(where_8, uint64_t)

/* bounded(x): nan where x is infinite; -0 becomes 0. */
#define BOUNDED(name, type)                                                                                           \
    static void name(ARGUMENTS)                                                                                       \
    {                                                                                                                 \
        (void)data;                                                                                                   \
        EACH { AT(1, type) = isinf(AT(0, type)) ? (type)NAN : AT(0, type) + (type)0; }                                \
    }
BOUNDED(bounded_double, double)
BOUNDED(bounded_float, float)

/* tie_share(y, a, b): 1 where y is a, one half where it is both, else 0. */
#define TIE_SHARE(name, type)                                                                                         \
    static void name(ARGUMENTS)                                                                                       \
    {                                                                                                                 \
        (void)data;                                                                                                   \
        EACH                                                                                                          \
        {                                                                                                             \
            type y = AT(0, type), a = AT(1, type), b = AT(2, type);                                                   \
            AT(3, type) = y == a ? (y == b ? (type)0.5 : (type)1) : (type)0;                                          \
        }                                                                                                             \
    }
TIE_SHARE(tie_share_double, double)
TIE_SHARE(tie_share_float, float)

/* sech2(x, y) with y = tanh(x): 1 - y², and 4e / (1 + e)² with e = exp(-2|x|) where that cancels. The exponentials of a
block are taken together, by NumPy's loop, to which `data` points: a saturated layer has many. Most blocks have none. */
enum { GATHERED = 256 };
#define SECH2(name, type, whole, target)                                                                              \
    target static void name(ARGUMENTS)                                                                                \
    {                                                                                                                 \
        const Loop *exponential = data;                                                                               \
        const npy_intp dense[2] = {sizeof(type), sizeof(type)};                                                       \
        type slope[GATHERED], e[GATHERED];                                                                            \
        npy_intp place[GATHERED];                                                                                     \
        for (npy_intp start = 0; start < *count; start += GATHERED) {                                                 \
            npy_intp size = *count - start < GATHERED ? *count - start : GATHERED, n = 0;                             \
            whole near = 0; /* as wide as an entry, so that they are counted in vectors */                            \
            const char *xs = args[0] + start * steps[0], *ys = args[1] + start * steps[1];                            \
            char *out = args[2] + start * steps[2];                                                                   \
            if (steps[1] == sizeof(type)) { /* a loop of its own, so that compilers vectorise it */                   \
                for (npy_intp i = 0; i < size; i++) {                                                                 \
                    slope[i] = 1 - ((const type *)ys)[i] * ((const type *)ys)[i];                                     \
                    near += slope[i] < (type)NEARLY_FLAT;                                                             \
                }                                                                                                     \
            }                                                                                                         \
            else {                                                                                                    \
                for (npy_intp i = 0; i < size; i++) {                                                                 \
                    type y = *(const type *)(ys + i * steps[1]);                                                      \
                    slope[i] = 1 - y * y;                                                                             \
                    near += slope[i] < (type)NEARLY_FLAT;                                                             \
                }                                                                                                     \
            }                                                                                                         \
            for (npy_intp i = 0; near && i < size; i++) {                                                             \
                place[n] = i;                                                                                         \
                e[n] = -2 * (type)fabs(*(const type *)(xs + i * steps[0]));                                           \
                n += slope[i] < (type)NEARLY_FLAT;                                                                    \
            }                                                                                                         \
            if (n) {                                                                                                  \
                char *both[2] = {(char *)e, (char *)e};                                                               \
                exponential->call(both, &n, dense, exponential->data);                                                \
            }                                                                                                         \
            for (npy_intp k = 0; k < n; k++) {                                                                        \
                type above = 1 + e[k];                                                                                \
                slope[place[k]] = 4 * e[k] / (above * above);                                                         \
            }                                                                                                         \
            for (npy_intp i = 0; i < size; i++) {                                                                     \
                *(type *)(out + i * steps[2]) = slope[i];                                                             \
            }                                                                                                         \
        }                                                                                                             \
    }
#define NEARLY_FLAT 0.02 /* as in minigrad.rules.elementwise; a test compares them */
#if defined(__GNUC__) && defined(__x86_64__)
#define CHOOSE_SECH2(name, type, whole)                                                                               \
    SECH2(name##_16, type, whole, )                                                                                   \
    SECH2(name##_32, type, whole, __attribute__((target("avx2"))))                                                    \
    static void name(ARGUMENTS)                                                                                       \
    {                                                                                                                 \
        (vector_width >= 32 ? name##_32 : name##_16)(args, count, steps, data);                                       \
    }
#else
#define CHOOSE_SECH2(name, type, whole) SECH2(name, type, whole, )
#endif
CHOOSE_SECH2(sech2_double, double, int64_t)
CHOOSE_SECH2(sech2_float, float, int32_t)

static Loop exp_double, exp_float;

static const struct {
    const char *name, *types;
    PyUFuncGenericFunction call;
    void *data;
} ours[] = {
    {"copy", "??", (PyUFuncGenericFunction)copy_1, NULL},
    {"copy", "ff", (PyUFuncGenericFunction)copy_4, NULL},
    {"copy", "dd", (PyUFuncGenericFunction)copy_8, NULL},
    {"copy", "ll", (PyUFuncGenericFunction)copy_8, NULL},
    {"cast", "?d", (PyUFuncGenericFunction)bool_to_double, NULL},
    {"cast", "?f", (PyUFuncGenericFunction)bool_to_float, NULL},
    {"cast", "ld", (PyUFuncGenericFunction)long_to_double, NULL},
    {"cast", "fd", (PyUFuncGenericFunction)float_to_double, NULL},
    {"cast", "df", (PyUFuncGenericFunction)double_to_float, NULL},
    {"where", "????", (PyUFuncGenericFunction)where_1, NULL},
    {"where", "?fff", (PyUFuncGenericFunction)where_4, NULL},
    {"where", "?ddd", (PyUFuncGenericFunction)where_8, NULL},
    {"where", "?lll", (PyUFuncGenericFunction)where_8, NULL},
    {"bounded", "ff", (PyUFuncGenericFunction)bounded_float, NULL},
    {"bounded", "dd", (PyUFuncGenericFunction)bounded_double, NULL},
    {"tie_share", "ffff", (PyUFuncGenericFunction)tie_share_float, NULL},
    {"tie_share", "dddd", (PyUFuncGenericFunction)tie_share_double, NULL},
    {"sech2", "fff", (PyUFuncGenericFunction)sech2_float, &exp_float},
    {"sech2", "ddd", (PyUFuncGenericFunction)sech2_double, &exp_double},
};

/* ------------------------------------------------------------------------------------------- the object */

typedef struct {
    PyObject_HEAD
    Loop loop;
    PyObject *owner; /* the ufunc, which owns the loop's data; NULL for ours */
} LoopObject;

static void deallocate(LoopObject *self)
{
    Py_XDECREF(self->owner);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

PyTypeObject LoopType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "minigrad.compiler.native._native.Loop",
    .tp_basicsize = sizeof(LoopObject),
    .tp_dealloc = (destructor)deallocate,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "An inner loop, found by `find_loop`.",
};

const Loop *loop_of(PyObject *object)
{
    if (!Py_IS_TYPE(object, &LoopType)) {
        PyErr_Format(PyExc_TypeError, "expected a Loop, got %.100s", Py_TYPE(object)->tp_name);
        return NULL;
    }
    return &((LoopObject *)object)->loop;
}

static int number_of(char type)
{
    PyArray_Descr *descr = PyArray_DescrFromType(type); /* a type character is a type, too */
    int number = descr == NULL ? -1 : descr->type_num;
    Py_XDECREF(descr);
    return number;
}

/* Find the loop of a ufunc for exactly these types: nothing is converted. */
static int find_in_ufunc(PyUFuncObject *ufunc, const char *types, Loop *loop)
{
    if ((int)strlen(types) != ufunc->nargs || ufunc->functions == NULL) {
        return 0;
    }
    for (int i = 0; i < ufunc->ntypes; i++) {
        int k = 0;
        while (k < ufunc->nargs && ufunc->types[i * ufunc->nargs + k] == number_of(types[k])) {
            k++;
        }
        if (k == ufunc->nargs && ufunc->functions[i] != NULL) {
            loop->call = ufunc->functions[i];
            loop->data = ufunc->data == NULL ? NULL : (void *)ufunc->data[i];
            return 1;
        }
    }
    return 0;
}

static int find_exponentials(void)
{
    if (exp_float.call != NULL) {
        return 1;
    }
    PyObject *numpy = PyImport_ImportModule("numpy");
    PyObject *exponential = numpy == NULL ? NULL : PyObject_GetAttrString(numpy, "exp"); /* NumPy keeps it alive */
    int found = exponential != NULL && PyObject_TypeCheck(exponential, &PyUFunc_Type) &&
                find_in_ufunc((PyUFuncObject *)exponential, "dd", &exp_double) &&
                find_in_ufunc((PyUFuncObject *)exponential, "ff", &exp_float);
    Py_XDECREF(numpy);
    Py_XDECREF(exponential);
    return found;
}

PyObject *find_loop(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *function;
    const char *types;
    if (!PyArg_ParseTuple(args, "Os", &function, &types)) {
        return NULL;
    }
    Loop loop = {NULL, NULL};
    if (PyObject_TypeCheck(function, &PyUFunc_Type)) {
        find_in_ufunc((PyUFuncObject *)function, types, &loop);
    }
    else if (PyUnicode_Check(function)) {
        for (size_t k = 0; k < sizeof ours / sizeof *ours; k++) {
            if (PyUnicode_CompareWithASCIIString(function, ours[k].name) == 0 && strcmp(types, ours[k].types) == 0) {
                loop = (Loop){ours[k].call, ours[k].data};
            }
        }
        if (loop.data != NULL && !find_exponentials()) {
            loop.call = NULL;
        }
    }
    if (loop.call == NULL) {
        if (PyErr_Occurred()) {
            return NULL;
        }
        Py_RETURN_NONE;
    }
    LoopObject *self = PyObject_New(LoopObject, &LoopType);
    if (self != NULL) {
        self->loop = loop;
        self->owner = PyUnicode_Check(function) ? NULL : Py_NewRef(function);
    }
    return (PyObject *)self;
}
