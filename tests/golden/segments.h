/* SPDX-License-Identifier: MIT
 * What scikit-image's segmentations give. Made by make_segments.py with
 * scikit-image 0.26.0, Pillow 13.0.0; do not edit. */
#ifndef XAI_GOLDEN_SEGMENTS_H
#define XAI_GOLDEN_SEGMENTS_H

#include <xai/segments.h>

/* clang-format off */

static const struct {
    const char *path; /* empty: the drawn picture */
    uint32_t count, labels, lines;
    xai_segment_options options;
} cut[] = {
    { "", 2, 0xcc9623bf, 0xb130a238,
      { .method = "quickshift" } },
    { "", 50, 0x8c743f65, 0xe1439ea0,
      { .method = "quickshift", .kernel_size = 3, .max_dist = 6, .ratio = 0.5, .sigma = 1, .seed = 7, .flags = XAI_SEGMENT_SET_SEED } },
    { "", 76, 0xe9c3ade3, 0xa5d9952f,
      { .method = "slic" } },
    { "", 70, 0xd2d11a2b, 0x0f48fcb1,
      { .method = "slic", .n_segments = 60, .compactness = 3, .sigma = 1.5, .flags = XAI_SEGMENT_KEEP_FRAGMENTS } },
    { "", 32, 0x727f8f43, 0x8aa90b95,
      { .method = "felzenszwalb" } },
    { "", 42, 0x91a565c9, 0x4322fddd,
      { .method = "felzenszwalb", .scale = 300, .sigma = 0.5, .min_size = 20 } },
    { "images/lime/cat_mouse.jpg", 212, 0xa261441e, 0xfcdb81a8,
      { .method = "quickshift" } },
    { "images/lime/cat_mouse.jpg", 1344, 0x8fba3f3c, 0x96cfac06,
      { .method = "quickshift", .kernel_size = 3, .max_dist = 6, .ratio = 0.5, .sigma = 1, .seed = 7, .flags = XAI_SEGMENT_SET_SEED } },
    { "images/lime/cat_mouse.jpg", 43, 0xdaad3338, 0x01433f43,
      { .method = "slic" } },
    { "images/lime/cat_mouse.jpg", 60, 0xe0dc47d9, 0xb070b406,
      { .method = "slic", .n_segments = 60, .compactness = 3, .sigma = 1.5, .flags = XAI_SEGMENT_KEEP_FRAGMENTS } },
    { "images/lime/cat_mouse.jpg", 704, 0x5b0e69f2, 0xb18a98ce,
      { .method = "felzenszwalb" } },
    { "images/lime/cat_mouse.jpg", 735, 0x3cb6f5f5, 0x39be55c0,
      { .method = "felzenszwalb", .scale = 300, .sigma = 0.5, .min_size = 20 } },
    { "images/pytorch-grad-cam/both.png", 37, 0x43fe3a90, 0xb2485082,
      { .method = "quickshift" } },
    { "images/pytorch-grad-cam/both.png", 174, 0xbd4d9afd, 0x405f438b,
      { .method = "quickshift", .kernel_size = 3, .max_dist = 6, .ratio = 0.5, .sigma = 1, .seed = 7, .flags = XAI_SEGMENT_SET_SEED } },
    { "images/pytorch-grad-cam/both.png", 78, 0xe9c7a583, 0xf62b5150,
      { .method = "slic" } },
    { "images/pytorch-grad-cam/both.png", 64, 0x60c3c5e7, 0x880f4b7a,
      { .method = "slic", .n_segments = 60, .compactness = 3, .sigma = 1.5, .flags = XAI_SEGMENT_KEEP_FRAGMENTS } },
    { "images/pytorch-grad-cam/both.png", 126, 0x8043ff3c, 0xf6c3e650,
      { .method = "felzenszwalb" } },
    { "images/pytorch-grad-cam/both.png", 112, 0x71ee4e9b, 0xeb8cea2a,
      { .method = "felzenszwalb", .scale = 300, .sigma = 0.5, .min_size = 20 } },
    { "images/scikit-image/chelsea.png", 97, 0xee2bfc9c, 0x2b083ad0,
      { .method = "quickshift" } },
    { "images/scikit-image/chelsea.png", 413, 0xf20cda57, 0x85833c65,
      { .method = "quickshift", .kernel_size = 3, .max_dist = 6, .ratio = 0.5, .sigma = 1, .seed = 7, .flags = XAI_SEGMENT_SET_SEED } },
    { "images/scikit-image/chelsea.png", 75, 0xb19d05b6, 0x2ce1be31,
      { .method = "slic" } },
    { "images/scikit-image/chelsea.png", 60, 0x9cfcd5bf, 0x8a7ff63f,
      { .method = "slic", .n_segments = 60, .compactness = 3, .sigma = 1.5, .flags = XAI_SEGMENT_KEEP_FRAGMENTS } },
    { "images/scikit-image/chelsea.png", 167, 0xc545fe58, 0x0e015d9f,
      { .method = "felzenszwalb" } },
    { "images/scikit-image/chelsea.png", 149, 0x94a73638, 0x5ecd5b39,
      { .method = "felzenszwalb", .scale = 300, .sigma = 0.5, .min_size = 20 } },
    { "images/scikit-image/rocket.jpg", 189, 0x4e4a8141, 0x0fb09c8f,
      { .method = "quickshift" } },
    { "images/scikit-image/rocket.jpg", 838, 0xa46ba308, 0xa00d4a8d,
      { .method = "quickshift", .kernel_size = 3, .max_dist = 6, .ratio = 0.5, .sigma = 1, .seed = 7, .flags = XAI_SEGMENT_SET_SEED } },
    { "images/scikit-image/rocket.jpg", 68, 0xf0ecc106, 0xbd5ee9eb,
      { .method = "slic" } },
    { "images/scikit-image/rocket.jpg", 60, 0xdb241c66, 0x73091420,
      { .method = "slic", .n_segments = 60, .compactness = 3, .sigma = 1.5, .flags = XAI_SEGMENT_KEEP_FRAGMENTS } },
    { "images/scikit-image/rocket.jpg", 353, 0x65825c22, 0x5f6656ae,
      { .method = "felzenszwalb" } },
    { "images/scikit-image/rocket.jpg", 313, 0xae6cea33, 0xe3680ebb,
      { .method = "felzenszwalb", .scale = 300, .sigma = 0.5, .min_size = 20 } },
};

#endif
