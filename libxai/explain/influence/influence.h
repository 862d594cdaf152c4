/* SPDX-License-Identifier: MIT
 * Influence as its parts see it: training sets, the softmax layer over their features, Hessians and solvers. */
#ifndef XAI__EXPLAIN_INFLUENCE_INFLUENCE_H
#define XAI__EXPLAIN_INFLUENCE_INFLUENCE_H

#include <stdbool.h>

#include <xai/influence.h>

#include "core/object.h"
#include "explain/cholesky.h"
#include "explain/dot.h"
#include "io/file.h"

typedef struct xai__hessian xai__hessian;

/* --- training sets --- */

/* Lines of a list file, or the examples of a callback. */
typedef struct xai__examples {
    xai_context *context;
    size_t n;
    char **paths; /* as they stand in the list; NULL: a callback gives the pictures */
    int64_t *labels;
    char *folder; /* that paths are relative to, with its slash; empty: the working folder */
    xai_example_fn example;
    void *user;
    uint32_t flags; /* of enum xai_training_flags */
} xai__examples;

struct xai_training {
    xai__object object;
    xai_session *session;  /* NULL: features alone */
    int32_t layer, logits; /* the values that features and logits are, -1 without a session */
    xai__examples examples;
    size_t n, n_features, n_classes;
    size_t n_inputs; /* n_features, and a 1 for the bias if the layer has one */
    double *weights; /* n_classes x n_inputs */
    const float *features;
    size_t stride;      /* floats from one example's features to the next */
    xai_tensor *tensor; /* whose elements they are, or */
    float *block;       /* or */
    xai__file cache;    /* or */
};

/* influence_list.c: reads the lines of a list; labels are looked up in the model. Takes zeroed examples with a context;
 * fini takes half-read ones. */
xai_status xai__examples_read(xai__examples *out, const xai__file *file, const xai_model *model);
void xai__examples_fini(xai__examples *examples);

/* The picture of an example, and a number that changes with it (of its path and length; 0 where a callback gives it).
 */
xai_status xai__examples_image(xai_image **out, const xai__examples *examples, size_t index);
xai_status xai__examples_key(uint64_t *out, const xai__examples *examples, size_t index);

/* What a cache must be about. */
typedef struct xai__features_kind {
    uint64_t model; /* its digest */
    uint64_t layer; /* a digest of its name */
    uint64_t n_features;
} xai__features_kind;

/* influence_cache.c: a file of features. A header, then records of one size: key, digest, features. Numbers are in the
 * byte order of the machine that wrote it, which the header states. */
enum { XAI__FEATURES_HEADER = 64, XAI__FEATURES_RECORD = 16 };

typedef struct xai__features_writer {
    xai_context *context;
    xai__features_kind kind;
    int fd; /* locked while it is open */
    char *name;
    unsigned char *record; /* the one that is being written */
    size_t n_records;      /* whole ones */
} xai__features_writer;

/* Checks a whole file; *n_records are complete. A last record that is cut off does not count and is no error. */
xai_status xai__features_check(size_t *n_records, const xai__file *file, const xai__features_kind *kind);
uint64_t xai__features_key(const xai__file *file, const xai__features_kind *kind, size_t record);
const float *xai__features_at(const xai__file *file, const xai__features_kind *kind, size_t record);

/* Opens a file to add records to, and makes it if it is not there. Close it in either case. */
xai_status xai__features_writer_open(xai__features_writer *writer, xai_context *context, const char *path,
                                     const xai__features_kind *kind);
xai_status xai__features_writer_add(xai__features_writer *writer, uint64_t key, const float *features);
void xai__features_writer_close(xai__features_writer *writer);

/* influence_features.c: inputs of the deciding layer for N prepared pictures, N x n_features. */
xai_status xai__training_features(xai_tensor **out, const xai_training *training, const xai_tensor *inputs);

/* Pictures first to first + n of those listed (NULL: of all) as one tensor. */
xai_status xai__training_prepare(xai_tensor **out, const xai_training *training, const uint32_t *examples, size_t first,
                                 size_t n);

/* --- the softmax layer: all in double, rows of n_classes --- */

/* influence_softmax.c: n examples' features as they are fed. */
typedef struct xai__rows {
    const float *data;
    size_t n, stride;
} xai__rows;

/* Gradients of the loss with respect to the logits: softmax less one for the label. labels NULL: the softmax. */
void xai__softmax_residuals(double *out, const xai_training *training, const xai__rows *rows, const int64_t *labels);

/* out[c] = matrix[c] * (x, 1), the matrix being n_classes x n_inputs. */
void xai__softmax_apply(double *out, const xai_training *training, const double *matrix, const float *x);

/* Fills a record, and the gradient with respect to the layer if g is not NULL: n_classes x n_inputs. */
xai_status xai__softmax_look(xai_influence_record *record, double *g, double *residual, const xai_training *training,
                             const float *x, int64_t label);

/* --- Hessians and solvers --- */

/* A symmetric matrix that is only known by its products. */
struct xai__hessian {
    xai_context *context;
    size_t n, n_examples;
    double damping; /* on its diagonal, included in products over all examples */

    /* out = H v. examples NULL: the mean over all, with damping; else over these few, without. */
    xai_status (*multiply)(void *user, double *out, const double *v, const uint32_t *examples, size_t n_examples);
    void *user;
    const double *diagonal; /* of H, to precondition by; NULL: unknown */
};

typedef struct xai__solver_options {
    double tolerance, scale;
    uint32_t max_iterations, n_samples, batch;
    uint64_t seed;
    xai_progress_fn progress;
    void *user;
} xai__solver_options;

/* What became of a solve. */
typedef struct xai__solution {
    double residual;
    uint64_t n_iterations;
    bool is_stopped; /* by progress */
} xai__solution;

/* influence_solve.c: (H + damping) s = g. |A x - g| / |g|, where A's upper half stands above its factor; r has room for
 * n numbers. */
double xai__cholesky_residual(double *r, const double *factor, const double *diagonal, const double *x, const double *g,
                              size_t n);
xai_status xai__solve_cg(double *s, xai__solution *solution, const xai__hessian *h, const double *g,
                         const xai__solver_options *options);
xai_status xai__solve_lissa(double *s, xai__solution *solution, const xai__hessian *h, const double *g,
                            const xai__solver_options *options);

/* |H s - g| / |g|; 0 where both are. */
xai_status xai__solve_residual(double *out, const xai__hessian *h, const double *s, const double *g);

/* The largest eigenvalue, by power iteration from a seeded start. */
xai_status xai__solve_largest(double *out, const xai__hessian *h, uint64_t seed);

/* influence_hessian.c: the softmax layer's Hessian over a training set. */
typedef struct xai__softmax_hessian {
    const xai_training *training;
    double *probabilities; /* n x n_classes */
    double *diagonal;
    double damping;
} xai__softmax_hessian;

xai_status xai__softmax_hessian_init(xai__softmax_hessian *linear, xai__hessian *hessian, const xai_training *training,
                                     double damping);
void xai__softmax_hessian_fini(xai__softmax_hessian *linear);

/* The matrix itself, with damping, n x n. */
void xai__softmax_hessian_matrix(double *out, const xai__softmax_hessian *linear);

/* scores[i] = s' g_i of every training example, labels as they are. */
xai_status xai__softmax_hessian_scores(double *scores, const xai__softmax_hessian *linear, const double *s);

/* --- methods --- */

/* A method is a row. */
typedef struct xai__influence_method {
    const char *name;
    uint32_t options;  /* of enum xai__influence_options, that it has */
    bool has_features; /* asks with features, not with pictures */
    xai_status (*begin)(xai_influence *influence);
    xai_status (*ask)(double *scores, xai_influence_record *records, xai_influence *influence, const xai_tensor *inputs,
                      const int64_t *labels);
    xai_status (*self)(double *scores, double *residual, xai_influence *influence);
    void (*end)(xai_influence *influence);
} xai__influence_method;

enum xai__influence_options {
    XAI__INFLUENCE_SOLVES = 1,
    XAI__INFLUENCE_PRODUCT = 2,
    XAI__INFLUENCE_PARAMETERS = 4,
    XAI__INFLUENCE_RATES = 8,
    XAI__INFLUENCE_PROFILE = 16
};

enum xai__solver { XAI__SOLVER_CHOLESKY, XAI__SOLVER_CG, XAI__SOLVER_LISSA, XAI__N_SOLVERS };

struct xai_influence {
    xai__object object;
    const xai__influence_method *method;
    xai_training **checkpoints;
    size_t n_checkpoints;
    double *rates;
    xai_influence_options options; /* defaults filled in; texts and arrays are not kept */
    xai_run_options run;
    uint32_t solver;
    bool is_captum;
    xai__hessian hessian;
    xai__softmax_hessian softmax_hessian; /* last-layer */
    double *factor;                       /* last-layer by Cholesky */
    void *state;                          /* of other methods */
};

/* Solves by what the influence was told; refuses what is above the tolerance. */
xai_status xai__influence_solve(double *s, xai__solution *solution, const xai_influence *influence, const double *g);

/* LiSSA's scale, where it is left to us. */
xai_status xai__influence_choose_scale(xai_influence *influence);

extern const xai__influence_method xai__influence_last_layer, xai__influence_layers, xai__influence_tracin_fast,
    xai__influence_tracin;

#endif
