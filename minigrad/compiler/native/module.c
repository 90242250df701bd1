/* The extension module: its types, and NumPy's tables of functions. */
#define MINIGRAD_MODULE
#include "native.h"

static PyMethodDef methods[] = {
    {"find_loop", find_loop, METH_VARARGS,
     "find_loop(ufunc or name, types): the inner loop for these type characters, inputs first; None if there is none."},
    {"operations", operations, METH_NOARGS, 
     "The operations of the register machine by number: their name, that of their errors or None, whether they are wide."},
    {"use_vectors", use_vectors, METH_O,
     "use_vectors(most): compute + - * / in vectors of at most so many bytes; how many they are, 0 if there are none."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_native", "Runs the plans of compiled programs: see README.md in this folder.", -1, methods,
};

PyMODINIT_FUNC PyInit__native(void)
{
    import_array();
    import_ufunc();
    PyObject *module = PyModule_Create(&definition);
    PyTypeObject *types[] = {&LoopType, &ExecutorType, &EntryType, &CallerType};
    for (size_t k = 0; module != NULL && k < sizeof types / sizeof *types; k++) {
        if (PyModule_AddType(module, types[k]) < 0) {
            Py_CLEAR(module);
        }
    }
    if (module != NULL && PyModule_AddObject(module, "sources", PyLong_FromUnsignedLong(MINIGRAD_SOURCES)) < 0) {
        Py_CLEAR(module);
    }
    return module;
}
