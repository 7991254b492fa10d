/* An adapter for klconf: replace this function kl by your own call.

   kl gets P and Q of n elements and returns D(P‖Q); it refuses by setting *refused to the reason.
   The rest is the protocol KLAP/1, on a little-endian machine. Standard output belongs to it: what
   is printed goes to standard error. */

#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static double kl(const double *p, const double *q, size_t n, const char **refused) { /* what is graded */
  double sum = 0;
  int infinite = 0;
  for (size_t i = 0; i < n; i++) {
    if (isnan(p[i]) || isnan(q[i])) return NAN;
    if (p[i] < 0 || q[i] < 0 || isinf(p[i]) || isinf(q[i])) *refused = "a weight is negative or infinite";
    else if (p[i] > 0 && q[i] == 0) infinite = 1;
    else if (p[i] > 0) sum += p[i] * (log(p[i]) - log(q[i]));
  }
  return infinite ? INFINITY : sum;
}

/* The value of a field between two places of a line, or NULL. C has no JSON; the lines of the runner
   are simple enough for this. */
static const char *field(const char *from, const char *end, const char *name) {
  char key[32];
  int n = snprintf(key, sizeof key, "\"%s\":", name);
  const char *s = strstr(from, key);
  return s && s < end ? s + n : NULL;
}

static int digit(int c) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *s = c ? strchr(digits, c) : NULL;
  return s ? (int)(s - digits) : -1;
}

/* The vector of a buffer, which the caller frees, and its number of elements. */
static double *vector(const char *buf, const char *end, size_t *n) {
  const char *bytes = field(buf, end, "bytes"), *b64 = field(buf, end, "b64"), *hex = field(buf, end, "hex");
  size_t size = bytes ? strtoull(bytes, NULL, 10) : (size_t)(end - buf), have = 0;
  unsigned char *data = malloc(size + 8);
  if (!data) exit(1);
  if (bytes) {
    if (fread(data, 1, size, stdin) != size) exit(1);
    have = size;
  } else if (b64) {
    uint32_t bits = 0;
    int k = 0;
    for (b64++; digit(*b64) >= 0; b64++) {
      bits = bits << 6 | (uint32_t)digit(*b64);
      if ((k += 6) >= 8) data[have++] = (unsigned char)(bits >> (k -= 8));
    }
  } else if (hex) {
    while (*hex && *hex != ']') {
      if (*hex++ != '"') continue;
      uint64_t word = strtoull(hex, NULL, 16);
      memcpy(data + have, &word, 8);
      have += 8;
      hex = strchr(hex, '"') + 1;
    }
  }
  *n = have / 8;
  return (double *)(void *)data;
}

int main(void) {
  FILE *out = fdopen(dup(1), "w");
  dup2(2, 1);
  char *line = NULL;
  size_t room = 0;
  for (ssize_t length; (length = getline(&line, &room, stdin)) > 0;) {
    const char *end = line + length, *id = field(line, end, "id"), *op = field(line, end, "op"), *options = field(line, end, "options");
    double *x[3] = {NULL, NULL, NULL};
    size_t n[3], count = 0;
    int ours = op && !strncmp(op, "\"kl\"", 4) && (!options || !strncmp(options, "{}", 2));
    for (const char *dtype = line; (dtype = field(dtype, end, "dtype")) && count < 3; count++) {
      const char *buf = dtype;
      while (*buf != '{') buf--;
      ours &= !strncmp(dtype, "\"f64\"", 5);
      x[count] = vector(buf, strchr(buf, '}'), &n[count]);
    }
    const char *refused = NULL;
    fprintf(out, "{\"id\":%.*s,", id ? (int)strcspn(id, ",}") : 1, id ? id : "0");
    if (op && !strncmp(op, "\"hello\"", 7)) {
      fputs("\"status\":\"ok\",\"protocol\":1,\"name\":\"example\",\"version\":\"1\",\"language\":\"C\",\"ops\":[\"kl\"],"
            "\"dtypes\":[\"f64\"],\"encodings\":[\"frame\",\"b64\",\"hex\"],\"deterministic\":true}\n", out);
    } else if (op && !strncmp(op, "\"bye\"", 5)) {
      fputs("\"status\":\"ok\"}\n", out);
    } else if (!ours || count != 2) {
      fputs("\"status\":\"unsupported\",\"message\":\"only kl of two f64 vectors, without options\"}\n", out);
    } else if (n[0] != n[1]) {
      fprintf(out, "\"status\":\"rejected\",\"kind\":\"length\",\"message\":\"%zu and %zu elements\"}\n", n[0], n[1]);
    } else {
      double d = kl(x[0], x[1], n[0], &refused);
      uint64_t bits;
      memcpy(&bits, &d, 8);
      if (refused) fprintf(out, "\"status\":\"rejected\",\"kind\":\"domain\",\"message\":\"%s\"}\n", refused);
      else fprintf(out, "\"status\":\"ok\",\"bufs\":[{\"name\":\"kl\",\"dtype\":\"f64\",\"shape\":[],\"hex\":[\"%016llx\"]}]}\n", (unsigned long long)bits);
    }
    fflush(out);
    for (int i = 0; i < 3; i++) free(x[i]);
    if (op && !strncmp(op, "\"bye\"", 5)) break;
  }
  return 0;
}
