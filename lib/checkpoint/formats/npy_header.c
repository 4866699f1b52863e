/* SPDX-License-Identifier: Apache-2.0 */
/* "\x93NUMPY", a version, a length, and a Python dict with exactly the keys descr, fortran_order and shape. */
#include <string.h>

#include "checkpoint/formats/bytes.h"
#include "checkpoint/formats/npy.h"

/* The text that is left to read. */
typedef struct cursor {
    const char *at;
    const char *end;
} cursor;

static void skip_spaces(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n')) {
        c->at++;
    }
}

/* That character after spaces, which is then behind the cursor. */
static int take(cursor *c, char wanted)
{
    skip_spaces(c);
    const int there = c->at < c->end && *c->at == wanted;
    c->at += there;
    return there;
}

static int take_word(cursor *c, const char *word)
{
    const size_t length = strlen(word);
    skip_spaces(c);
    const int there = (size_t)(c->end - c->at) >= length && memcmp(c->at, word, length) == 0;
    c->at += there ? length : 0;
    return there;
}

/* A text in either kind of quotes, without escapes; 1 when it is one that fits. */
static int take_text(cursor *c, char *out, size_t size)
{
    skip_spaces(c);
    const char quote = c->at < c->end ? *c->at : '\0';
    size_t n = 0;
    if (quote != '\'' && quote != '"') {
        return 0;
    }
    for (c->at++; c->at < c->end && *c->at != quote; c->at++) {
        if (n + 1 >= size || *c->at == '\\' || *c->at < 0x20 || *c->at > 0x7e) {
            return 0;
        }
        out[n++] = *c->at;
    }
    out[n] = '\0';
    return take(c, quote);
}

static const struct {
    const char *name;
    pa_dtype dtype;
} types[] = {{"f2", PA_F16}, {"f4", PA_F32}, {"f8", PA_F64}, {"i1", PA_I8},  {"i2", PA_I16}, {"i4", PA_I32},
             {"i8", PA_I64}, {"u1", PA_U8},  {"u2", PA_U16}, {"u4", PA_U32}, {"u8", PA_U64}, {"b1", PA_BOOL}};

static pa_status fail_type(const char *descr, pa_error *err)
{
    char shown[PA_PRINTABLE_SIZE];
    const char kind = descr[0] != '\0' ? descr[1] : '\0';
    const char *why = kind == 'O'   ? " are Python objects, which are never loaded"
                      : kind == 'V' ? " have no type: save bfloat16 and fp8 as float32, or in a safetensors file"
                                    : " cannot be read; f2, f4, f8, i1 to i8, u1 to u8 and b1 can";
    return pa_fail(err, PA_ERR_UNSUPPORTED, "elements of type '%s'%s",
                   pa_printable(shown, descr, (int64_t)strlen(descr)), why);
}

/* "<f4": byte order, kind, bytes. */
static pa_status read_type(cursor *c, pa_npy *out, pa_error *err)
{
    char *descr = out->descr;
    skip_spaces(c);
    if (c->at < c->end && *c->at == '[') {
        memcpy(descr, "fields", sizeof("fields"));
        return pa_fail(err, PA_ERR_UNSUPPORTED, "elements of several fields cannot be read");
    }
    if (!take_text(c, descr, sizeof(out->descr)) || strlen(descr) < 2 || strchr("<>|=", descr[0]) == NULL) {
        return pa_fail(err, PA_ERR_FORMAT, "npy header: descr is no element type");
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].name, descr + 1) == 0) {
            const int wide = pa_dtype_size(types[i].dtype) > 1;
            if (wide && descr[0] == '|') {
                return pa_fail(err, PA_ERR_FORMAT, "npy header: '%s' has no byte order", descr);
            }
            const int big = descr[0] == '=' ? pa_is_big_endian_machine() : descr[0] == '>';
            out->dtype = types[i].dtype;
            out->swapped = wide && big != pa_is_big_endian_machine();
            return PA_OK;
        }
    }
    return fail_type(descr, err);
}

static int take_size(cursor *c, int64_t *out)
{
    skip_spaces(c);
    const char *begin = c->at;
    for (*out = 0; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, *c->at - '0', out)) {
            return 0;
        }
    }
    const int digits = c->at > begin;
    c->at += digits && c->at < c->end && *c->at == 'L'; /* Python 2 */
    return digits;
}

/* "(2, 3)", "(4,)", "()" */
static pa_status read_shape(cursor *c, pa_npy *out, pa_error *err)
{
    pa_status status = PA_OK;
    int more = 1;
    PA_REQUIRE(take(c, '('), err, PA_ERR_FORMAT, "npy header: shape is no tuple");
    while (!take(c, ')')) {
        PA_REQUIRE(out->ndim < PA_NPY_MAX_DIMENSIONS, err, PA_ERR_LIMIT, "more than %d dimensions",
                   PA_NPY_MAX_DIMENSIONS);
        PA_REQUIRE(more && take_size(c, &out->shape[out->ndim]), err, PA_ERR_FORMAT,
                   "npy header: item %d of shape is no integer from 0 to 2^63 - 1", (int)out->ndim);
        out->ndim++;
        more = take(c, ',');
    }
    PA_REQUIRE(out->ndim != 1 || more, err, PA_ERR_FORMAT, "npy header: shape is no tuple"); /* "(4)" is a number */

cleanup:
    return status;
}

static pa_status read_value(cursor *c, int key, pa_npy *out, pa_error *err)
{
    if (key == 0) {
        return read_type(c, out, err);
    }
    if (key == 2) {
        return read_shape(c, out, err);
    }
    out->fortran = take_word(c, "True");
    return out->fortran || take_word(c, "False")
               ? PA_OK
               : pa_fail(err, PA_ERR_FORMAT, "npy header: fortran_order is neither True nor False");
}

static pa_status read_dict(cursor *c, pa_npy *out, pa_error *err)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    pa_status status = PA_OK;
    int seen[3] = {0, 0, 0};
    int more = 1;
    PA_REQUIRE(take(c, '{'), err, PA_ERR_FORMAT, "npy header: is no dict");
    while (!take(c, '}')) {
        char key[32];
        int k = 0;
        PA_REQUIRE(more && take_text(c, key, sizeof(key)) && take(c, ':'), err, PA_ERR_FORMAT,
                   "npy header: a key and its value must follow");
        while (k < 3 && strcmp(key, keys[k]) != 0) {
            k++;
        }
        PA_REQUIRE(k < 3 && !seen[k], err, PA_ERR_FORMAT, "npy header: key '%s' is %s", key,
                   k < 3 ? "there twice" : "not known");
        seen[k] = 1;
        PA_TRY(read_value(c, k, out, err));
        more = take(c, ',');
    }
    skip_spaces(c);
    PA_REQUIRE(c->at == c->end, err, PA_ERR_FORMAT, "npy header: something follows the dict");
    PA_REQUIRE(seen[0] && seen[1] && seen[2], err, PA_ERR_FORMAT,
               "npy header: descr, fortran_order or shape is missing");

cleanup:
    return status;
}

/* The elements must fill what is left, no more and no less. Sizes of empty arrays, too, must have a product. */
static pa_status check_size(const pa_npy *npy, int64_t size, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t bytes = pa_dtype_size(npy->dtype);
    int overflow = 0;
    int empty = 0;
    for (int32_t i = 0; i < npy->ndim; i++) {
        empty |= npy->shape[i] == 0;
        overflow |= __builtin_mul_overflow(bytes, npy->shape[i] == 0 ? 1 : npy->shape[i], &bytes);
    }
    PA_REQUIRE(!overflow, err, PA_ERR_FORMAT, "npy header: the sizes overflow");
    bytes = empty ? 0 : bytes;
    PA_REQUIRE(bytes == size - npy->data, err, PA_ERR_FORMAT, "the shape takes %lld bytes of elements, there are %lld",
               (long long)bytes, (long long)(size - npy->data));

cleanup:
    return status;
}

int pa_npy_probe(const unsigned char *head, int64_t n, int64_t size)
{
    (void)size;
    return n >= 6 && memcmp(head, "\x93NUMPY", 6) == 0;
}

pa_status pa_npy_read_header(const unsigned char *head, int64_t n, int64_t size, pa_npy *out, pa_error *err)
{
    pa_status status = PA_OK;
    memset(out, 0, sizeof(*out));
    PA_REQUIRE(pa_npy_probe(head, n, size), err, PA_ERR_FORMAT, "is no npy array");
    PA_REQUIRE(n >= 12, err, PA_ERR_FORMAT, "%lld bytes are too few for an npy array", (long long)size);
    PA_REQUIRE(head[6] >= 1 && head[6] <= 3 && head[7] == 0, err, PA_ERR_UNSUPPORTED,
               "npy version %d.%d; 1.0, 2.0 and 3.0 can be read", (int)head[6], (int)head[7]);
    const int64_t begin = head[6] == 1 ? 10 : 12;
    const int64_t length = head[6] == 1 ? pa_le16(head + 8) : (int64_t)pa_le32(head + 8);
    PA_REQUIRE(length <= PA_NPY_MAX_HEADER, err, PA_ERR_LIMIT, "an npy header of %lld bytes, at most %d are read",
               (long long)length, PA_NPY_MAX_HEADER);
    PA_REQUIRE(length <= n - begin, err, PA_ERR_FORMAT, "the npy header of %lld bytes exceeds the array",
               (long long)length);
    out->data = begin + length;
    cursor c = {(const char *)head + begin, (const char *)head + out->data};
    PA_TRY(read_dict(&c, out, err));
    PA_TRY(check_size(out, size, err));

cleanup:
    return status;
}
