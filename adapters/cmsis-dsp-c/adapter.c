/* CMSIS-DSP: arm_kullback_leibler_f64 and _f32. */
#include "../c/klap.h"
#include "dsp/statistics_functions.h"

static double f64(double *p, size_t n, double *q, size_t m) {
  if (n != m) return klap_refuse("length", "the call has one length, not %zu and %zu", n, m);
  return arm_kullback_leibler_f64(p, q, (uint32_t)n);
}

static float f32(float *p, size_t n, float *q, size_t m) {
  if (n != m) return klap_refuse("length", "the call has one length, not %zu and %zu", n, m);
  return arm_kullback_leibler_f32(p, q, (uint32_t)n);
}

int main(int argc, char **argv) {
  static const klap_row table[] = {{"arm_kullback_leibler", "kl", f64, f32, NULL}, {NULL, NULL, NULL, NULL, NULL}};
  klap_package("cmsisdsp", "1.10.3"); /* that of the manifest; the sources do not say it */
  klap_package("gcc", __VERSION__);
  return klap_serve(argc, argv, table);
}
