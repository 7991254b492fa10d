// FLANN: the functor KL_Divergence, from its headers alone.
#if !__has_include(<flann/algorithms/dist.h>)
#error "the headers of FLANN are not installed; in Debian: apt-get install libflann-dev"
#endif
#include <flann/algorithms/dist.h>
#include <flann/config.h>

#include "../c/klap.h"

template <class T>
static T kl(T *p, size_t n, T *q, size_t m) {
  if (n != m) return klap_refuse("length", "the call has one length, not %zu and %zu", n, m);
  return flann::KL_Divergence<T>()(p, q, n);
}

int main(int argc, char **argv) {
  static const klap_row table[] = {{"KL_Divergence", "kl", kl<double>, kl<float>, NULL}, {NULL, NULL, NULL, NULL, NULL}};
  klap_package("flann", FLANN_VERSION_);
  klap_package("gcc", __VERSION__);
  return klap_serve(argc, argv, table);
}
