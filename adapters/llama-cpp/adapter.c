/* The arithmetic of llama.cpp's llama-perplexity --kl-divergence on one row of logits, restated in C from
   tools/perplexity/perplexity.cpp at commit 050fc7f (MIT licence): the base file keeps of P a scale, a least
   log-probability and 16 bits an entry, and drops what lies 16 below the largest logit. */
#include <math.h>
#include <stdlib.h>

#include "../c/klap.h"

/* The largest of n logits, and the sum of e^(x - largest). */
static float log_sum(const float *x, size_t n, double *sum) {
  float most = x[0];
  for (size_t i = 1; i < n; i++) most = x[i] > most ? x[i] : most;
  *sum = 0;
  for (size_t i = 0; i < n; i++) *sum += expf(x[i] - most);
  return most;
}

/* To the nearest whole number of 0 to 65535, ties to even: a sum with 1.5 * 2^23 has no bits below 1. */
static uint16_t nearest(float x) {
  union {
    float f;
    uint32_t u;
  } v = {x + 12582912.f};
  return (uint16_t)((v.u & 0x7fffff) - 0x400000);
}

static double kl(float *a, size_t n, float *b, size_t m) {
  if (n != m || n == 0) return klap_refuse("length", "rows of one length, not of %zu and %zu", n, m);
  double sum;
  float most = log_sum(a, n, &sum), least = most;
  for (size_t i = 0; i < n; i++) least = a[i] < least ? a[i] : least;
  if (least < most - 16) least = most - 16;
  const float least_log = least - most - (float)log(sum), scale = (most - least) / 65535;
  const float inverse = scale > 0 ? 1 / scale : 0;
  const float norm = log_sum(b, n, &sum) + (float)log(sum);
  double total = 0;
  for (size_t i = 0; i < n; i++) {
    const uint16_t u = a[i] > least && inverse > 0 ? nearest(inverse * (a[i] - least)) : 0;
    const float l = scale * (float)u + least_log;
    if (l > -16) total += expf(l) * (l - b[i] + norm);
  }
  return total;
}

int main(int argc, char **argv) {
  static const klap_row table[] = {{"kl-divergence", "kl_logits", NULL, NULL, kl}, {NULL, NULL, NULL, NULL, NULL}};
  klap_package("llama.cpp", "050fc7f");
  klap_package("gcc", __VERSION__);
  return klap_serve(argc, argv, table);
}
