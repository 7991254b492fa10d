#include "ports.h"

#include <immintrin.h>
#include <time.h>

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

// Eight independent instructions on registers that nothing else uses.
#define ONE(op, i) op "%%zmm10,%%zmm11,%%zmm" #i "\n\t"
#define EIGHT(op) ONE(op, 0) ONE(op, 1) ONE(op, 2) ONE(op, 3) ONE(op, 4) ONE(op, 5) ONE(op, 6) ONE(op, 7)
#define UNARY(op, i) op "%%zmm10,%%zmm" #i "\n\t"
#define EIGHT1(op) UNARY(op, 0) UNARY(op, 1) UNARY(op, 2) UNARY(op, 3) UNARY(op, 4) UNARY(op, 5) UNARY(op, 6) UNARY(op, 7)
#define WIDEN(i) "vcvtps2pd %%ymm10,%%zmm" #i "\n\t"

#define RUN(code)                                                                                         \
	for (long i = 0; i < turns; i++)                                                                      \
		__asm__ volatile(code ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
		                 "xmm9", "xmm10", "xmm11");                                                       \
	break

double seconds(int what, long turns) {
	// Ordinary numbers: what division takes depends on them.
	double const x = 1.3, y = 1.7;
	__asm__ volatile("vbroadcastsd %0,%%zmm10\n\tvbroadcastsd %1,%%zmm11" ::"m"(x), "m"(y) : "xmm10", "xmm11");
	double start = now();
	switch (what) {
	case CLOCK: {
		long x = 0;
		for (long i = 0; i < turns; i++)
			__asm__ volatile("add $1,%0\n\tadd $1,%0\n\tadd $1,%0\n\tadd $1,%0\n\t"
			                 "add $1,%0\n\tadd $1,%0\n\tadd $1,%0\n\tadd $1,%0" : "+r"(x));
		break;
	}
	case FMA: RUN(EIGHT("vfmadd231pd "));
	case ADD: RUN(EIGHT("vaddpd "));
	case DIVIDE: RUN(EIGHT("vdivpd "));
	case INTEGER: RUN(EIGHT("vpaddq "));
	case PERMUTE: RUN(EIGHT("vpermi2pd "));
	case RECIPROCAL: RUN(EIGHT1("vrcp14pd "));
	case EXPONENT: RUN(EIGHT1("vgetexppd "));
	case CONVERT: RUN(WIDEN(0) WIDEN(1) WIDEN(2) WIDEN(3) WIDEN(4) WIDEN(5) WIDEN(6) WIDEN(7));
	case MIXED: RUN(EIGHT("vfmadd231pd ") EIGHT("vaddpd ") EIGHT("vpaddq "));
	case DIVIDED: RUN(EIGHT("vfmadd231pd ") EIGHT("vaddpd ") "vdivpd %%zmm10,%%zmm11,%%zmm8\n\t");
	}
	double end = now();
	__asm__ volatile("vzeroupper");
	return end - start;
}
