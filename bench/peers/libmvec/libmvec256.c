// As -mprefer-vector-width=256 would have it.
#pragma GCC target("prefer-vector-width=256")
#define KL64 peers_libmvec256_64
#define KL32 peers_libmvec256_32
#include "loop.h"
