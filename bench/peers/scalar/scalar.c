#include <math.h>
#include <stddef.h>

double peers_scalar_64(double const *p, double const *q, size_t n) {
	double s = 0;
	for (size_t i = 0; i < n; i++) s += p[i] * log(p[i] / q[i]);
	return s;
}

double peers_scalar_32(float const *p, float const *q, size_t n) {
	float s = 0;
	for (size_t i = 0; i < n; i++) s += p[i] * logf(p[i] / q[i]);
	return s;
}
