enum { CLOCK, FMA, ADD, DIVIDE, INTEGER, PERMUTE, RECIPROCAL, EXPONENT, CONVERT, MIXED, DIVIDED };

// seconds runs eight instructions of a kind (24 MIXED, 17 DIVIDED) so many times.
double seconds(int what, long turns);
