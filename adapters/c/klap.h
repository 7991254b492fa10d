/* The protocol KLAP/1, for adapters in C99 or C++11 on a little-endian POSIX system. Needs nothing
   but this header.

   Standard output belongs to the protocol: what a library prints goes to standard error. An adapter
   is a table of calls, one line for each entry and operation; manifest.json in the folder that is
   the first argument says the rest. No option is known to any call: a question with one is answered
   "unsupported".

       #include "../c/klap.h"

       static double kl(double *p, size_t n, double *q, size_t m) {
         if (n != m) return klap_refuse("length", "the call takes one length");
         return library_kl(p, q, n);
       }

       int main(int argc, char **argv) {
         static const klap_row table[] = {{"library_kl", "kl", kl, NULL, NULL}, {NULL, NULL, NULL, NULL, NULL}};
         klap_package("library", "1.2.3");
         return klap_serve(argc, argv, table);
       }
*/
#ifndef KLAP_H
#define KLAP_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <ctype.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
#ifdef __cplusplus
#include <exception>
#endif

/* A call on P of n elements and Q of m, which is NULL where the quantity has one array. What it
   writes into them shows. NULL: the format is not offered. */
typedef struct {
  const char *entry, *op;
  double (*f64)(double *p, size_t n, double *q, size_t m);
  float (*f32)(float *p, size_t n, float *q, size_t m);
  double (*f32_f64)(float *p, size_t n, float *q, size_t m); /* a float64 result of float32 arrays */
} klap_row;

/* Answers questions about an entry until the input ends; returns the exit code. The arguments of the
   program are the folder of manifest.json and the id of the entry, or --check: print the versions.
   A line of NULLs ends the table. */
static int klap_serve(int argc, char **argv, const klap_row *table);

/* Reports the version of a package, before klap_serve; the first one is the implementation's. */
static void klap_package(const char *name, const char *version);

/* Says, within a call, that it refuses: deliberately, kind being "domain", "length" or "dtype", or
   by a surprise, kind being NULL. The call then returns whatever it likes. */
static int klap_refuse(const char *kind, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3), unused))
#endif
    ;

/* JSON that was written by a program, as a piece of text: nothing is converted before it is asked. */
typedef struct {
  const char *s, *end;
} klap_json;

typedef struct {
  char *name, *dtype, *shape; /* shape as JSON */
  size_t bytes;
  unsigned char *data;
} klap_buf;

typedef struct {
  char *key;
  klap_buf buf;
} klap_loaded;

static struct {
  const char *package[8][2];
  int packages;
  char status[16], kind[16], message[512]; /* why there is no result; "ok" if there is one */
  klap_json manifest, entry;
  const klap_row *table;
  FILE *in, *out;
  klap_loaded *loaded;
  size_t n;
  int frames, running;
} klap;

#define KLAP_MAX 4 /* buffers of a message */

static void klap_package(const char *name, const char *version) {
  klap.package[klap.packages][0] = name;
  klap.package[klap.packages++][1] = version;
}

static void klap_vsay(const char *status, const char *kind, const char *format, va_list args) {
  snprintf(klap.status, sizeof klap.status, "%s", status);
  snprintf(klap.kind, sizeof klap.kind, "%s", kind);
  vsnprintf(klap.message, 400, format, args);
}

static int klap_refuse(const char *kind, const char *format, ...) {
  va_list args;
  va_start(args, format);
  klap_vsay(kind ? "rejected" : "error", kind ? kind : "", format, args);
  va_end(args);
  return 0;
}

static int klap_unsupported(const char *format, ...) {
  va_list args;
  va_start(args, format);
  klap_vsay("unsupported", "", format, args);
  va_end(args);
  return 0;
}

static void klap_fail(const char *message) {
  fprintf(stderr, "%s\n", message);
  exit(2);
}

static void *klap_alloc(size_t n) {
  void *p = malloc(n ? n : 1);
  if (!p) klap_fail("out of memory");
  return p;
}

static const char *klap_blank(const char *s, const char *end) {
  while (s < end && isspace((unsigned char)*s)) s++;
  return s;
}

/* The end of the value that begins at s. */
static const char *klap_value(const char *s, const char *end) {
  int depth = 0;
  for (; s < end; s++) {
    char c = *s;
    if (c == '"') {
      for (s++; s < end && *s != '"'; s++) s += *s == '\\';
    } else if (c == '{' || c == '[') {
      depth++;
    } else if (depth == 0 && (c == '}' || c == ']' || c == ',' || c == ':' || isspace((unsigned char)c))) {
      return s;
    } else if (c == '}' || c == ']') {
      depth--;
    }
    if (depth == 0 && (c == '"' || c == '}' || c == ']')) return s < end ? s + 1 : end;
  }
  return end;
}

/* The next member of an object or element of an array, after *s, which is the beginning at first;
   0 at the end. */
static int klap_next(klap_json j, const char **s, klap_json *name, klap_json *value) {
  if (j.s >= j.end || (*j.s != '{' && *j.s != '[')) return 0;
  const char *at = klap_blank(*s == j.s ? j.s + 1 : *s, j.end);
  if (at < j.end && *at == ',') at = klap_blank(at + 1, j.end);
  if (at >= j.end || *at == '}' || *at == ']') return 0;
  name->s = name->end = at;
  if (*j.s == '{') {
    name->s = at + 1;
    at = klap_value(at, j.end);
    name->end = at - 1;
    at = klap_blank(klap_blank(at, j.end) + 1, j.end); /* after the colon */
  }
  value->s = at;
  *s = value->end = klap_value(at, j.end);
  return *s > at;
}

static int klap_is(klap_json j, const char *text) {
  size_t n = strlen(text);
  return (size_t)(j.end - j.s) == n && !memcmp(j.s, text, n);
}

/* The member of that name; without text if there is none. */
static klap_json klap_get(klap_json j, const char *name) {
  klap_json key, value = {NULL, NULL}, none = {NULL, NULL};
  for (const char *s = j.s; klap_next(j, &s, &key, &value);)
    if (klap_is(key, name) && !klap_is(value, "null")) return value;
  return none;
}

/* A string without its quotation marks; escapes stay as they are. */
static klap_json klap_string(klap_json j) {
  if (j.end - j.s >= 2 && *j.s == '"') j.s++, j.end--;
  return j;
}

static char *klap_copy(klap_json j) {
  size_t n = (size_t)(j.end - j.s);
  char *s = (char *)klap_alloc(n + 1);
  if (n) memcpy(s, j.s, n);
  s[n] = 0;
  return s;
}

static int klap_lists(klap_json list, const char *text, const char *or_else) {
  klap_json name, value;
  if (!list.s) return !strcmp(text, or_else);
  for (const char *s = list.s; klap_next(list, &s, &name, &value);)
    if (klap_is(klap_string(value), text)) return 1;
  return 0;
}

static int klap_size(const char *dtype) {
  static const struct {
    const char *name;
    int size;
  } sizes[] = {{"f64", 8}, {"f32", 4}, {"f16", 2}, {"bf16", 2}, {"f8e4m3", 1}, {"f8e5m2", 1}, {"u8", 1}, {"i32", 4}, {"i64", 8}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    if (!strcmp(sizes[i].name, dtype)) return sizes[i].size;
  return 0;
}

/* The call for an operation of the entry; of any format if that is NULL. */
static const klap_row *klap_find(const char *op, const char *dtype) {
  for (const klap_row *r = klap.table; r->entry; r++) {
    int f64 = dtype && !strcmp(dtype, "f64"), f32 = dtype && !strcmp(dtype, "f32");
    if (klap_is(klap_string(klap_get(klap.entry, "id")), r->entry) && !strcmp(r->op, op) && (!dtype || (f64 && r->f64) || (f32 && (r->f32 || r->f32_f64)))) return r;
  }
  return NULL;
}

/* The calls of the entry must be those that the manifest promises. */
static void klap_offered(void) {
  static const char *const ops[] = {"kl", "entropy", "cross_entropy", "js"}, *const dtypes[] = {"f64", "f32"};
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 2; j++)
      if (klap_lists(klap_get(klap.entry, "ops"), ops[i], "kl") && klap_lists(klap_get(klap.entry, "dtypes"), dtypes[j], "f64") != !!klap_find(ops[i], dtypes[j])) klap_fail("adapter and manifest.json differ in what an entry offers");
}

static int klap_digit(int c) {
  return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52 : c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int klap_nibble(int c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

/* Makes the buffer of a message out of its description and, if it announced bytes, the frame. */
static int klap_decode(klap_json sent, unsigned char *frame, klap_buf *b) {
  klap_json b64 = klap_string(klap_get(sent, "b64")), hex = klap_get(sent, "hex"), bytes = klap_get(sent, "bytes"), name, value;
  memset(b, 0, sizeof *b);
  b->name = klap_copy(klap_string(klap_get(sent, "name")));
  b->dtype = klap_copy(klap_string(klap_get(sent, "dtype")));
  b->shape = klap_copy(klap_get(sent, "shape"));
  size_t size = (size_t)klap_size(b->dtype), want = size;
  if (!size) return free(frame), klap_unsupported("dtype '%s'", b->dtype);
  if (b64.s) {
    b->data = (unsigned char *)klap_alloc((size_t)(b64.end - b64.s));
    uint32_t bits = 0;
    int have = 0;
    for (const char *s = b64.s; s < b64.end && *s != '='; s++) {
      if (klap_digit(*s) < 0) return klap_refuse(NULL, "b64 is not base64");
      bits = bits << 6 | (uint32_t)klap_digit(*s);
      if ((have += 6) >= 8) b->data[b->bytes++] = (unsigned char)(bits >> (have -= 8));
    }
  } else if (hex.s) {
    b->data = (unsigned char *)klap_alloc((size_t)(hex.end - hex.s));
    for (const char *s = hex.s; klap_next(hex, &s, &name, &value); b->bytes += size) {
      value = klap_string(value);
      if ((size_t)(value.end - value.s) != 2 * size) return klap_refuse(NULL, "a hex word of %s has %d digits", b->dtype, (int)(2 * size));
      for (size_t i = 0; i < size; i++) { /* memory is little-endian, a word is not */
        int hi = klap_nibble(value.s[2 * i]), lo = klap_nibble(value.s[2 * i + 1]);
        if (hi < 0 || lo < 0) return klap_refuse(NULL, "a hex word is not hexadecimal");
        b->data[b->bytes + size - 1 - i] = (unsigned char)(hi << 4 | lo);
      }
    }
  } else if (bytes.s) {
    b->data = frame;
    b->bytes = (size_t)strtoull(bytes.s, NULL, 10);
  } else {
    return klap_refuse(NULL, "a buffer without bytes, b64 or hex");
  }
  klap_json shape = klap_get(sent, "shape");
  for (const char *s = shape.s; klap_next(shape, &s, &name, &value);) {
    size_t n = (size_t)strtoull(value.s, NULL, 10);
    want = *value.s == '-' || (n && want > SIZE_MAX / n) ? SIZE_MAX : want * n;
  }
  if (want != b->bytes) return klap_refuse(NULL, "shape %s of %s does not fit %zu bytes", b->shape, b->dtype, b->bytes);
  return 1;
}

static void klap_free(klap_buf *b) {
  free(b->name), free(b->dtype), free(b->shape), free(b->data);
  memset(b, 0, sizeof *b);
}

static void klap_encode(const klap_buf *b, char how) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  fprintf(klap.out, "{\"name\":\"%s\",\"dtype\":\"%s\",\"shape\":%s,", b->name, b->dtype, b->shape);
  if (how == 'f') {
    fprintf(klap.out, "\"bytes\":%zu}", b->bytes);
  } else if (how == 'h') {
    size_t size = (size_t)klap_size(b->dtype);
    fputs("\"hex\":[", klap.out);
    for (size_t i = 0; i < b->bytes; i += size) {
      fputs(i ? ",\"" : "\"", klap.out);
      for (size_t k = size; k-- > 0;) fprintf(klap.out, "%02x", b->data[i + k]);
      fputc('"', klap.out);
    }
    fputs("]}", klap.out);
  } else {
    fputs("\"b64\":\"", klap.out);
    for (size_t i = 0; i < b->bytes; i += 3) {
      size_t n = b->bytes - i;
      uint32_t bits = (uint32_t)b->data[i] << 16 | (n > 1 ? (uint32_t)b->data[i + 1] << 8 : 0) | (n > 2 ? b->data[i + 2] : 0);
      for (size_t k = 0; k < 4; k++) fputc(k > n ? '=' : digits[bits >> (18 - 6 * k) & 63], klap.out);
    }
    fputs("\"}", klap.out);
  }
}

/* Writes a JSON string of one line. */
static void klap_quote(const char *text) {
  fputc('"', klap.out);
  for (int blank = 0; *text; text++) {
    if (isspace((unsigned char)*text)) {
      blank = 1;
      continue;
    }
    if (blank) fputc(' ', klap.out);
    blank = 0;
    if (*text == '"' || *text == '\\') fputc('\\', klap.out);
    if ((unsigned char)*text >= ' ') fputc(*text, klap.out);
  }
  fputc('"', klap.out);
}

/* A piece of the manifest, whose lines are joined. */
static void klap_paste(const char *field, klap_json j, const char *or_else) {
  if (!j.s && !*or_else) return;
  fprintf(klap.out, ",\"%s\":", field);
  if (!j.s) fputs(or_else, klap.out);
  for (; j.s < j.end; j.s++) fputc(*j.s == '\n' || *j.s == '\r' ? ' ' : *j.s, klap.out);
}

static void klap_hello(void) {
  klap_json tool = klap_string(klap_get(klap.manifest, "name")), id = klap_string(klap_get(klap.entry, "id"));
  fprintf(klap.out, ",\"protocol\":1,\"name\":\"%.*s/%.*s\",\"version\":", (int)(tool.end - tool.s), tool.s, (int)(id.end - id.s), id.s);
  klap_quote(klap.package[0][1]);
  klap_paste("language", klap_get(klap.manifest, "language"), "");
  klap_paste("homepage", klap_get(klap.manifest, "homepage"), "");
  klap_paste("ops", klap_get(klap.entry, "ops"), "[\"kl\"]");
  klap_paste("dtypes", klap_get(klap.entry, "dtypes"), "[\"f64\"]");
  klap_paste("convention", klap_get(klap.entry, "convention"), "");
  klap_paste("accuracy", klap_get(klap.entry, "claim"), "");
  klap_paste("deterministic", klap_get(klap.entry, "deterministic"), "true");
  fputs(",\"encodings\":[\"frame\",\"b64\",\"hex\"],\"packages\":{", klap.out);
  for (int i = 0; i < klap.packages; i++) {
    if (i) fputc(',', klap.out);
    klap_quote(klap.package[i][0]);
    fputc(':', klap.out);
    klap_quote(klap.package[i][1]);
  }
  fputc('}', klap.out);
}

static klap_loaded *klap_keyed(klap_json key) {
  for (size_t i = 0; i < klap.n; i++)
    if (klap_is(key, klap.loaded[i].key)) return &klap.loaded[i];
  klap_refuse(NULL, "no buffer is loaded as '%.*s'", (int)(key.end - key.s), key.s);
  return NULL;
}

/* Asks a call iters times, which is outside of nothing but the clock, and returns the nanoseconds. */
static long long klap_repeat(const klap_row *r, klap_buf *p, klap_buf *q, long long iters, klap_buf *result) {
  struct timespec a, b;
  int f64 = !strcmp(p->dtype, "f64");
  size_t size = f64 ? 8 : 4, n = p->bytes / size, m = q ? q->bytes / size : 0;
  void *x = p->data, *y = q ? q->data : NULL;
  volatile double wide = 0;
  volatile float narrow = 0;
#ifdef __cplusplus
  try {
#endif
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (; iters > 0 && !*klap.status; iters--) {
      if (f64) wide = r->f64((double *)x, n, (double *)y, m);
      else if (r->f32) narrow = r->f32((float *)x, n, (float *)y, m);
      else wide = r->f32_f64((float *)x, n, (float *)y, m);
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
#ifdef __cplusplus
  } catch (const std::exception &e) {
    return klap_refuse(NULL, "%s", e.what());
  }
#endif
  double d = wide;
  float s = narrow;
  int short_result = !f64 && r->f32;
  memset(result, 0, sizeof *result);
  result->bytes = short_result ? 4 : 8;
  result->data = (unsigned char *)klap_alloc(8);
  memcpy(result->data, short_result ? (void *)&s : (void *)&d, result->bytes);
  klap_json texts[] = {{"result", NULL}, {short_result ? "f32" : "f64", NULL}, {"[]", NULL}};
  for (int i = 0; i < 3; i++) texts[i].end = texts[i].s + strlen(texts[i].s);
  result->name = klap_copy(texts[0]), result->dtype = klap_copy(texts[1]), result->shape = klap_copy(texts[2]);
  return (long long)(b.tv_sec - a.tv_sec) * 1000000000 + (b.tv_nsec - a.tv_nsec);
}

/* Answers a question with a result, unless it sets a status. */
static long long klap_ask(klap_json op, klap_json m, klap_buf *bufs, int n, long long iters, klap_buf *result) {
  klap_buf *args[KLAP_MAX] = {0};
  klap_json keys = klap_get(m, "keys"), options = klap_get(m, "options"), name, value;
  char text[64];
  snprintf(text, sizeof text, "%.*s", (int)(op.end - op.s), op.s);
  if (!klap_find(text, NULL)) return klap_unsupported("op '%s'", text);
  for (int i = 0; i < n; i++) args[i] = &bufs[i];
  if (keys.s) {
    n = 0;
    for (const char *s = keys.s; n < KLAP_MAX && klap_next(keys, &s, &name, &value); n++) {
      klap_loaded *l = klap_keyed(klap_string(value));
      if (!l) return 0;
      args[n] = &l->buf;
    }
  }
  int arity = strncmp(text, "entropy", 7) ? 2 : 1;
  if (n == arity + 1) return klap_unsupported("a mask");
  if (n != arity) return klap_refuse(NULL, "%s takes %d buffers, not %d", text, arity, n);
  const char *s = options.s;
  if (klap_next(options, &s, &name, &value)) return klap_unsupported("option '%.*s'", (int)(name.end - name.s), name.s);
  for (int i = 0; i < n; i++) {
    if (!klap_find(text, args[i]->dtype)) return klap_unsupported("dtype %s", args[i]->dtype);
    if (strcmp(args[i]->dtype, args[0]->dtype)) return klap_unsupported("arrays of different formats");
  }
  return klap_repeat(klap_find(text, args[0]->dtype), args[0], args[1], iters, result);
}

/* Answers one message: a line, and frames after it. */
static void klap_turn(klap_json m) {
  klap_json sent = klap_get(m, "bufs"), op = klap_string(klap_get(m, "op")), id = klap_get(m, "id"), name, value, desc[KLAP_MAX];
  klap_json key = klap_string(klap_get(m, "key")), iters = klap_get(m, "iters");
  klap_buf bufs[KLAP_MAX] = {{NULL, NULL, NULL, 0, NULL}}, made = {NULL, NULL, NULL, 0, NULL};
  const klap_buf *said[KLAP_MAX];
  unsigned char *frames[KLAP_MAX];
  int n = 0, saying = 0, hello = 0;
  long long ns = -1;
  *klap.status = *klap.kind = *klap.message = 0;
  if (!id.s) id.s = "null", id.end = id.s + 4;
  if (m.end - m.s < 2 || *m.s != '{' || m.end[-1] != '}') {
    fprintf(stderr, "not a message: %.80s\n", m.s);
    exit(2);
  }
  for (const char *s = sent.s; klap_next(sent, &s, &name, &value); n++) { /* all frames are read before anything is refused */
    klap_json bytes = klap_get(value, "bytes");
    size_t size = bytes.s ? (size_t)strtoull(bytes.s, NULL, 10) : 0;
    unsigned char *frame = bytes.s ? (unsigned char *)klap_alloc(size) : NULL;
    if (size && fread(frame, 1, size, klap.in) != size) klap_fail("the input ended inside a buffer");
    if (n < KLAP_MAX) desc[n] = value, frames[n] = frame;
    else free(frame);
  }
  if (n > KLAP_MAX) klap_refuse(NULL, "a message has at most %d buffers", KLAP_MAX), n = KLAP_MAX;
  char how = n ? (klap_get(desc[0], "b64").s ? 'b' : klap_get(desc[0], "hex").s ? 'h' : 'f') : klap.frames ? 'f' : 'b';
  for (int i = 0; i < n; i++) klap_decode(desc[i], frames[i], &bufs[i]);
  if (!*klap.status) {
    if (klap_is(op, "hello")) {
      klap_json protocol = klap_get(m, "protocol");
      if (protocol.s && !klap_lists(protocol, "1", "1")) klap_unsupported("this adapter speaks protocol 1");
      klap.frames = klap_lists(klap_get(m, "encodings"), "frame", "");
      hello = 1;
    } else if (klap_is(op, "load")) {
      if (n != 1 || !key.s) {
        klap_refuse(NULL, "load takes one buffer and a key");
      } else {
        klap_loaded *l = klap_keyed(key);
        *klap.status = 0;
        if (l) {
          klap_free(&l->buf);
        } else {
          klap.loaded = (klap_loaded *)realloc(klap.loaded, (klap.n + 1) * sizeof *klap.loaded);
          if (!klap.loaded) klap_fail("out of memory");
          l = &klap.loaded[klap.n++];
          l->key = klap_copy(key);
        }
        l->buf = bufs[0];
        n = 0; /* it is no longer ours */
      }
    } else if (klap_is(op, "drop")) {
      klap_loaded *l = klap_keyed(key);
      if (l) {
        free(l->key);
        klap_free(&l->buf);
        *l = klap.loaded[--klap.n];
      }
    } else if (klap_is(op, "echo")) {
      klap_loaded *l = key.s ? klap_keyed(key) : NULL;
      if (l) said[saying++] = &l->buf;
      for (int i = 0; !key.s && i < n; i++) said[saying++] = &bufs[i];
    } else if (klap_is(op, "bye")) {
      klap.running = 0;
    } else {
      int bench = klap_is(op, "bench");
      long long k = bench ? iters.s ? strtoll(iters.s, NULL, 10) : 0 : 1;
      if (k < 1) klap_refuse(NULL, "bench takes iters \xe2\x89\xa5 1");
      else ns = klap_ask(bench ? klap_string(klap_get(m, "of")) : op, m, bufs, n, k, &made);
      if (!bench) ns = -1;
      if (!*klap.status) said[saying++] = &made;
    }
  }
  fprintf(klap.out, "{\"id\":%.*s,\"status\":\"%s\"", (int)(id.end - id.s), id.s, *klap.status ? klap.status : "ok");
  if (*klap.kind) fprintf(klap.out, ",\"kind\":\"%s\"", klap.kind);
  if (*klap.status) {
    fputs(",\"message\":", klap.out);
    klap_quote(klap.message);
    saying = 0;
  } else {
    if (hello) klap_hello();
    if (ns >= 0) fprintf(klap.out, ",\"ns\":%lld,\"iters\":%.*s", ns, (int)(iters.end - iters.s), iters.s);
    for (int i = 0; i < saying; i++) {
      fputs(i ? "," : ",\"bufs\":[", klap.out);
      klap_encode(said[i], how);
    }
    if (saying) fputc(']', klap.out);
  }
  fputs("}\n", klap.out);
  for (int i = 0; how == 'f' && i < saying; i++) fwrite(said[i]->data, 1, said[i]->bytes, klap.out);
  if (fflush(klap.out)) klap_fail("the output is closed");
  for (int i = 0; i < n; i++) klap_free(&bufs[i]);
  klap_free(&made);
}

static int klap_serve(int argc, char **argv, const klap_row *table) {
  char *text = (char *)klap_alloc(1 << 20), *line = NULL;
  size_t room = 0;
  klap_json name, entry = {NULL, NULL};
  if (argc != 3) klap_fail("usage: program FOLDER --check | ENTRY");
  snprintf(text, 1 << 20, "%s/manifest.json", argv[1]);
  FILE *f = fopen(text, "rb");
  if (!f) klap_fail("manifest.json cannot be read");
  klap.manifest.s = text;
  klap.manifest.end = text + fread(text, 1, 1 << 20, f);
  fclose(f);
  klap.manifest.s = klap_blank(text, klap.manifest.end);
  klap.table = table;
  int check = !strcmp(argv[2], "--check"), found = 0;
  klap_json entries = klap_get(klap.manifest, "entries");
  for (const char *s = entries.s; klap_next(entries, &s, &name, &entry);) {
    if (!check && !klap_is(klap_string(klap_get(entry, "id")), argv[2])) continue;
    klap.entry = entry;
    klap_offered();
    found = 1;
    if (!check) break;
  }
  for (int i = 0; check && i < klap.packages; i++) printf("%s%s %s", i ? ", " : "", klap.package[i][0], klap.package[i][1]);
  if (check) return puts(""), 0;
  if (!found) klap_fail("manifest.json has no such entry");
  klap.in = fdopen(dup(0), "rb");
  klap.out = fdopen(dup(1), "wb");
  int null = open("/dev/null", O_RDONLY);
  if (!klap.in || !klap.out || dup2(null, 0) < 0 || dup2(2, 1) < 0) klap_fail("the standard streams cannot be set aside");
  for (klap.running = 1; klap.running;) {
    ssize_t n = getline(&line, &room, klap.in);
    if (n <= 0) break;
    klap_json m = {klap_blank(line, line + n), line + n};
    while (m.end > m.s && isspace((unsigned char)m.end[-1])) m.end--;
    if (m.end > m.s) klap_turn(m);
  }
  free(line);
  free(text);
  return 0;
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the buffers of the protocol are little-endian, and so must be the machine"
#endif

#endif
