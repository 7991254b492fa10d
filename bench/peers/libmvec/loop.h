#include <math.h>
#include <stddef.h>

// What everyone writes. With -ffast-math gcc takes the logarithms of a whole vector
// from libmvec.
double KL64(double const *p, double const *q, size_t n) {
	double s = 0;
	for (size_t i = 0; i < n; i++) s += p[i] * log(p[i] / q[i]);
	return s;
}

double KL32(float const *p, float const *q, size_t n) {
	float s = 0;
	for (size_t i = 0; i < n; i++) s += p[i] * logf(p[i] / q[i]);
	return s;
}
