/* SPDX-License-Identifier: MIT
 * Models: an architecture, its weights, its labels and how pictures are prepared for it. */
#ifndef XAI_MODEL_H
#define XAI_MODEL_H

#include <xai/context.h>
#include <xai/image.h>
#include <xai/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A loaded classifier. Its meaning never changes; what it caches (plans, packed weights) is behind a lock of its own,
 * so any number of threads may use it, each through a session of its own.
 * @since 0.1
 */
typedef struct xai_model xai_model;

/** Flags of xai_model_options. @since 0.1 */
enum xai_model_flag {
    XAI_MODEL_SET_MEAN = 1, /**< mean holds a value: needed because zero is a value. */
    XAI_MODEL_SET_STD = 2   /**< std holds a value. */
};

/**
 * What to set in place of the manifest's or the architecture's own values. Zero it, set struct_size, set what you need.
 * @since 0.1
 */
typedef struct xai_model_options {
    size_t struct_size;  /**< sizeof(xai_model_options). */
    const char *weights; /**< Weight file in place of the manifest's; any folder. NULL: the manifest's. */
    const char *labels;  /**< Label file in place of the manifest's; any folder. NULL: the manifest's. */
    int32_t resize;      /**< Pixels of the shorter side before the crop. 0: as the model says. */
    int32_t crop_height; /**< Rows of the crop, which is the network's input. 0: as the model says. */
    int32_t crop_width;  /**< Columns of the crop. 0: as the model says. */
    float scale;         /**< Factor for the 0..255 pixel values, before mean and std. 0: as the model says. */
    float mean[3];       /**< Subtracted from each scaled channel, with XAI_MODEL_SET_MEAN. */
    float std[3];        /**< Divides each channel, with XAI_MODEL_SET_STD. Not zero. */
    uint32_t flags;      /**< Of enum xai_model_flag. */
    uint64_t seed;       /**< For random weights. */
} xai_model_options;

/** One value of a model that can be hooked. Filled by xai_model_layer(). @since 0.1 */
typedef struct xai_layer {
    size_t struct_size;  /**< sizeof(xai_layer), set by the caller. */
    const char *name;    /**< Canonical name. Borrowed from the model, as the texts below. */
    const char *aliases; /**< Other names of the same value, comma-separated; empty if there is none. */
    const char *op;      /**< The operator that makes it, such as "Conv". */
    const char *kernel;  /**< The kernel that computes it in a LATENCY plan, such as "native/avx512/conv-direct";
                              "view" where nothing is computed. */
    int64_t shape[XAI_TENSOR_MAX_RANK]; /**< Shape for one image. */
    uint64_t rank;                      /**< Number of extents. */
} xai_layer;

/**
 * Load a model from its manifest (.json; docs/models.md).
 *
 * @param[out] out  The model, one reference. NULL on failure.
 * @param context   Context; kept alive.
 * @param path      The manifest. Files that it names are looked up beside it and may not lie outside its folder.
 * @param options   What to override; NULL for nothing.
 * @return 0; XAI_E_IO; XAI_E_FORMAT for a damaged file, an unknown key or a wrong sha256; XAI_E_NOT_FOUND for an
 * unknown architecture or if tensors are missing or left over (the message lists them); XAI_E_SHAPE for tensors of
 *         another shape; XAI_E_UNSUPPORTED; XAI_E_NO_MEMORY.
 *
 * Nothing in any file is executed. Weight files are mapped privately unless the context says otherwise. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_model_load(xai_model **out, xai_context *context, const char *path,
                                  const xai_model_options *options);

/**
 * Build a model from an architecture and a weight file.
 *
 * @param[out] out      The model, one reference. NULL on failure.
 * @param context       Context; kept alive.
 * @param architecture  A name that xai_architecture() lists.
 * @param weights       A state dict: .safetensors, .pth or .th. NULL: random weights drawn from options->seed, for
 *                      measurements and tests.
 * @param options       What to override; NULL for nothing.
 * @return As xai_model_load().
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_model_build(xai_model **out, xai_context *context, const char *architecture, const char *weights,
                                   const xai_model_options *options);

/**
 * Build a model from an architecture and weights in memory.
 *
 * @param[out] out      The model, one reference. NULL on failure.
 * @param context       Context; kept alive.
 * @param architecture  A name that xai_architecture() lists.
 * @param bytes         A whole .safetensors, .pth or .th file; copied.
 * @param size          Its length in bytes.
 * @param options       What to override; NULL for nothing.
 * @return As xai_model_load(), without XAI_E_IO.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_model_build_memory(xai_model **out, xai_context *context, const char *architecture,
                                          const void *bytes, size_t size, const xai_model_options *options);

/** Add a reference. @param model  May be NULL. @return @p model. Any thread. @since 0.1 */
XAI_API xai_model *xai_model_ref(xai_model *model);

/** Drop a reference; the last one frees it. @param model  May be NULL. Any thread. @since 0.1 */
XAI_API void xai_model_unref(xai_model *model);

/**
 * List the built-in architectures.
 *
 * @param index  0, 1, 2 ...
 * @return A static name; NULL behind the last one.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API const char *xai_architecture(size_t index);

/**
 * Resize and crop a picture as the model wants it: what the network sees, still as a picture.
 *
 * @param[out] out  The cropped picture, one reference. NULL on failure.
 * @param model     The model.
 * @param image     Any picture; not modified.
 * @return 0; XAI_E_SHAPE if the resized picture is smaller than the crop; XAI_E_NO_MEMORY.
 *
 * torchvision's Resize and CenterCrop on Pillow pictures, to the bit. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_model_crop(xai_image **out, const xai_model *model, const xai_image *image);

/**
 * Turn a picture into the model's input: resize, crop, scale, subtract the mean, divide by std.
 *
 * @param[out] out  1 x C x H x W, one reference. NULL on failure.
 * @param model     The model.
 * @param image     Any picture; not modified.
 * @return As xai_model_crop().
 *
 * (x * scale - mean) / std in float32, in that order. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_model_prepare(xai_tensor **out, const xai_model *model, const xai_image *image);

/** Name the architecture. @param model  The model. @return Borrowed from the model. Any thread. @since 0.1 */
XAI_API const char *xai_model_architecture(const xai_model *model);

/**
 * Read the shape of the input for one image.
 *
 * @param model     The model.
 * @param shape     Receives the first @p capacity extents of 1 x C x H x W.
 * @param capacity  Room in @p shape.
 * @return The rank.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API size_t xai_model_input_shape(const xai_model *model, int64_t *shape, size_t capacity);

/** Count the classes. @param model  The model. @return Columns of the output. Any thread. @since 0.1 */
XAI_API size_t xai_model_n_classes(const xai_model *model);

/**
 * Name the file with the hierarchy of the model's classes, for xai_tree_load().
 *
 * @param model  The model.
 * @return Path: what the manifest says, joined to the manifest's folder. Borrowed from the model; NULL if the manifest
 * names none, or if there was no manifest. The file need not exist.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API const char *xai_model_hierarchy(const xai_model *model);

/**
 * Copy the weights of the layer that the model decides with: the last linear layer or 1x1 convolution.
 *
 * @param[out] out  C x K, a row a class, one reference. NULL on failure.
 * @param model     The model.
 * @return 0; XAI_E_UNSUPPORTED if the network does not end with such a layer; XAI_E_NO_MEMORY.
 *
 * xai_tree_induce() builds a hierarchy from them. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_model_class_weights(xai_tensor **out, const xai_model *model);

/**
 * Name a class.
 *
 * @param model        The model.
 * @param class_index  0 to xai_model_n_classes() - 1.
 * @return Its label, borrowed from the model; NULL if the index is out of range or the model has no labels.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API const char *xai_model_label(const xai_model *model, int64_t class_index);

/**
 * Find a class by index or label.
 *
 * @param[out] out  Class index. -1 on failure, and for "top".
 * @param model     The model.
 * @param text      A decimal index, a label in full or up to its first comma, or "top".
 * @return 0; XAI_E_NOT_FOUND; XAI_E_INVALID if two labels fit (the message names both).
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_model_find_class(int64_t *out, const xai_model *model, const char *text);

/** Count the values that can be hooked. @param model  The model. @return Their number. Any thread. @since 0.1 */
XAI_API size_t xai_model_n_layers(const xai_model *model);

/**
 * Describe one value that can be hooked, in the order in which they are computed.
 *
 * @param[out] out  Filled; the caller sets struct_size first.
 * @param model     The model.
 * @param index     0 to xai_model_n_layers() - 1.
 * @return 0; XAI_E_INVALID for a bad index; XAI_E_ABI; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_model_layer(xai_layer *out, xai_model *model, size_t index);

/**
 * Count what training changes: weights and biases of convolutions, linear layers and batch norms.
 *
 * What several layers share, and what a layer that is called twice computes with, counts once, as in PyTorch's
 * named_parameters(): it has the name of the layer that is computed first.
 *
 * @param model  The model.
 * @return Their number, of tensors, not of elements.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API size_t xai_model_n_parameters(const xai_model *model);

/**
 * Name a parameter as the state dict does, such as "layer4.1.conv2.weight".
 *
 * @param model     The model.
 * @param index     0 to xai_model_n_parameters() - 1, in the order in which layers are computed.
 * @param buffer    Where the NUL-terminated name goes; may be NULL if @p capacity is 0.
 * @param capacity  Size of @p buffer in bytes.
 * @return Length of the whole name without its NUL, as snprintf does; 0 if @p index is out of range.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API size_t xai_model_parameter_name(const xai_model *model, size_t index, char *buffer, size_t capacity);

/**
 * Read the shape of a parameter.
 *
 * @param model     The model.
 * @param index     0 to xai_model_n_parameters() - 1.
 * @param shape     Receives the first @p capacity extents.
 * @param capacity  Room in @p shape.
 * @return The rank; 0 if @p index is out of range.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API size_t xai_model_parameter_shape(const xai_model *model, size_t index, int64_t *shape, size_t capacity);

/**
 * Rewrite a weight file as safetensors.
 *
 * @param context  Context.
 * @param in       .safetensors, .pth or .th.
 * @param out      File to write. It appears whole or not at all. Nested names are joined by dots; types are kept.
 * @return 0; XAI_E_IO; XAI_E_FORMAT if @p in is damaged or has no tensor; XAI_E_UNSUPPORTED; XAI_E_LIMIT if its tensors
 * share so many elements that @p out would be far larger; XAI_E_INVALID for a NULL, or a tensor named "__metadata__",
 * which the format keeps for itself; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_weights_convert(xai_context *context, const char *in, const char *out);

#ifdef __cplusplus
}
#endif
#endif
