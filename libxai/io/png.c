/* SPDX-License-Identifier: MIT
 * PNG through libpng's row interface. libpng reports errors by longjmp; both ends of the jump are in this file, and
 * only libpng's own frames lie between them. */
#include "io/png.h"

#include <setjmp.h>
#include <string.h>

#include <png.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "io/exif.h"

enum { SIGNATURE_SIZE = 8, CHUNK_FRAME = 12 /* length, type, check sum */ };
enum { MAX_CHUNKS = 1000 };

/* All that happens between setjmp and longjmp is kept here rather than in local variables, which a jump may lose. */
typedef struct png_work {
    xai_context *context;
    png_structp png;
    png_infop info;
    char message[128]; /* libpng's own words */
    bool no_memory;

    const unsigned char *in; /* reading */
    size_t in_size, at;
    xai_image *image;
    xai_status status; /* of what failed between libpng's calls */

    unsigned char *out; /* writing */
    size_t out_size, capacity;
    const xai_image *source;
} png_work;

/* libpng may carry on without what it asked for, so that memory ran out is noted here and told only if it gives up. */
static void *allocate(png_structp png, size_t size)
{
    png_work *work = png_get_mem_ptr(png);
    void *data = xai__alloc(work->context, size);

    if (data == NULL)
        work->no_memory = true;
    return data;
}

static void release(png_structp png, void *data)
{
    png_work *work = png_get_mem_ptr(png);

    xai__free(work->context, data);
}

static PNG_NORETURN void on_error(png_structp png, const char *message)
{
    png_work *work = png_get_error_ptr(png);

    strncpy(work->message, message, sizeof work->message - 1);
    png_longjmp(png, 1);
}

/* Without this libpng prints its warnings; what it only warns of, it goes on after. */
static void on_warning(png_structp png, const char *message)
{
    (void)png;
    (void)message;
}

/* The only setjmp. False if libpng jumped. The function that calls setjmp has no variables of its own that could change
 * in between, so nothing has to be volatile, and it is still on the stack whenever libpng may jump. */
static bool guard(png_work *work, void (*call)(png_work *))
{
    if (setjmp(png_jmpbuf(work->png)) != 0)
        return false;
    call(work);
    return true;
}

static xai_status fail(const png_work *work, const char *doing)
{
    if (work->no_memory)
        return xai__fail_memory();
    return xai__fail(XAI_E_FORMAT, "%s, near byte %zu: %s", doing, work->at, work->message);
}

/* work->at stays at what was read last, for messages. */
static void read_bytes(png_structp png, png_bytep data, size_t size)
{
    png_work *work = png_get_io_ptr(png);

    if (work->in_size - work->at < size) {
        work->at = work->in_size;
        png_error(png, "the file ends too early");
    }
    memcpy(data, work->in + work->at, size);
    work->at += size;
}

/* Everything up to the pixels. Chunks that are not needed are skipped unread, colour profiles and texts among them:
 * those are the ones that unpack to gigabytes. Check sums are held to, where libpng would let those of such chunks
 * pass. */
static void read_header(png_work *work)
{
    png_structp png = work->png;

    png_set_read_fn(png, work, read_bytes);
    png_set_benign_errors(png, 1);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_chunk_malloc_max(png, 0); /* nothing is kept of those, so they may be long */
    png_set_chunk_cache_max(png, MAX_CHUNKS);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours is the number of pixels */
    png_read_info(png, work->info);
}

/* libpng only unpacks, chops 16 bits to 8 and drops alpha. Grey and palette rows are left as they are, since spread()
 * turns them into RGB: by a table of 256 colours no index can miss. */
static void set_transformations(png_structp png, bool grey, int depth)
{
    if (depth < 8)
        png_set_packing(png);
    if (depth == 16 && !grey)
        png_set_strip_16(png);
    png_set_strip_alpha(png);
}

/* Colours by sample. Indices beyond the file's palette stay black. Grey of fewer than eight bits is stretched to 255,
 * by whole numbers without a remainder, since 255 is a multiple of 1, 3 and 15. */
static void read_palette(png_work *work, uint8_t palette[256][3], int type, int depth)
{
    png_colorp colours = NULL;
    int n_colours = 0, largest = (1 << (depth < 8 ? depth : 8)) - 1;

    memset(palette, 0, 256 * sizeof *palette);
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_get_PLTE(work->png, work->info, &colours, &n_colours);
        for (int i = 0; i < n_colours && i < 256; i++)
            memcpy(palette[i], (uint8_t[3]){ colours[i].red, colours[i].green, colours[i].blue }, 3);
        return;
    }
    for (int i = 0; i <= largest; i++)
        memset(palette[i], i * 255 / largest, 3);
}

/* The narrow samples stand at the end of the row that they fill, so reading stays ahead of writing: sample x lies at
 * (3 - n_bytes) width + n_bytes x, which is at least 3 x. 16-bit grey is cut off at 255, as Pillow's conversion from
 * its mode I;16 does. */
static void spread(uint8_t *row, size_t width, size_t n_bytes, uint8_t palette[256][3])
{
    const uint8_t *in = row + (3 - n_bytes) * width;

    for (size_t x = 0; x < width; x++) {
        uint8_t sample = in[n_bytes * x];

        if (n_bytes == 2)
            sample = sample > 0 ? 255 : in[2 * x + 1];
        memcpy(row + 3 * x, palette[sample], 3);
    }
}

/* Straight into the picture. An interlaced file fills the same rows in seven passes, so they are spread only
 * afterwards. */
static void read_rows(png_work *work)
{
    png_structp png = work->png;
    int type = png_get_color_type(png, work->info), depth = png_get_bit_depth(png, work->info), n_passes;
    bool colour = (type & PNG_COLOR_MASK_COLOR) != 0 && type != PNG_COLOR_TYPE_PALETTE;
    size_t n_bytes = colour ? 3 : depth == 16 && type == PNG_COLOR_TYPE_GRAY ? 2 : 1;
    size_t width = (size_t)work->image->width, height = (size_t)work->image->height;
    uint8_t palette[256][3], *pixels = work->image->pixels;

    set_transformations(png, n_bytes == 2, depth);
    n_passes = png_set_interlace_handling(png);
    png_read_update_info(png, work->info);
    if (png_get_rowbytes(png, work->info) != n_bytes * width)
        png_error(png, "the rows have an unexpected length");
    for (int pass = 0; pass < n_passes; pass++)
        for (size_t y = 0; y < height; y++)
            png_read_row(png, pixels + (3 * y + 3 - n_bytes) * width, NULL);
    if (n_bytes == 3)
        return;
    read_palette(work, palette, type, depth);
    for (size_t y = 0; y < height; y++)
        spread(pixels + 3 * y * width, width, n_bytes, palette);
}

/* Two guarded stretches, for between them the picture is made, whose failure has a message of its own. */
static xai_status decode(png_work *work)
{
    static const char *const doing = "damaged PNG";
    xai_status status;

    work->info = png_create_info_struct(work->png);
    if (work->info == NULL || !guard(work, read_header))
        return fail(work, doing);
    status = xai__image_create(&work->image, work->context, png_get_image_width(work->png, work->info),
                               png_get_image_height(work->png, work->info));
    if (status < 0)
        return status;
    /* What follows the last row is not read: it cannot change the pixels. */
    return guard(work, read_rows) ? XAI_OK : fail(work, doing);
}

xai_status xai__png_decode(xai_image **out, xai_context *context, const unsigned char *bytes, size_t size)
{
    png_work work = { .context = context, .in = bytes, .in_size = size };
    xai_status status;

    *out = NULL;
    work.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &work, on_error, on_warning, &work, allocate, release);
    status = work.png != NULL ? decode(&work) : fail(&work, "libpng cannot start");
    png_destroy_read_struct(&work.png, &work.info, NULL);
    if (status < 0) {
        xai_image_unref(work.image);
        return status;
    }
    *out = work.image;
    return XAI_OK;
}

/* A chunk is its length, four letters, the bytes, and a check sum that is of no interest here. */
uint32_t xai__png_orientation(const unsigned char *bytes, size_t size)
{
    size_t at = SIGNATURE_SIZE;

    while (at < size && size - at >= CHUNK_FRAME) {
        const unsigned char *chunk = bytes + at;
        size_t length = png_get_uint_32(chunk);

        if (length > size - at - CHUNK_FRAME)
            break;
        if (memcmp(chunk + 4, "eXIf", 4) == 0)
            return xai__exif_orientation(chunk + 8, length);
        at += length + CHUNK_FRAME;
    }
    return 1;
}

/* The buffer doubles, so a file of n bytes is copied fewer than 2 n. */
static void write_bytes(png_structp png, png_bytep data, size_t size)
{
    png_work *work = png_get_io_ptr(png);
    size_t needed;

    if (!xai__add_size(&needed, work->out_size, size) || needed > PTRDIFF_MAX / 2)
        png_error(png, "the file would be too large");
    if (needed > work->capacity) {
        unsigned char *grown = xai__realloc_array(work->context, work->out, 2 * needed, 1);

        if (grown == NULL) {
            work->no_memory = true;
            png_error(png, "out of memory");
        }
        work->out = grown;
        work->capacity = 2 * needed;
    }
    memcpy(work->out + work->out_size, data, size);
    work->out_size = needed;
}

/* Without this libpng calls fflush(). */
static void flush(png_structp png)
{
    (void)png;
}

/* With zlib's and libpng's own choices of filter and level. */
static void write_all(png_work *work)
{
    const xai_image *image = work->source;
    png_structp png = work->png;

    png_set_write_fn(png, work, write_bytes, flush);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(png, work->info, (uint32_t)image->width, (uint32_t)image->height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, work->info);
    for (size_t y = 0; y < (size_t)image->height; y++)
        png_write_row(png, image->pixels + 3 * y * (size_t)image->width);
    png_write_end(png, work->info);
}

static xai_status encode(png_work *work)
{
    static const char *const doing = "cannot make a PNG";

    work->info = png_create_info_struct(work->png);
    if (work->info == NULL || !guard(work, write_all))
        return fail(work, doing);
    return XAI_OK;
}

xai_status xai__png_encode(unsigned char **bytes, size_t *size, const xai_image *image, int32_t quality)
{
    png_work work = { .context = image->object.context, .source = image };
    xai_status status;

    (void)quality;
    *bytes = NULL;
    *size = 0;
    work.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &work, on_error, on_warning, &work, allocate, release);
    status = work.png != NULL ? encode(&work) : fail(&work, "libpng cannot start");
    png_destroy_write_struct(&work.png, &work.info);
    if (status < 0) {
        xai__free(work.context, work.out);
        return status;
    }
    *bytes = work.out;
    *size = work.out_size;
    return XAI_OK;
}
