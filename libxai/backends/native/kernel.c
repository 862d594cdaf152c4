/* SPDX-License-Identifier: MIT
 * What all native kernels share: their epilogue and the grid of their tasks. */
#include "backends/native/kernel.h"

/* A row a spelling of the desc; AFFINE has three and is told apart by its arrays. */
static const struct spelling {
    uint32_t kind, function, code;
} spellings[] = {
    { XAI__ADD, 0, XAI__DO_ADD },
    { XAI__MUL, 0, XAI__DO_MUL },
    { XAI__ACT, XAI__RELU, XAI__DO_RELU },
    { XAI__ACT, XAI__CLIP, XAI__DO_CLIP },
    { XAI__ACT, XAI__HARD_SIGMOID, XAI__DO_HARD_SIGMOID },
    { XAI__ACT, XAI__HARD_SWISH, XAI__DO_HARD_SWISH },
    { XAI__MASK, XAI__MASK_POSITIVE, XAI__DO_POSITIVE },
    { XAI__MASK, XAI__MASK_SEED, XAI__DO_SEED },
    { XAI__MASK, XAI__MASK_BOTH, XAI__DO_BOTH },
    { XAI__MASK, XAI__MASK_INSIDE, XAI__DO_INSIDE },
};

static bool find_code(uint32_t *code, const xai__stage *stage)
{
    if (stage->kind == XAI__AFFINE) {
        *code = stage->scale == NULL ? XAI__DO_SHIFT : stage->shift == NULL ? XAI__DO_SCALE : XAI__DO_AFFINE;
        return stage->scale != NULL || stage->shift != NULL;
    }
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        const struct spelling *s = &spellings[i];

        if (s->kind == stage->kind && (s->function == stage->function || s->kind == XAI__ADD || s->kind == XAI__MUL)) {
            *code = s->code;
            return true;
        }
    }
    return false;
}

/* The caller says so too; believing neither alone, a wrong flag cannot leave rubbish in the lanes beyond C. */
static bool keeps_zero(const xai__native_stage *stage)
{
    if (stage->rare_code == XAI__DO_CLIP)
        return stage->low <= 0.0f && stage->high >= 0.0f;
    return stage->rare_code != XAI__DO_HARD_SIGMOID;
}

static bool init_stage(xai__native_stage *out, const xai__stage *stage, bool has_tail)
{
    if (!find_code(&out->rare_code, stage))
        return false;
    out->low = out->rare_code == XAI__DO_HARD_SWISH ? 1.0f / 6.0f : stage->low;
    out->high = out->rare_code == XAI__DO_HARD_SWISH ? 0.5f : stage->high;
    out->scale = stage->scale;
    out->shift = stage->shift;
    out->operand = stage->operand;
    out->zero_tail = has_tail && (!stage->keeps_zero || !keeps_zero(out));
    out->code = out->zero_tail || out->rare_code > XAI__DO_RARE ? XAI__DO_RARE : out->rare_code;
    return true;
}

bool xai__epilogue_init(xai__native_epilogue *epilogue, const xai__op_desc *desc, bool has_tail)
{
    if (desc->n_stages > XAI__MAX_STAGES)
        return false;
    epilogue->n_stages = desc->n_stages;
    epilogue->n_channels = (uint32_t)desc->out_c;
    for (uint32_t i = 0; i < desc->n_stages; i++)
        if (!init_stage(&epilogue->stages[i], &desc->stages[i], has_tail))
            return false;
    return true;
}

/* A task should take about 70 us; its weights should stay in the second-level cache from row to row. Less than
 * LEAST_COST is not worth another task. */
enum { TASK_COST = 200000, TASK_WEIGHTS = 600 << 10, TASK_PIXELS = 32, LEAST_COST = 15000 };

/* Fewer blocks than there are, where one row of all of them is too much work or their weights too large. */
static int32_t plan_blocks(const xai__native_kernel *k, int64_t block_cost, size_t weight_bytes)
{
    int64_t most = xai__smaller(k->n_blocks, TASK_COST / block_cost);
    int64_t n_groups, even;

    if (weight_bytes > 0)
        most = xai__smaller(most, (int64_t)(TASK_WEIGHTS / weight_bytes));
    most = xai__larger(most, 2);
    n_groups = (k->n_blocks + most - 1) / most;
    even = (k->n_blocks + n_groups - 1) / n_groups;
    return (int32_t)xai__smaller(even + (even & 1), k->n_blocks); /* tiles like two blocks */
}

/* Large maps are cut into rows, but a task reads all its weights again; of small maps a task takes several images. */
static int32_t plan_rows(const xai__native_kernel *k, int64_t row_cost, bool has_weights)
{
    int64_t n_rows = k->desc.out_h;
    int64_t n_tasks = (row_cost * n_rows + TASK_COST / 2) / TASK_COST;

    if (has_weights)
        n_tasks = xai__smaller(n_tasks, n_rows * k->desc.out_w / TASK_PIXELS);
    if (n_tasks > 1)
        return (int32_t)((n_rows + xai__smaller(n_tasks, n_rows) - 1) / xai__smaller(n_tasks, n_rows));
    return (int32_t)(n_rows * xai__smaller(xai__larger(TASK_COST / (row_cost * n_rows), 1), 16));
}

/* Two threads share an odd number of tasks badly: one more, or one less if that cuts the rows evenly. */
static void balance(xai__native_kernel *k, int64_t block_cost)
{
    const int32_t n_rows = k->desc.out_h;
    const int32_t n_shares = (k->n_blocks + k->task_blocks - 1) / k->task_blocks;
    const int32_t n_chunks = k->task_rows < n_rows ? (n_rows + k->task_rows - 1) / k->task_rows : 1;
    int32_t wanted = n_chunks + 1;

    if (n_shares * n_chunks % 2 == 0 || block_cost * k->n_blocks * n_rows < 2 * LEAST_COST)
        return;
    if (n_chunks > 1 && n_rows % (n_chunks - 1) == 0 && n_rows % wanted != 0)
        wanted = n_chunks - 1;
    if (n_chunks == 1 && k->n_blocks >= 4 && n_rows % 2 != 0)
        k->task_blocks = (k->n_blocks + n_shares) / (n_shares + 1);
    else if (n_rows >= wanted)
        k->task_rows = (n_rows + wanted - 1) / wanted;
    else
        k->task_blocks = (k->n_blocks + n_shares) / (n_shares + 1);
}

void xai__grid_plan(xai__native_kernel *kernel, int64_t cost, size_t weight_bytes)
{
    int64_t block_cost = xai__larger(xai__smaller(cost * kernel->desc.out_w, INT32_MAX), 1);

    kernel->task_blocks = plan_blocks(kernel, block_cost, weight_bytes);
    kernel->task_rows = plan_rows(kernel, block_cost * kernel->task_blocks, weight_bytes > 0);
    balance(kernel, block_cost);
}

void xai__each_group(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part,
                     xai__group_fn *function)
{
    const int32_t group_blocks = kernel->n_blocks / (int32_t)kernel->desc.groups;
    xai__part rest = *part;

    while (rest.first_block < part->end_block) {
        int32_t group = rest.first_block / group_blocks, group_end = (group + 1) * group_blocks;

        rest.end_block = group_end < part->end_block ? group_end : part->end_block;
        function(kernel, args, &rest, group);
        rest.first_block = rest.end_block;
    }
}

xai__window xai__window_of(const xai__native_kernel *kernel, const xai__args *args, size_t image)
{
    if (args->windows != NULL)
        return args->windows[image];
    return (xai__window){ 0, kernel->desc.out_h, 0, kernel->desc.out_w };
}

static int64_t rows_of(xai__window window)
{
    return window.x0 < window.x1 && window.y0 < window.y1 ? window.y1 - window.y0 : 0;
}

static size_t count_up(int64_t count, int64_t size)
{
    return (size_t)((count + size - 1) / size);
}

/* Rows are counted through all images, so a task may end in the middle of one and go on in the next. */
size_t xai__grid_n_tasks(const xai__native_kernel *kernel, const xai__args *args)
{
    int64_t n_rows = 0;

    if (args->windows == NULL)
        n_rows = (int64_t)args->n_images * kernel->desc.out_h;
    for (size_t i = 0; args->windows != NULL && i < args->n_images; i++)
        n_rows += rows_of(args->windows[i]);
    return count_up(kernel->n_blocks, kernel->task_blocks) * count_up(n_rows, kernel->task_rows);
}

/* Images of one row each, [row, end_row) of them. */
static void join_images(const xai__native_kernel *kernel, const xai__args *args, xai__part *part, int64_t row,
                        int64_t end_row, float *scratch)
{
    part->image = (size_t)row;
    part->n_images = (size_t)(xai__smaller(end_row, (int64_t)args->n_images) - row);
    part->window = xai__window_of(kernel, args, 0);
    kernel->method->part(kernel, args, part, scratch);
}

/* Tasks of the same blocks follow each other, so that a thread keeps their weights in its cache. */
void xai__grid_task(const xai__native_kernel *kernel, const xai__args *args, size_t index, float *scratch)
{
    size_t n_chunks = xai__grid_n_tasks(kernel, args) / count_up(kernel->n_blocks, kernel->task_blocks);
    int64_t row = (int64_t)(index % n_chunks) * kernel->task_rows, end_row = row + kernel->task_rows;
    xai__part part = { .n_images = 1, .first_block = (int32_t)(index / n_chunks) * kernel->task_blocks };
    int64_t first_row = 0; /* of the image, counted through all */

    part.end_block = (int32_t)xai__smaller(part.first_block + kernel->task_blocks, kernel->n_blocks);
    if (kernel->method->joins_images && kernel->desc.out_h == 1 && args->windows == NULL) {
        join_images(kernel, args, &part, row, end_row, scratch);
        return;
    }
    for (part.image = 0; part.image < args->n_images && first_row < end_row; part.image++) {
        xai__window window = xai__window_of(kernel, args, part.image);
        int64_t n_rows = rows_of(window), top = window.y0;

        window.y0 = (int32_t)(top + xai__larger(row - first_row, 0));
        window.y1 = (int32_t)(top + xai__smaller(end_row - first_row, n_rows));
        first_row += n_rows;
        part.window = window;
        if (window.y0 < window.y1)
            kernel->method->part(kernel, args, &part, scratch);
    }
}
