#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# A Python program that knows libxai only as it is installed, through ctypes.
"""usage: consumer.py LIBXAI.SO"""
import ctypes
import sys
from ctypes import POINTER, byref, c_char_p, c_float, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

INVALID, NOT_FOUND = -1, -5
HOOK_FN = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p, c_void_p)


class ContextOptions(ctypes.Structure):
    _fields_ = [('struct_size', c_size_t), ('allocator', c_void_p), ('log', c_void_p), ('log_user', c_void_p),
                ('backends', c_char_p), ('max_pixels', c_uint64), ('n_threads', c_uint32), ('flags', c_uint32)]


SIGNATURES = {
    'xai_version_string': (c_char_p,),
    'xai_last_error': (c_char_p,),
    'xai_context_create': (c_int32, POINTER(c_void_p), POINTER(ContextOptions)),
    'xai_context_unref': (None, c_void_p),
    'xai_tensor_create': (c_int32, POINTER(c_void_p), c_void_p, POINTER(c_int64), c_size_t),
    'xai_tensor_data': (POINTER(c_float), c_void_p),
    'xai_tensor_size': (c_size_t, c_void_p),
    'xai_tensor_unref': (None, c_void_p),
    'xai_model_build': (c_int32, POINTER(c_void_p), c_void_p, c_char_p, c_char_p, c_void_p),
    'xai_model_input_shape': (c_size_t, c_void_p, POINTER(c_int64), c_size_t),
    'xai_model_n_classes': (c_size_t, c_void_p),
    'xai_model_unref': (None, c_void_p),
    'xai_session_create': (c_int32, POINTER(c_void_p), c_void_p, c_void_p),
    'xai_session_forward': (c_int32, POINTER(c_void_p), c_void_p, c_void_p),
    'xai_session_unref': (None, c_void_p),
    'xai_hook_attach': (c_int32, POINTER(c_void_p), c_void_p, c_char_p, c_uint32, HOOK_FN, c_void_p, c_void_p),
    'xai_hook_unref': (None, c_void_p),
}


def load(path):
    library = ctypes.CDLL(path)
    for name, (result, *arguments) in SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def make(library, name, *arguments):
    """The new object that a function with an out parameter gives."""
    out = c_void_p()
    status = getattr(library, name)(byref(out), *arguments)
    assert status == 0 and out, (name, status, library.xai_last_error())
    return out


def main():
    library = load(sys.argv[1])
    options = ContextOptions(struct_size=ctypes.sizeof(ContextOptions), n_threads=1)
    context = make(library, 'xai_context_create', byref(options))

    out = c_void_p(1)
    assert library.xai_tensor_create(byref(out), context, (c_int64 * 2)(2, -3), 2) == INVALID
    assert not out and b'-3' in library.xai_last_error(), library.xai_last_error()
    assert library.xai_model_build(byref(out), context, b'no such network', None, None) == NOT_FOUND
    assert b'no such network' in library.xai_last_error(), library.xai_last_error()

    model = make(library, 'xai_model_build', context, b'cifar_resnet20', None, None)
    shape = (c_int64 * 4)()
    assert library.xai_model_input_shape(model, shape, 4) == 4 and list(shape) == [1, 3, 32, 32], list(shape)
    session = make(library, 'xai_session_create', model, None)
    tensor = make(library, 'xai_tensor_create', context, shape, 4)
    calls = []
    callback = HOOK_FN(lambda hook, value, user: calls.append(library.xai_tensor_size(value)) or 0)
    hook = make(library, 'xai_hook_attach', session, b'conv1', 1, callback, None, None)
    logits = make(library, 'xai_session_forward', session, tensor)
    values = library.xai_tensor_data(logits)[:library.xai_model_n_classes(model)]
    assert calls == [16 * 32 * 32], calls
    assert len(values) == 10 and all(abs(value) < 1e6 for value in values), values

    # A garbage collector may drop these in any order, parents first.
    library.xai_context_unref(context)
    library.xai_model_unref(model)
    library.xai_session_unref(session)
    library.xai_hook_unref(hook)
    library.xai_tensor_unref(logits)
    library.xai_tensor_unref(tensor)
    print('Python:', 'libxai', library.xai_version_string().decode())


if __name__ == '__main__':
    main()
