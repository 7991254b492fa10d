package impl

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
)

// A Backend is one implementation of all functions of this package. Backends differ
// in speed only: their results are the same to the last bit.
type Backend struct {
	Name string
	isa  isa

	// An accelerated backend is a copy of goBackend with some of these replaced.
	// Lengths have been checked.
	kl                              func(p, q []float64) (float64, Tier)
	kl32                            func(p, q []float32) (float32, Tier)
	crossEntropy, jensenShannon     func(p, q []float64) float64
	crossEntropy32, jensenShannon32 func(p, q []float32) float32
	entropy                         func(p []float64) float64
	entropy32                       func(p []float32) float32
	klLogits32                      func(a, b []float32) (float64, Tier)
	klLogitsApprox32                func(a, b []float32) float64
}

// KL is [KL] by this backend.
func (b *Backend) KL(p, q []float64) float64 {
	v, _ := b.KLTier(p, q)
	return v
}

// KLTier is KL and the tier that gave it, which a benchmark wants to count.
func (b *Backend) KLTier(p, q []float64) (float64, Tier) {
	sameLength("KL", len(p), len(q))
	return b.kl(p, q)
}

// KL32 is [KL32] by this backend.
func (b *Backend) KL32(p, q []float32) float32 {
	v, _ := b.KL32Tier(p, q)
	return v
}

// KL32Tier is KL32 and the tier that gave it.
func (b *Backend) KL32Tier(p, q []float32) (float32, Tier) {
	sameLength("KL32", len(p), len(q))
	return b.kl32(p, q)
}

// Entropy is [Entropy] by this backend.
func (b *Backend) Entropy(p []float64) float64 { return b.entropy(p) }

// Entropy32 is [Entropy32] by this backend.
func (b *Backend) Entropy32(p []float32) float32 { return b.entropy32(p) }

// CrossEntropy is [CrossEntropy] by this backend.
func (b *Backend) CrossEntropy(p, q []float64) float64 {
	sameLength("CrossEntropy", len(p), len(q))
	return b.crossEntropy(p, q)
}

// CrossEntropy32 is [CrossEntropy32] by this backend.
func (b *Backend) CrossEntropy32(p, q []float32) float32 {
	sameLength("CrossEntropy32", len(p), len(q))
	return b.crossEntropy32(p, q)
}

// JensenShannon is [JensenShannon] by this backend.
func (b *Backend) JensenShannon(p, q []float64) float64 {
	sameLength("JensenShannon", len(p), len(q))
	return b.jensenShannon(p, q)
}

// JensenShannon32 is [JensenShannon32] by this backend.
func (b *Backend) JensenShannon32(p, q []float32) float32 {
	sameLength("JensenShannon32", len(p), len(q))
	return b.jensenShannon32(p, q)
}

// exactBackend asks the oracle every time. It is slow, and shares with the other
// backends nothing but the treatment of special values.
var exactBackend = Backend{
	Name:             "exact",
	kl:               func(p, q []float64) (float64, Tier) { return screened(klSum, p, q), TierExact },
	kl32:             func(p, q []float32) (float32, Tier) { return screened(klSum, p, q), TierExact },
	entropy:          func(p []float64) float64 { return screened(entropySum, p, nil) },
	entropy32:        func(p []float32) float32 { return screened(entropySum, p, nil) },
	crossEntropy:     func(p, q []float64) float64 { return screened(crossSum, p, q) },
	crossEntropy32:   func(p, q []float32) float32 { return screened(crossSum, p, q) },
	jensenShannon:    func(p, q []float64) float64 { return screened(jensenSum, p, q) },
	jensenShannon32:  func(p, q []float32) float32 { return screened(jensenSum, p, q) },
	klLogits32:       screenedLogits,
	klLogitsApprox32: func(a, b []float32) float64 { return first(screenedLogits(a, b)) },
}

// goBackend is pure Go and available everywhere.
var goBackend = Backend{
	Name:             "go",
	kl:               func(p, q []float64) (float64, Tier) { return solve(klSum, p, q, noVectors) },
	kl32:             func(p, q []float32) (float32, Tier) { return solveKL32(p, q, noVectors) },
	entropy:          func(p []float64) float64 { return first(solve(entropySum, p, nil, noVectors)) },
	entropy32:        func(p []float32) float32 { return first(solve32(entropySum, p, nil, noVectors)) },
	crossEntropy:     func(p, q []float64) float64 { return first(solve(crossSum, p, q, noVectors)) },
	crossEntropy32:   func(p, q []float32) float32 { return first(solve32(crossSum, p, q, noVectors)) },
	jensenShannon:    func(p, q []float64) float64 { return first(solve(jensenSum, p, q, noVectors)) },
	jensenShannon32:  func(p, q []float32) float32 { return first(solve32(jensenSum, p, q, noVectors)) },
	klLogits32:       solveLogits,
	klLogitsApprox32: approxLogits,
}

func first[F float32 | float64](v F, _ Tier) F { return v }

// backends are those available on this machine, the slowest first: the last is
// the default.
var backends = append([]*Backend{&exactBackend, &goBackend}, vectorBackends()...)

var current atomic.Pointer[Backend]

var environment error

func init() {
	current.Store(backends[len(backends)-1])
	if name := os.Getenv("KLCONF_BACKEND"); name != "" {
		if _, err := Use(name); err != nil {
			environment = fmt.Errorf("environment variable KLCONF_BACKEND: %w", err)
		}
	}
}

// EnvironmentError returns why KLCONF_BACKEND was not obeyed, or nil. The default
// backend is current then; a program that lets its users choose should say so and
// stop.
func EnvironmentError() error { return environment }

// Backends returns the names of the backends available on this machine, the fastest,
// which is the default, last.
func Backends() []string {
	names := make([]string, len(backends))
	for i, b := range backends {
		names[i] = b.Name
	}
	return names
}

// Lookup returns the backend of that name. The error of an unknown name lists those
// that are available.
func Lookup(name string) (*Backend, error) {
	for _, b := range backends {
		if b.Name == name {
			return b, nil
		}
	}
	return nil, fmt.Errorf("no backend %q on this machine; available: %s", name, strings.Join(Backends(), ", "))
}

// Use makes the named backend the current one for the whole process, which changes
// the speed of the package's functions and never a result. restore brings
// back the backend that was current before.
func Use(name string) (restore func(), err error) {
	b, err := Lookup(name)
	if err != nil {
		return nil, err
	}
	old := current.Swap(b)
	return func() { current.Store(old) }, nil
}

// Current returns the name of the current backend.
func Current() string { return current.Load().Name }
