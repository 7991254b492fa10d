#include <stddef.h>

#include "numkong/numkong.h"

#define KERNEL(NAME, T, KLD)                                \
	static double NAME(T const *p, T const *q, size_t n) {  \
		nk_f64_t r;                                         \
		KLD(p, q, n, &r);                                   \
		return r;                                           \
	}                                                       \
	void *peers_##NAME(void) { return (void *)NAME; }

#define ABSENT(NAME) \
	void *peers_##NAME(void) { return NULL; }

KERNEL(serial_64, nk_f64_t, nk_kld_f64_serial)
KERNEL(serial_32, nk_f32_t, nk_kld_f32_serial)

#if NK_TARGET_HASWELL && __AVX2__ && __FMA__
KERNEL(haswell_64, nk_f64_t, nk_kld_f64_haswell)
#else
ABSENT(haswell_64)
#endif

#if NK_TARGET_SKYLAKE && __AVX512F__ && __AVX512VL__ && __AVX512BW__ && __AVX512DQ__
KERNEL(skylake_64, nk_f64_t, nk_kld_f64_skylake)
KERNEL(skylake_32, nk_f32_t, nk_kld_f32_skylake)
#else
ABSENT(skylake_64)
ABSENT(skylake_32)
#endif

int peers_numkong_version(int part) {
	int const version[] = {NK_VERSION_MAJOR, NK_VERSION_MINOR, NK_VERSION_PATCH};
	return version[part];
}
