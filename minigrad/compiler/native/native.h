/* What the files of the executor share. Public NumPy headers only: see README.md in this folder. */
#ifndef MINIGRAD_NATIVE_H
#define MINIGRAD_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_2_1_API_VERSION
#define NPY_TARGET_VERSION NPY_2_1_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL minigrad_array_api
#define PY_UFUNC_UNIQUE_SYMBOL minigrad_ufunc_api
#ifndef MINIGRAD_MODULE /* module.c fills the tables of NumPy's functions; the other files only use them */
#define NO_IMPORT_ARRAY
#define NO_IMPORT_UFUNC
#endif
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>
#include <numpy/ufuncobject.h>

#include <stdint.h>

/* An object that computes flat results from flat inputs: a new tuple, or NULL with an error set. */
typedef struct Runner Runner;
typedef PyObject *(*run_function)(Runner *self, PyObject *const *inputs);
struct Runner {
    PyObject_HEAD
    run_function run;
    Py_ssize_t n_inputs;
};

/* An inner loop: NumPy's own for a ufunc and types, or one of ours with the same signature. */
typedef struct {
    PyUFuncGenericFunction call;
    void *data;
} Loop;

extern PyTypeObject LoopType, ExecutorType, EntryType, CallerType;
const Loop *loop_of(PyObject *object); /* NULL with TypeError for any other object */
PyObject *find_loop(PyObject *module, PyObject *args);
PyObject *use_vectors(PyObject *module, PyObject *most);
PyObject *operations(PyObject *module, PyObject *none); /* of the register machine */

/* The result of a call by an Entry. NULL: with an error set if the program raised it; without one if `object` is none,
the call does not fit, or a mode is active. */
PyObject *enter_quickly(PyObject *object, PyObject *args, PyObject *kwargs);

/* Bytes of the vectors in use, by `use_vectors`; 0 where no code has any. */
extern int vector_width;

/* Floating-point flags, as NumPy names them. `take_flags` returns those raised since it was called last. */
int take_flags(void);

#endif
