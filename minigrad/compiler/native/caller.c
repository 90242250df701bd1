/* The base class of compiled functions: a call goes to the entry in C first, and to Python for all else. */
#include "native.h"

#include <stddef.h>
#include <structmember.h>

typedef struct {
    PyObject_HEAD
    PyObject *enter; /* an Entry, or any function of args and kwargs */
} Caller;

/* The error that is set, as an object. */
static PyObject *take_error(void)
{
#if PY_VERSION_HEX >= 0x030c0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(error, traceback);
    }
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return error;
#endif
}

/* The method `_recover` knows what an error of the program means. */
static PyObject *recover(PyObject *self, PyObject *args, PyObject *kwargs)
{
    PyObject *error = take_error();
    PyObject *named = kwargs == NULL ? PyDict_New() : Py_NewRef(kwargs);
    PyObject *result = named == NULL ? NULL : PyObject_CallMethod(self, "_recover", "OOO", error, args, named);
    Py_XDECREF(named);
    Py_DECREF(error);
    return result;
}

static PyObject *caller_call(PyObject *object, PyObject *args, PyObject *kwargs)
{
    PyObject *entry = ((Caller *)object)->enter;
    PyObject *result = entry == NULL ? NULL : enter_quickly(entry, args, kwargs);
    if (result != NULL) {
        return result;
    }
    if (PyErr_Occurred()) { /* an interrupt is no error of the program */
        return PyErr_ExceptionMatches(PyExc_Exception) ? recover(object, args, kwargs) : NULL;
    }
    PyObject *method = PyObject_GetAttrString(object, "_call");
    result = method == NULL ? NULL : PyObject_Call(method, args, kwargs);
    Py_XDECREF(method);
    return result;
}

static int caller_traverse(Caller *self, visitproc visit, void *arg)
{
    Py_VISIT(self->enter);
    return 0;
}

static int caller_clear(Caller *self)
{
    Py_CLEAR(self->enter);
    return 0;
}

static void caller_deallocate(Caller *self)
{
    PyObject_GC_UnTrack(self);
    Py_XDECREF(self->enter);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMemberDef members[] = {
    {"_enter", T_OBJECT_EX, offsetof(Caller, enter), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject CallerType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "minigrad.compiler.native._native.Caller",
    .tp_basicsize = sizeof(Caller),
    .tp_new = PyType_GenericNew,
    .tp_dealloc = (destructor)caller_deallocate,
    .tp_traverse = (traverseproc)caller_traverse,
    .tp_clear = (inquiry)caller_clear,
    .tp_call = caller_call,
    .tp_members = members,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_doc = "Calls its _enter if that is an Entry, else its method _call.",
};
