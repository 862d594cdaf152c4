// SPDX-License-Identifier: MIT
// A Rust program that knows libxai only as it is installed: plain extern "C", no crates.
use std::ffi::{c_char, c_void, CStr, CString};
use std::ptr;

#[link(name = "xai")]
extern "C" {
    fn xai_version_string() -> *const c_char;
    fn xai_last_error() -> *const c_char;
    fn xai_context_create(out: *mut *mut c_void, options: *const c_void) -> i32;
    fn xai_context_unref(context: *mut c_void);
    fn xai_tensor_create(out: *mut *mut c_void, context: *mut c_void, shape: *const i64, rank: usize) -> i32;
    fn xai_tensor_data(tensor: *mut c_void) -> *mut f32;
    fn xai_tensor_size(tensor: *const c_void) -> usize;
    fn xai_tensor_unref(tensor: *mut c_void);
    fn xai_model_build(
        out: *mut *mut c_void,
        context: *mut c_void,
        architecture: *const c_char,
        weights: *const c_char,
        options: *const c_void,
    ) -> i32;
    fn xai_model_input_shape(model: *const c_void, shape: *mut i64, capacity: usize) -> usize;
    fn xai_model_n_classes(model: *const c_void) -> usize;
    fn xai_model_unref(model: *mut c_void);
    fn xai_session_create(out: *mut *mut c_void, model: *mut c_void, options: *const c_void) -> i32;
    fn xai_session_forward(out: *mut *mut c_void, session: *mut c_void, input: *const c_void) -> i32;
    fn xai_session_unref(session: *mut c_void);
}

/// A handle that drops its reference.
struct Handle(*mut c_void, unsafe extern "C" fn(*mut c_void));

impl Drop for Handle {
    fn drop(&mut self) {
        unsafe { (self.1)(self.0) }
    }
}

fn last_error() -> String {
    unsafe { CStr::from_ptr(xai_last_error()) }.to_string_lossy().into_owned()
}

fn made(unref: unsafe extern "C" fn(*mut c_void), make: impl FnOnce(*mut *mut c_void) -> i32) -> Result<Handle, String> {
    let mut out = ptr::null_mut();
    if make(&mut out) == 0 && !out.is_null() {
        Ok(Handle(out, unref))
    } else {
        assert!(out.is_null());
        Err(last_error())
    }
}

fn build(context: &Handle, name: &str) -> Result<Handle, String> {
    let name = CString::new(name).unwrap();
    made(xai_model_unref, |out| unsafe {
        xai_model_build(out, context.0, name.as_ptr(), ptr::null(), ptr::null())
    })
}

fn main() -> Result<(), String> {
    let context = made(xai_context_unref, |out| unsafe { xai_context_create(out, ptr::null()) })?;
    let error = build(&context, "no such network").err().unwrap();
    assert!(error.contains("no such network"), "{error}");

    let model = build(&context, "cifar_resnet20")?;
    let mut shape = [0i64; 4];
    assert_eq!(unsafe { xai_model_input_shape(model.0, shape.as_mut_ptr(), 4) }, 4);
    let input = made(xai_tensor_unref, |out| unsafe { xai_tensor_create(out, context.0, shape.as_ptr(), 4) })?;
    let session = made(xai_session_unref, |out| unsafe { xai_session_create(out, model.0, ptr::null()) })?;
    let logits = made(xai_tensor_unref, |out| unsafe { xai_session_forward(out, session.0, input.0) })?;
    let values = unsafe { std::slice::from_raw_parts(xai_tensor_data(logits.0), xai_tensor_size(logits.0)) };
    assert_eq!(values.len(), unsafe { xai_model_n_classes(model.0) });
    assert!(values.iter().all(|value| value.is_finite()));
    println!("Rust: libxai {}", unsafe { CStr::from_ptr(xai_version_string()) }.to_string_lossy());
    Ok(())
}
