/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classes of others in a file of torch.save(): options of a trainer, enums of DeepSpeed, one's own configuration. They
 * become opaque values, so that the tensors beside them can be read. Nothing is ever looked up or called, so this is
 * not what makes a file safe to read here; but a file that names functions of the Python interpreter is an attack on
 * whoever opens it with torch, and is refused as such.
 */
#include <string.h>

#include "checkpoint/formats/torch_names.h"

enum { MAX_NAME = 1024 };

/* Modules, with all below them, that are no place for the class of a value. */
/* clang-format off */
static const char *const refused[] = {
    "__builtin__", "_codecs", "_io", "_operator", "_pickle", "_posixsubprocess", "_thread", "_winapi",
    "asyncio", "atexit", "bdb", "builtins", "cPickle", "cProfile", "cffi", "code", "codecs", "codeop",
    "commands", "compileall", "concurrent", "ctypes", "dill", "distutils", "ensurepip", "faulthandler",
    "ftplib", "gc", "glob", "http", "httplib", "imaplib", "imp", "importlib", "inspect", "io", "joblib",
    "lib2to3", "linecache", "logging", "marshal", "multiprocessing", "nt", "numpy.f2py", "numpy.testing",
    "operator", "os", "pdb", "pickle", "pip", "pkgutil", "platform", "popen2", "poplib", "posix", "posixpath",
    "profile", "pty", "py_compile", "pydoc", "requests", "runpy", "setuptools", "shelve", "shutil", "signal",
    "site", "smtplib", "socket", "socketserver", "ssl", "subprocess", "sys", "sysconfig", "telnetlib",
    "tempfile", "test", "threading", "timeit", "torch._tensor", "torch._utils", "torch.cuda", "torch.hub",
    "torch.jit", "torch.serialization", "torch.storage", "torch.utils", "trace", "types", "unittest", "urllib",
    "urllib2", "uuid", "venv", "webbrowser", "xmlrpc", "zipimport",
};
/* clang-format on */

/* Whether a module is that package or lies below it. */
static int is_below(const pa_pickle_node *module, const char *package)
{
    const size_t length = strlen(package);
    const size_t whole = (size_t)module->u.text.length;
    return whole >= length && memcmp(module->u.text.bytes, package, length) == 0 &&
           (whole == length || module->u.text.bytes[length] == '.');
}

/* Letters, digits and underscores between single dots; not megabytes of them, named a million times. */
static int is_python_name(const pa_pickle_node *text)
{
    char last = '.';
    if (text->u.text.length > MAX_NAME) {
        return 0;
    }
    for (int64_t i = 0; i < text->u.text.length; i++) {
        const char c = text->u.text.bytes[i];
        const int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        const int digit = c >= '0' && c <= '9';
        if (!(letter || (digit && last != '.') || (c == '.' && last != '.'))) {
            return 0;
        }
        last = c;
    }
    return last != '.';
}

int pa_torch_is_foreign_class(const pa_pickle_node *module, const pa_pickle_node *name)
{
    if (!is_python_name(module) || !is_python_name(name)) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (is_below(module, refused[i])) {
            return 0;
        }
    }
    /* What torch itself has at its top level would change what a tensor is. */
    return !pa_pickle_is(module, "torch");
}
