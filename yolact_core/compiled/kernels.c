// Inner loops that NumPy, OpenCV and PyTorch can only do in many passes. Results are equal to theirs,
// bit by bit: the arithmetic is the same, in the same order, and no two operations may be fused to
// one. Of what is not a number may_score alone makes more: a prior with another class above.
//
// Arguments are checked for their sizes, on which memory depends, and taken to be of the types that
// the comments say. Python's lock is free where memory is ours alone.

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MASK_THRESHOLD 0.5f

// The compiler makes these twice, with AVX2 and without; which one runs is seen at the start.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define FOR_EACH_CPU __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_CPU
#endif

// ---------------------------------------------------------------------------- priors that may score

FOR_EACH_CPU
static void find_promising(const char *rows, Py_ssize_t count, Py_ssize_t stride, Py_ssize_t classes,
                           float threshold, bool has_background, bool *found) {
    for (Py_ssize_t prior = 0; prior < count; prior++) {
        const float *logits = (const float *)(rows + prior * stride);
        const float rival = has_background ? logits[0] : 0.0f;
        int is_above = 0;
        for (Py_ssize_t index = has_background; index < classes; index++) {
            is_above |= logits[index] - rival > threshold;
        }
        found[prior] = is_above;
    }
}

// may_score(logits, threshold, has_background, found)
//   logits: float32 (A, C), rows may be apart; found: bool (A,), set where a class is farther above
//   the background, or above 0, than the threshold.
static PyObject *may_score(PyObject *self, PyObject *args) {
    (void)self;
    PyObject *logits;
    Py_buffer found, view;
    float threshold;
    int has_background;
    if (!PyArg_ParseTuple(args, "Ofpw*", &logits, &threshold, &has_background, &found)) return NULL;
    if (PyObject_GetBuffer(logits, &view, PyBUF_STRIDED_RO) < 0) {
        PyBuffer_Release(&found);
        return NULL;
    }
    const bool fits = view.ndim == 2 && view.itemsize == sizeof(float) &&
                      view.strides[1] == view.itemsize && found.len == view.shape[0] &&
                      view.shape[1] >= has_background;
    if (fits) {
        Py_BEGIN_ALLOW_THREADS
        find_promising(view.buf, view.shape[0], view.strides[0], view.shape[1], threshold,
                       has_background, found.buf);
        Py_END_ALLOW_THREADS
    } else {
        PyErr_SetString(PyExc_ValueError, "logits must be float32 (A, C) and found bool (A,)");
    }
    PyBuffer_Release(&view);
    PyBuffer_Release(&found);
    if (!fits) return NULL;
    Py_RETURN_NONE;
}

// ------------------------------------------------------------------------- runs of upsampled masks

typedef struct {
    int64_t row, start, end;  // pixels from start on, before end
} Run;

typedef struct {
    void *items;
    size_t count, capacity;
} Vector;

static bool reserve(Vector *vector, size_t more, size_t item) {
    if (vector->count + more <= vector->capacity) return true;
    const size_t capacity = 2 * (vector->count + more) + 256;
    void *items = realloc(vector->items, capacity * item);
    if (items == NULL) return false;
    vector->items = items;
    vector->capacity = capacity;
    return true;
}

// Interpolate between two rows of cells; there is a cell of value 0 on both sides of them.
FOR_EACH_CPU
static void mix_rows(const float *upper, const float *lower, float share, Py_ssize_t count,
                     float *mixed) {
    for (Py_ssize_t cell = 0; cell < count; cell++) {
        float step = lower[cell] - upper[cell];
        step *= share;
        mixed[cell + 1] = upper[cell] + step;
    }
    mixed[0] = mixed[count + 1] = 0.0f;
}

static int64_t floor_of(double value) {
    const int64_t whole = (int64_t)value;
    return whole - ((double)whole > value);
}

// Append the runs of a row of pixels; `left` is the column of cells that values[1] belongs to.
static bool find_runs(const float *values, int64_t left, int64_t count, int64_t cells, int64_t width,
                      int64_t row, Vector *runs) {
    const double scale = (double)width / (double)cells;
    bool was_above = false;
    double begin = 0.0;
    for (int64_t index = 0; index <= count; index++) {
        const bool is_above = values[index + 1] > MASK_THRESHOLD;
        if (is_above == was_above) continue;
        was_above = is_above;
        const int64_t cell = left - 1 + index;
        const float value = values[index];
        const float part = (MASK_THRESHOLD - value) / (values[index + 1] - value);
        double crossing = ((double)cell + 0.5 + (double)part) * scale - 0.5;
        if (cell < 0) crossing = -1.0;  // beyond the outer cells' centres it goes on to the edge
        if (cell == cells - 1) crossing = (double)width;
        if (!(crossing >= -1.0)) crossing = -1.0;  // what is not a number, too
        if (is_above) {
            begin = crossing;
            continue;
        }
        const Run run = {row, floor_of(begin) + 1, -floor_of(-crossing)};
        if (run.start >= run.end) continue;
        if (!reserve(runs, 1, sizeof run)) return false;
        ((Run *)runs->items)[runs->count++] = run;
    }
    return true;
}

// Append the lengths of a mask's runs in the smallest rectangle around it, and tell the rectangle.
static bool write_lengths(const Vector *found, int64_t *shape, int64_t *corner, Vector *lengths) {
    const Run *runs = found->items;
    if (found->count == 0) return true;
    if (!reserve(lengths, 2 * found->count + 1, sizeof(uint32_t))) return false;
    int64_t left = runs[0].start, right = runs[0].end;
    for (size_t index = 1; index < found->count; index++) {
        if (runs[index].start < left) left = runs[index].start;
        if (runs[index].end > right) right = runs[index].end;
    }
    const int64_t top = runs[0].row, width = right - left;
    const int64_t height = runs[found->count - 1].row + 1 - top;
    corner[0] = left, corner[1] = top;
    shape[0] = height, shape[1] = width;
    uint32_t *next = (uint32_t *)lengths->items + lengths->count;
    const uint32_t *const first = next;
    int64_t end = 0;  // of the last run, in the rectangle read row by row
    for (size_t index = 0; index < found->count; index++) {
        const int64_t base = (runs[index].row - top) * width - left;
        const int64_t length = runs[index].end - runs[index].start;
        if (index > 0 && base + runs[index].start == end) {
            next[-1] += (uint32_t)length;
        } else {
            *next++ = (uint32_t)(base + runs[index].start - end);
            *next++ = (uint32_t)length;
        }
        end = base + runs[index].end;
    }
    if (end < height * width) *next++ = (uint32_t)(height * width - end);
    lengths->count += (size_t)(next - first);
    return true;
}

typedef struct {
    const float *soft;                    // (N, cell_rows, cells)
    const int64_t *bounds;                // (N, 4) x1, y1, x2, y2 of cells, ends excluded
    const int64_t *spans;                 // (N, 2) first row of pixels, and the one after the last
    const int64_t *low, *high;            // (H,) rows of cells that a row of pixels lies between
    const float *share;                   // (H,) share of the second one
    int64_t count, cell_rows, cells, width;
} Tracing;

static bool trace(const Tracing *in, int64_t *shapes, int64_t *corners, int64_t *counts,
                  Vector *lengths) {
    Vector runs = {NULL, 0, 0};
    float *values = malloc(sizeof(float) * (size_t)(in->cells + 2));
    float *zeros = calloc((size_t)in->cells, sizeof(float));
    bool has_memory = values != NULL && zeros != NULL;
    for (int64_t mask = 0; mask < in->count && has_memory; mask++) {
        if (in->spans[2 * mask] >= in->spans[2 * mask + 1]) continue;  // all is 0 already
        const int64_t x1 = in->bounds[4 * mask], y1 = in->bounds[4 * mask + 1];
        const int64_t x2 = in->bounds[4 * mask + 2], y2 = in->bounds[4 * mask + 3];
        const float *cells = in->soft + mask * in->cell_rows * in->cells + x1;
        runs.count = 0;
        for (int64_t row = in->spans[2 * mask]; row < in->spans[2 * mask + 1]; row++) {
            const int64_t low = in->low[row], high = in->high[row];
            const float *upper = low >= y1 && low < y2 ? cells + low * in->cells : zeros;
            const float *lower = high >= y1 && high < y2 ? cells + high * in->cells : zeros;
            mix_rows(upper, lower, in->share[row], x2 - x1, values);
            has_memory &= find_runs(values, x1, x2 - x1, in->cells, in->width, row, &runs);
        }
        const size_t before = lengths->count;
        has_memory &= write_lengths(&runs, shapes + 2 * mask, corners + 2 * mask, lengths);
        counts[mask] = (int64_t)(lengths->count - before);
    }
    free(zeros);
    free(values);
    free(runs.items);
    return has_memory;
}

static bool are_inside(const Tracing *in, int64_t height) {
    for (int64_t mask = 0; mask < in->count; mask++) {
        const int64_t *bounds = in->bounds + 4 * mask, *span = in->spans + 2 * mask;
        if (span[0] >= span[1]) continue;
        if (bounds[0] < 0 || bounds[0] > bounds[2] || bounds[2] > in->cells) return false;
        if (bounds[1] < 0 || bounds[3] > in->cell_rows) return false;
        if (span[0] < 0 || span[1] > height) return false;
    }
    for (int64_t row = 0; row < height; row++) {
        if (in->low[row] < 0 || in->low[row] >= in->cell_rows) return false;
        if (in->high[row] < 0 || in->high[row] >= in->cell_rows) return false;
    }
    return true;
}

// trace_masks(soft_masks, bounds, spans, (low, high, share), width, (shapes, corners, counts))
//   soft_masks: float32 (N, Hp, Wp); all else as in Tracing, whole numbers int64; shapes, corners
//   (N, 2) and counts (N,), all 0, are filled. Returns the run lengths of all masks, uint32, as
//   bytes.
static PyObject *trace_masks(PyObject *self, PyObject *args) {
    (void)self;
    PyObject *soft_masks, *result = NULL;
    Py_buffer soft, bounds, spans, low, high, share, shapes, corners, counts;
    long long width;
    if (!PyArg_ParseTuple(args, "Oy*y*(y*y*y*)L(w*w*w*)", &soft_masks, &bounds, &spans, &low, &high,
                          &share, &width, &shapes, &corners, &counts))
        return NULL;
    Py_buffer *const others[] = {&bounds, &spans, &low, &high, &share, &shapes, &corners, &counts};
    if (PyObject_GetBuffer(soft_masks, &soft, PyBUF_C_CONTIGUOUS) == 0) {
        const bool is_image = soft.ndim == 3 && soft.itemsize == sizeof(float);
        const int64_t count = is_image ? soft.shape[0] : 0, height = share.len / (int64_t)sizeof(float);
        const Tracing in = {
            soft.buf, bounds.buf, spans.buf, low.buf, high.buf, share.buf,
            count, is_image ? soft.shape[1] : 0, is_image ? soft.shape[2] : 0, width,
        };
        const bool fits = is_image && bounds.len == count * 32 && spans.len == count * 16 &&
                          low.len == height * 8 && high.len == height * 8 &&
                          shapes.len == count * 16 && corners.len == count * 16 &&
                          counts.len == count * 8 && are_inside(&in, height);
        if (fits) {
            Vector lengths = {NULL, 0, 0};
            bool has_memory;
            Py_BEGIN_ALLOW_THREADS
            has_memory = trace(&in, shapes.buf, corners.buf, counts.buf, &lengths);
            Py_END_ALLOW_THREADS
            const Py_ssize_t bytes = (Py_ssize_t)(lengths.count * sizeof(uint32_t));
            result = has_memory ? PyBytes_FromStringAndSize(lengths.items, bytes) : PyErr_NoMemory();
            free(lengths.items);
        } else {
            PyErr_SetString(PyExc_ValueError, "masks, bounds and rows must fit each other");
        }
        PyBuffer_Release(&soft);
    }
    for (size_t index = 0; index < sizeof others / sizeof *others; index++) {
        PyBuffer_Release(others[index]);
    }
    return result;
}

// ---------------------------------------------------------------------------- masks from their runs

// fill_runs(run_lengths, mask) -> int
//   run_lengths: uint32 (R,), of background and foreground in turn; mask: bool, filled if they add
//   up to its size. Returns what they add up to.
static PyObject *fill_runs(PyObject *self, PyObject *args) {
    (void)self;
    Py_buffer runs, mask;
    if (!PyArg_ParseTuple(args, "y*w*", &runs, &mask)) return NULL;
    const uint32_t *lengths = runs.buf;
    const Py_ssize_t count = runs.len / (Py_ssize_t)sizeof(uint32_t);
    uint64_t total = 0;  // the lengths may be a message's, hence Python's lock
    for (Py_ssize_t index = 0; index < count; index++) total += lengths[index];
    if (total == (uint64_t)mask.len) {
        uint8_t *next = mask.buf;
        for (Py_ssize_t index = 0; index < count; index++) {
            memset(next, (int)(index % 2), lengths[index]);
            next += lengths[index];
        }
    }
    PyBuffer_Release(&mask);
    PyBuffer_Release(&runs);
    return PyLong_FromUnsignedLongLong(total);
}

// ------------------------------------------------------------------------------ masks over an image

typedef struct {
    uint8_t *image;               // (H, W, 3), changed
    const uint8_t *dimmed;        // (H, W, 3) what the share is added to
    const uint8_t *mask;          // (height, width) of 0 and 1
    int64_t width, image_width, height, x, y, thickness;
    uint8_t color[3];             // of the outline
} Painting;

FOR_EACH_CPU
static void add_share(const uint8_t *restrict dimmed, const uint8_t *restrict share, int64_t count,
                      uint8_t *restrict image) {
    for (int64_t index = 0; index < count; index++) {
        const uint8_t sum = (uint8_t)(dimmed[index] + share[index]);
        image[index] = sum < share[index] ? 255 : sum;  // in this form one instruction does many
    }
}

FOR_EACH_CPU
static void keep_common(const uint8_t *restrict row, int64_t count, uint8_t *restrict common) {
    for (int64_t index = 0; index < count; index++) common[index] &= row[index];
}

// Return the first index from `from` on whose byte is the value, or the end.
static int64_t seek(const uint8_t *bytes, int64_t from, int64_t end, int value) {
    const uint8_t *found = from < end ? memchr(bytes + from, value, (size_t)(end - from)) : NULL;
    return found == NULL ? end : found - bytes;
}

// Set a row to where the mask goes on for `thickness` pixels on both sides; no row is no mask.
static void shrink_row(const Painting *in, int64_t row, uint8_t *shrunk) {
    memset(shrunk, 0, (size_t)in->width);
    if (row < 0 || row >= in->height) return;
    const uint8_t *mask = in->mask + row * in->width;
    for (int64_t start = seek(mask, 0, in->width, 1), end; start < in->width;
         start = seek(mask, end, in->width, 1)) {
        end = seek(mask, start, in->width, 0);
        const int64_t length = end - start - 2 * in->thickness;
        if (length > 0) memset(shrunk + start + in->thickness, 1, (size_t)length);
    }
}

// Set those pixels of a run to the colour that are not in the core of the mask.
static void paint_edge(const Painting *in, const uint8_t *core, int64_t start, int64_t end,
                       uint8_t *pixels) {
    while (start < end) {
        const int64_t stop = seek(core, start, end, 1);
        for (; start < stop; start++) memcpy(pixels + 3 * start, in->color, 3);
        start = seek(core, stop, end, 0);
    }
}

// `share` and `work` have 3 * width and (2 * thickness + 2) * width bytes.
static void paint(const Painting *in, const uint8_t *share, uint8_t *work) {
    const int64_t window = 2 * in->thickness + 1;
    uint8_t *const core = work + window * in->width;
    for (int64_t row = -in->thickness; row < in->thickness && in->thickness; row++) {
        shrink_row(in, row, work + (row + window) % window * in->width);
    }
    for (int64_t row = 0; row < in->height; row++) {
        const uint8_t *mask = in->mask + row * in->width;
        const int64_t offset = 3 * ((in->y + row) * in->image_width + in->x);
        if (in->thickness) {
            const int64_t next = row + in->thickness;
            shrink_row(in, next, work + next % window * in->width);
            memcpy(core, work, (size_t)in->width);
            for (int64_t other = 1; other < window; other++) {
                keep_common(work + other * in->width, in->width, core);
            }
        }
        for (int64_t start = seek(mask, 0, in->width, 1), end; start < in->width;
             start = seek(mask, end, in->width, 1)) {
            end = seek(mask, start, in->width, 0);
            add_share(in->dimmed + offset + 3 * start, share, 3 * (end - start),
                      in->image + offset + 3 * start);
            if (in->thickness) paint_edge(in, core, start, end, in->image + offset);
        }
    }
}

// tint(image, dimmed, (mask, (x, y)), share, color, thickness)
//   image, dimmed: uint8 (H, W, 3); mask: bool (h, w), whose first pixel lies at (x, y) in the
//   image. Its pixels become dimmed + share, and color if they are within `thickness` of its edge.
static PyObject *tint(PyObject *self, PyObject *args) {
    (void)self;
    PyObject *target, *cropped;
    Py_buffer dimmed, image, mask;
    long long x, y, thickness;
    uint8_t share[3], color[3];
    if (!PyArg_ParseTuple(args, "Oy*(O(LL))(bbb)(bbb)L", &target, &dimmed, &cropped, &x, &y, share,
                          share + 1, share + 2, color, color + 1, color + 2, &thickness))
        return NULL;
    bool is_done = false;
    if (PyObject_GetBuffer(target, &image, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE) == 0) {
        if (PyObject_GetBuffer(cropped, &mask, PyBUF_C_CONTIGUOUS) == 0) {
            const bool fits = image.ndim == 3 && image.shape[2] == 3 && image.itemsize == 1 &&
                              dimmed.len == image.len && mask.ndim == 2 && mask.itemsize == 1 &&
                              thickness >= 0 && thickness <= INT16_MAX && x >= 0 && y >= 0 &&
                              x <= image.shape[1] - mask.shape[1] &&
                              y <= image.shape[0] - mask.shape[0];
            const size_t width = fits ? (size_t)mask.shape[1] : 0;
            uint8_t *work = fits ? malloc((2 * (size_t)thickness + 5) * width + 1) : NULL;
            if (work != NULL) {
                const Painting in = {
                    image.buf, dimmed.buf, mask.buf, mask.shape[1], image.shape[1], mask.shape[0],
                    x, y, thickness, {color[0], color[1], color[2]},
                };
                Py_BEGIN_ALLOW_THREADS
                for (size_t index = 0; index < width; index++) memcpy(work + 3 * index, share, 3);
                paint(&in, work, work + 3 * width);
                Py_END_ALLOW_THREADS
                is_done = true;
            } else if (fits) {
                PyErr_NoMemory();
            } else {
                PyErr_SetString(PyExc_ValueError, "mask must lie inside the image, of 3 bytes a pixel");
            }
            free(work);
            PyBuffer_Release(&mask);
        }
        PyBuffer_Release(&image);
    }
    PyBuffer_Release(&dimmed);
    if (!is_done) return NULL;
    Py_RETURN_NONE;
}

// ------------------------------------------------------------------------------------------ module

static PyMethodDef methods[] = {
    {"may_score", may_score, METH_VARARGS, "Find priors with a class above a threshold."},
    {"trace_masks", trace_masks, METH_VARARGS, "Find the run lengths of upsampled masks."},
    {"fill_runs", fill_runs, METH_VARARGS, "Decode the run lengths of a mask."},
    {"tint", tint, METH_VARARGS, "Mix a mask's pixels of an image with a colour."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_kernels", "Inner loops.", 0, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__kernels(void) { return PyModule_Create(&module); }
