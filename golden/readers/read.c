/* klconf export --format csv >kl.csv; cc -O2 -o read read.c -lm && ./read <kl.csv; C++ takes it too */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The function under test; *ok 0 is a refusal. */
static double kl(const double *p, int n, const double *q, int m, int *ok) {
  double s = 0;
  if (!(*ok = n == m)) return 0;
  for (int i = 0; i < n; i++) s += p[i] > 0 ? p[i] * log(p[i] / q[i]) : p[i] == 0 && q[i] >= 0 ? 0 : NAN;
  return s;
}

static int numbers(char *words, double *x) {
  int n = 0;
  for (char *w = words; *w && *w != ','; n++) {
    uint64_t bits = strtoull(w, &w, 16);
    memcpy(x + n, &bits, 8);
    w += *w == ' ' || *w == ':';
  }
  return n;
}

int main(void) {
  static char line[1 << 20];
  static double p[8192], q[8192], ends[16];
  int right = 0, total = 0;
  while (fgets(line, sizeof line, stdin)) {
    char *f[10] = {line};
    if (*line == '#') continue;
    for (int i = 1; i < 10; i++) f[i] = strchr(f[i - 1], ',') + 1;
    int answered, n = numbers(f[3], p), m = numbers(f[4], q), e = numbers(f[7], ends);
    double x = kl(p, n, q, m, &answered);
    int ok = answered ? isnan(x) && *f[8] == '1' : *f[9] == '1';
    for (int i = 0; answered && i < e; i += 2) ok |= ends[i] <= x && x <= ends[i + 1];
    total++, right += ok;
    if (!ok) fprintf(stderr, "wrong: %.*s\n", (int)(f[1] - line - 1), line);
  }
  printf("%d of %d right\n", right, total);
}
