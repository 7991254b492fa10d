/* NumKong's C headers, those of its crate: the kernels in plain C and for AVX2, without its choice between
   kernels. */
#include "../c/klap.h"
#include "numkong/numkong.h"

/* The kernels for float32 return a float64 that is no more exact than a float32: it is rounded. */
#define KERNEL(ISA, D, T)                                                                             \
  static T ISA##_##D(T *p, size_t n, T *q, size_t m) {                                           \
    if (n != m) return klap_refuse("length", "the call has one length, not %zu and %zu", n, m);       \
    nk_f64_t result;                                                                                  \
    nk_kld_##D##_##ISA(p, q, n, &result);                                                             \
    return (T)result;                                                                                 \
  }

KERNEL(serial, f64, double)
KERNEL(serial, f32, float)
#if NK_TARGET_HASWELL
KERNEL(haswell, f64, double)
#endif

#define TEXT(X) #X
#define VERSION(A, B, C) TEXT(A) "." TEXT(B) "." TEXT(C)

int main(int argc, char **argv) {
  static const klap_row table[] = {
      {"nk_kld_serial", "kl", serial_f64, serial_f32, NULL},
#if NK_TARGET_HASWELL
      {"nk_kld_haswell", "kl", haswell_f64, NULL, NULL},
#endif
      {NULL, NULL, NULL, NULL, NULL}};
  const char *entry = argc > 2 ? argv[2] : "";
#if NK_TARGET_X8664_
  if (strstr(entry, "haswell") && !(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))) klap_fail("this processor has no AVX2");
#endif
  klap_package("numkong", VERSION(NK_VERSION_MAJOR, NK_VERSION_MINOR, NK_VERSION_PATCH));
  klap_package("gcc", __VERSION__);
  return klap_serve(argc, argv, table);
}
