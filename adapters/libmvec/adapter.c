/* The loop that everyone writes, by a compiler that may reorder sums: gcc -O3 -ffast-math, whose
   logarithms come from glibc's libmvec. */
#include <gnu/libc-version.h>
#include <math.h>

#include "../c/klap.h"

static double f64(double *p, size_t n, double *q, size_t m) {
  if (n != m) return klap_refuse("length", "the loop has one length, not %zu and %zu", n, m);
  double s = 0;
  for (size_t i = 0; i < n; i++) s += p[i] * log(p[i] / q[i]);
  return s;
}

static float f32(float *p, size_t n, float *q, size_t m) {
  if (n != m) return klap_refuse("length", "the loop has one length, not %zu and %zu", n, m);
  float s = 0;
  for (size_t i = 0; i < n; i++) s += p[i] * logf(p[i] / q[i]);
  return s;
}

int main(int argc, char **argv) {
  static const klap_row table[] = {{"loop", "kl", f64, f32, NULL}, {NULL, NULL, NULL, NULL, NULL}};
  klap_package("glibc", gnu_get_libc_version());
  klap_package("gcc", __VERSION__);
  return klap_serve(argc, argv, table);
}
