// As -mprefer-vector-width=512 would have it.
#pragma GCC target("prefer-vector-width=512")
#define KL64 peers_libmvec512_64
#define KL32 peers_libmvec512_32
#include "loop.h"
