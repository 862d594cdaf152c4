/* SPDX-License-Identifier: MIT
 * Every kernel on every instruction set of this machine: random shapes, stages and data.
 *
 * Usage: kernels [--level NAME] [--cases N] [--seed N] | --bench [--level NAME]. Prints TAP. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "checks.h"
#include "core/context.h"
#include "core/error.h"
#include "weights.h"

static int n_tests, n_failed;

static void report(bool good, const char *level, const char *what)
{
    n_tests++;
    n_failed += !good;
    printf("%s %d - %s %s\n", good ? "ok" : "not ok", n_tests, level, what);
    fflush(stdout);
}

/* Plain layouts suit backends that know no blocks. */
static bool try_random(const runner *r, enum family family, uint64_t seed, bool is_plain)
{
    xai__rng rng;
    uint32_t n_images, n_stages;
    enum mode mode;
    problem p;
    shape s;
    bool good;

    xai__rng_seed(&rng, seed);
    s = shape_random(&rng, family);
    if (is_plain)
        s.in_layout = s.out_layout = XAI__PLAIN;
    n_images = rng_int(&rng, 0, 2) == 0 ? 1 : MAX_IMAGES;
    n_stages = (uint32_t)rng_int(&rng, 0, 2) == 0 ? 0 : (uint32_t)rng_int(&rng, 1, XAI__MAX_STAGES);
    mode = (enum mode)rng_int(&rng, 0, N_MODES - 1);
    problem_make(&p, &s, seed, mode, n_images, n_stages);
    good = is_plain ? check_results(r, &p) : check_problem(r, &p);
    problem_free(&p);
    return good;
}

static void try_family(const runner *r, enum family family, uint64_t seed, size_t cases, bool is_plain)
{
    bool good = true;

    for (size_t i = 0; i < cases && good; i++)
        good = try_random(r, family, seed + (uint64_t)family * 1000003 + i, is_plain);
    report(good, r->level, family_names[family]);
}

/* Shapes of networks that the random ones are too small for. */
static void try_networks(const runner *r)
{
    static const shape shapes[] = {
        { XAI__CONV, 3, 113, 112, 64, { 7, 7 }, { 2, 2 }, { 1, 1 }, { 3, 3, 3, 3 }, 1, 0, 0, XAI__PLAIN, XAI__BLOCKED },
        { XAI__CONV, 3, 112, 112, 32, { 3, 3 }, { 2, 2 }, { 1, 1 }, { 0, 0, 1, 1 }, 1, 0, 0, XAI__PLAIN, XAI__BLOCKED },
        { XAI__CONV,
          64,
          56,
          56,
          64,
          { 3, 3 },
          { 1, 1 },
          { 1, 1 },
          { 1, 1, 1, 1 },
          1,
          0,
          0,
          XAI__BLOCKED,
          XAI__BLOCKED },
        { XAI__CONV,
          512,
          7,
          7,
          512,
          { 3, 3 },
          { 1, 1 },
          { 1, 1 },
          { 1, 1, 1, 1 },
          1,
          0,
          0,
          XAI__BLOCKED,
          XAI__BLOCKED },
        { XAI__CONV,
          144,
          57,
          56,
          144,
          { 5, 5 },
          { 2, 2 },
          { 1, 1 },
          { 1, 1, 2, 2 },
          144,
          0,
          0,
          XAI__BLOCKED,
          XAI__BLOCKED },
        { XAI__CONV_DATA,
          64,
          57,
          56,
          3,
          { 7, 7 },
          { 2, 2 },
          { 1, 1 },
          { 3, 3, 3, 3 },
          1,
          0,
          0,
          XAI__BLOCKED,
          XAI__PLAIN },
        { XAI__CONV_DATA,
          40,
          56,
          57,
          3,
          { 3, 3 },
          { 2, 2 },
          { 1, 1 },
          { 0, 0, 1, 1 },
          1,
          0,
          0,
          XAI__BLOCKED,
          XAI__PLAIN },
        { XAI__GEMM, 512, 1, 1, 1000, { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0, 0, 0, 0 }, 1, 0, 0, XAI__PLAIN, XAI__PLAIN },
        { XAI__POOL,
          64,
          112,
          112,
          64,
          { 3, 3 },
          { 2, 2 },
          { 1, 1 },
          { 1, 1, 1, 1 },
          1,
          XAI__POOL_MAX,
          0,
          XAI__BLOCKED,
          XAI__BLOCKED },
        { XAI__MAP, 3, 224, 224, 3, { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0, 0, 0, 0 }, 1, 0, 0, XAI__PLAIN, XAI__BLOCKED },
    };

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char name[64];
        problem p;

        problem_make(&p, &shapes[i], 31 + i, i % 2 ? MODE_RANDOM : MODE_EXACT, 2, 2);
        snprintf(name, sizeof name, "network shape %zu", i);
        report(check_problem(r, &p), r->level, name);
        problem_free(&p);
    }
}

/* Taps in the padding are left out: weights that are not finite leave the outputs alone that they do not reach. */
static void try_padding(const runner *r, uint64_t seed)
{
    bool good = true;

    for (uint64_t i = 0; i < 60 && good; i++) {
        xai__rng rng;
        problem p;
        shape s;

        xai__rng_seed(&rng, seed + i);
        s = shape_random(&rng, i % 3 == 0 ? FEW : FEW_DATA);
        s.out_layout = XAI__PLAIN;
        problem_make(&p, &s, seed + i, MODE_EXTREME, 1, 0);
        p.weights[(size_t)rng_int(&rng, 0, (int32_t)p.n_weights - 1)] = i % 2 == 0 ? INFINITY : NAN;
        good = check_problem(r, &p);
        problem_free(&p);
    }
    report(good, r->level, "leaves out the padding");
}

/* Packed weights outlive a plan: levels must agree on the bytes. */
static void try_packing(const runner *a, const runner *b, enum family first, enum family end, uint64_t seed)
{
    bool good = true;

    for (uint64_t i = 0; i < 40 && good; i++) {
        xai__rng rng;
        problem p;
        planned ka, kb;
        shape s;

        xai__rng_seed(&rng, seed + i);
        s = shape_random(&rng, (enum family)(first + i % (end - first)));
        problem_make(&p, &s, seed + i, MODE_RANDOM, 1, 0);
        ka = runner_plan(a, &p, 0);
        kb = runner_plan(b, &p, 0);
        good = ka.kernel->packing.format == kb.kernel->packing.format && ka.kernel->packing.format != 0 &&
               ka.kernel->packing.bytes == kb.kernel->packing.bytes &&
               memcmp(ka.packed, kb.packed, ka.kernel->packing.bytes) == 0;
        /* Costs differ between levels, and with them the method. */
        good = good || strcmp(strrchr(ka.kernel->name, '/'), strrchr(kb.kernel->name, '/')) != 0;
        runner_free(a, &ka);
        runner_free(b, &kb);
        problem_free(&p);
    }
    report(good, b->level, "packs weights as the best level does");
}

/* Two orders of the same weights must not share a place in the cache. */
static void try_formats(const runner *r)
{
    shape s = { XAI__CONV, 3, 8, 8, 16, { 3, 3 }, { 1, 1 }, { 1, 1 }, { 0 }, 1, 0, 0, XAI__PLAIN, XAI__BLOCKED };
    problem stem, direct;
    planned a, b;

    problem_make(&stem, &s, 5, MODE_RANDOM, 1, 0);
    s.in_layout = XAI__BLOCKED;
    problem_make(&direct, &s, 5, MODE_RANDOM, 1, 0);
    a = runner_plan(r, &stem, 0);
    b = runner_plan(r, &direct, 0);
    report(a.kernel->packing.bytes != b.kernel->packing.bytes && a.kernel->packing.format != b.kernel->packing.format,
           r->level, "tells formats apart");
    runner_free(r, &a);
    runner_free(r, &b);
    problem_free(&stem);
    problem_free(&direct);
}

/* What the backend must decline, so that somebody else is asked. */
static void try_declined(const runner *r)
{
    static const xai__stage sigmoid = { .kind = XAI__ACT, .function = XAI__SIGMOID, .operand = -1 };
    const xai__op_desc map = { .op = XAI__MAP,
                               .n_stages = 1,
                               .groups = 1,
                               .in_c = 3,
                               .in_h = 4,
                               .in_w = 4,
                               .out_c = 3,
                               .out_h = 4,
                               .out_w = 4,
                               .stages = &sigmoid };
    xai__op_desc conv = map;
    xai__kernel *kernel;
    bool good;

    conv.op = XAI__CONV_WEIGHTS;
    conv.n_stages = 0;
    good = xai__chain_plan(&kernel, r->chain, &map) == XAI_E_UNSUPPORTED && kernel == NULL &&
           xai__chain_plan(&kernel, r->chain, &conv) == XAI_E_UNSUPPORTED && kernel == NULL;
    report(good, r->level, "declines what it has not");
}

static void try_registry(void)
{
    xai_context_options options = { .struct_size = sizeof options, .backends = "ref" };
    xai_context *context = NULL;
    xai__chain *chain = NULL;
    xai__kernel *kernel;
    const xai__op_desc map = {
        .op = XAI__MAP, .groups = 1, .in_c = 3, .in_h = 4, .in_w = 4, .out_c = 3, .out_h = 4, .out_w = 4
    };

    report(xai__backends_check("native") == XAI_OK && xai__backends_check("native, ref") == XAI_OK, "names", "known");
    report(xai__backends_check("native,nativ") == XAI_E_NOT_FOUND && strstr(xai_last_error(), "'nativ'") != NULL &&
               strstr(xai_last_error(), "native-baseline, ref") != NULL,
           "names", "unknown");
    report(xai__backends_check("") == XAI_E_NOT_FOUND && xai__backends_check("native,,ref") == XAI_E_NOT_FOUND, "names",
           "empty");
    report(xai__backends_check("ref,ref,ref,ref,ref,ref,ref,ref,ref") == XAI_E_LIMIT, "names", "too many");
    report(xai_context_create(&context, &options) == XAI_OK && xai__chain_open(&chain, context) == XAI_OK &&
               xai__chain_plan(&kernel, chain, &map) == XAI_E_UNSUPPORTED && xai__chain_is_exact(chain),
           "chain", "ref takes nothing");
    xai__chain_close(chain);
    xai_context_unref(context);
}

typedef struct options {
    const char *level;
    size_t cases;
    uint64_t seed;
    bool bench;
} options;

static bool read_options(options *o, int argc, char **argv)
{
    const char *cases = getenv("XAI_KERNEL_CASES");

    *o = (options){ .cases = cases != NULL ? strtoul(cases, NULL, 10) : 150, .seed = 1 };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--bench") == 0)
            o->bench = true;
        else if (strcmp(argv[i], "--level") == 0 && i + 1 < argc)
            o->level = argv[++i];
        else if (strcmp(argv[i], "--cases") == 0 && i + 1 < argc)
            o->cases = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            o->seed = strtoull(argv[++i], NULL, 10);
        else
            return false;
    }
    return true;
}

/* Winograd's filtering where it does not pay too: on maps smaller than a tile, of few channels. */
static void try_winograd(const runner *r, const runner *best, const options *o, int32_t tile)
{
    xai__level level, best_level;
    runner favouring = *r, best_favouring = *best;
    char what[32];
    bool good = true;

    runner_favour(&favouring, &level, tile);
    runner_favour(&best_favouring, &best_level, tile);
    for (size_t i = 0; i < o->cases && good; i++)
        good = try_random(&favouring, FILTER, o->seed + (uint64_t)tile * 1000003 + i, false);
    snprintf(what, sizeof what, "winograd %dx%d", tile, tile);
    report(good, r->level, what);
    try_packing(&best_favouring, &favouring, FILTER, FILTER + 1, o->seed);
}

static void try_weights(const runner *r, const options *o)
{
    bool good = true;

    for (size_t i = 0; i < o->cases && good; i++)
        good = weights_check(r, o->seed + 17 * 1000003 + i);
    report(good, r->level, "weights");
}

static void try_level(const runner *r, const runner *best, const options *o)
{
    for (enum family family = DENSE; family < N_FAMILIES; family++)
        try_family(r, family, o->seed, o->cases, false);
    try_weights(r, o);
    if (o->cases >= 100)
        try_networks(r);
    try_winograd(r, best, o, 2);
    try_winograd(r, best, o, 4);
    try_packing(best, r, DENSE, MATRIX + 1, o->seed);
    try_packing(best, r, FEW, FEW_DATA + 1, o->seed);
    try_padding(r, o->seed);
    try_formats(r);
    try_declined(r);
}

/* The vtable's other backend, where it is built in. */
static void try_openblas(const options *o)
{
    runner r;

    if (!runner_open_backend(&r, "openblas")) {
        printf("ok %d - openblas # SKIP %s\n", ++n_tests, xai_last_error());
        return;
    }
    for (enum family family = DENSE; family <= MATRIX; family++)
        try_family(&r, family, o->seed, o->cases, true);
    try_declined(&r);
    report(!xai__chain_is_exact(r.chain), r.level, "makes no promise of bits");
    runner_close(&r);
}

int main(int argc, char **argv)
{
    static const char *const levels[] = { "avx512", "avx2", "baseline" };
    runner best = { 0 };
    options o;

    if (!read_options(&o, argc, argv)) {
        fprintf(stderr, "usage: kernels [--level NAME] [--cases N] [--seed N] | --bench [--level NAME]\n");
        return 2;
    }
    if (!o.bench)
        try_registry();
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        runner r;

        if (best.chain == NULL)
            runner_open(&best, levels[i]);
        if (o.level != NULL && strcmp(o.level, levels[i]) != 0)
            continue;
        if (!runner_open(&r, levels[i])) {
            printf("ok %d - %s # SKIP %s\n", ++n_tests, levels[i], xai_last_error());
            continue;
        }
        if (o.bench) {
            bench_level(&r);
            weights_bench(&r);
        } else {
            try_level(&r, &best, &o);
        }
        runner_close(&r);
    }
    runner_close(&best);
    if (!o.bench && (o.level == NULL || strcmp(o.level, "openblas") == 0))
        try_openblas(&o);
    if (!o.bench)
        printf("1..%d\n", n_tests);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
