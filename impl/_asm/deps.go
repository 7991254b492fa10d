//go:build deps

package main

// avo reads the types of parameters from this package, which is not linked: a
// kernel that is missing must not keep the generator from writing it.
import _ "klconf/impl"
