#include <stddef.h>
#include <string.h>

// Eight vectors of partial sums, so that neither the latency of an addition nor the loop
// is what is waited for. gcc splits vectors that the processor does not have.
#define DOT(NAME, T)                                                           \
	double NAME(T const *p, T const *q, size_t n) {                            \
		typedef T vec __attribute__((vector_size(64)));                        \
		enum { lanes = sizeof(vec) / sizeof(T), sums = 8 };                    \
		vec s[sums] = {0};                                                     \
		size_t i = 0;                                                          \
		for (; i + sums * lanes <= n; i += sums * lanes)                       \
			for (int k = 0; k < sums; k++) {                                   \
				vec x, y;                                                      \
				memcpy(&x, p + i + k * lanes, sizeof x);                       \
				memcpy(&y, q + i + k * lanes, sizeof y);                       \
				s[k] += x * y;                                                 \
			}                                                                  \
		T total = 0;                                                           \
		for (int k = 0; k < sums; k++)                                         \
			for (int j = 0; j < lanes; j++) total += s[k][j];                  \
		for (; i < n; i++) total += p[i] * q[i];                               \
		return total;                                                          \
	}

DOT(peers_dot64, double)
DOT(peers_dot32, float)
