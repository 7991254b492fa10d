// Package gonum puts gonum.org/v1/gonum/stat to the test, in process:
// KullbackLeibler, and JensenShannon and Entropy beside it. CrossEntropy is
// left out: it answers a number for a negative p, another convention.
package gonum

import (
	"runtime/debug"

	"gonum.org/v1/gonum/stat"

	"klconf/adapters"
	"klconf/spec"
)

const (
	module  = "gonum.org/v1/gonum"
	version = "v0.17.0" // of go.mod, for a binary without build information
)

// New returns gonum's functions. They skip p = 0 whatever q is, a NaN or a
// negative number too, which is a fault and not a convention (known.json).
func New() spec.Implementation {
	no, yes := false, true
	v := linked()
	return adapters.InProcess(spec.Description{
		Name:     "gonum",
		Version:  v,
		Homepage: "https://www.gonum.org",
		Convention: &spec.Convention{
			Direction: "p||q", DomainP: "measure", DomainQ: "measure",
			Base: "e", Scale: "1", Generalised: &no, Steps: []spec.Step{},
			ZeroQ: "inf", ZeroZero: "zero", ZeroP: "zero", NaN: "nan", Negative: "nan", Infinite: "value",
			Empty: "zero", Mismatch: "reject", Subnormal: "kept",
			RequiresNormalised: &spec.Tolerance{}, Reduction: "none",
		},
		Deterministic: &yes,
		Packages:      map[string]string{module: v},
	}, map[spec.Op]adapters.Func{
		"kl":      stat.KullbackLeibler,
		"js":      stat.JensenShannon,
		"entropy": func(p, _ []float64) float64 { return stat.Entropy(p) },
	}, refused)
}

func refused(p any) string {
	if p == "stat: slice length mismatch" {
		return spec.KindLength
	}
	return ""
}

// linked returns the version of gonum in this binary.
func linked() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == module {
				return m.Version
			}
		}
	}
	return version
}
