package property

import (
	"context"
	"testing"
	"time"

	"klconf/property/mutant"
	"klconf/spec"
)

// exactKL is the right answer to kl, which a mutant spoils.
func exactKL(p, q []float64) float64 {
	r := spec.Request{Op: "kl", Arrays: []spec.Array{spec.Float64s("p", p), spec.Float64s("q", q)}}
	a := oracle(spec.Convention{})(context.Background(), r)
	return a.Arrays[0].Float(0)
}

// kl is a subject that answers kl, and batches row by row, with f.
func kl(f func(p, q []float64) float64) asker {
	g := map[spec.Quantity]func(p, q []float64) float64{
		spec.KL: f, spec.Entropy: naive[spec.Entropy], spec.CrossEntropy: naive[spec.CrossEntropy], spec.JS: naive[spec.JS],
	}
	return loop(g)
}

// terms is the right sum of spoilt pairs.
func terms(f func(p, q float64) (float64, float64)) asker {
	return kl(func(p, q []float64) float64 {
		x, y := make([]float64, len(p)), make([]float64, len(p))
		for i := range p {
			x[i], y[i] = f(p[i], q[i])
		}
		return exactKL(x, y)
	})
}

// ofLaws are wrong implementations that are here for the laws only; the
// others are those of property/mutant.
var ofLaws = map[string]func() asker{
	"element 3 counted twice": func() asker {
		return kl(func(p, q []float64) float64 {
			if len(p) > 3 {
				p, q = append([]float64{p[3]}, p...), append([]float64{q[3]}, q...)
			}
			return exactKL(p, q)
		})
	},
	"plain float64 sum": func() asker { return loop(naive) },
	"1e-3 added to Q": func() asker {
		return terms(func(p, q float64) (float64, float64) { return p, q + 1e-3 })
	},
	"k1-for-k2": func() asker {
		right := oracle(spec.Convention{})
		return func(ctx context.Context, r spec.Request) spec.Answer {
			if r.Options.Estimator == "k2" {
				r.Options.Estimator = "k1"
			}
			return right(ctx, r)
		}
	},
	"clipped at 1e-3": func() asker {
		return terms(func(p, q float64) (float64, float64) { return max(p, 1e-3), max(q, 1e-3) })
	},
}

// killers says which mistakes a law finds, and at which level. No law is
// toothless.
var killers = []struct {
	law     string
	level   spec.Level
	mutants []string
}{
	{"LAW-M1", spec.L5, []string{"plain float64 sum", "accumulator-kept"}},
	{"LAW-M1", spec.L1, []string{"last-element-lost", "rest-of-4-lost", "element 3 counted twice"}},
	{"LAW-M2", spec.L1, []string{"zero-p-gives-q", "generalised", "normalised", "clipped at 1e-3", "last-element-lost"}},
	{"LAW-M3", spec.L1, []string{"normalised", "1e-3 added to Q", "rest-of-4-lost"}},
	{"LAW-M4", spec.L1, []string{"1e-3 added to Q"}},
	{"LAW-M5", spec.L1, []string{"1e-3 added to Q", "clipped at 1e-3", "element 3 counted twice"}},
	{"LAW-M6", spec.L1, []string{"normalised", "clipped at 1e-3", "1e-3 added to Q"}},
	{"LAW-M7", spec.L1, []string{"last-element-lost", "normalised", "element 3 counted twice"}},
	{"LAW-M8", spec.L5, []string{"float32-rounding", "plain float64 sum"}},
	{"LAW-M8", spec.L1, []string{"float32-rounding", "swapped-arguments", "clamped-at-zero", "absolute-terms", "bits", "generalised"}},
	{"LAW-M9", spec.L1, []string{"row-accumulator-kept", "accumulator-kept"}},
	{"LAW-1", spec.L1, []string{"swapped-arguments", "zero-q-dropped", "last-element-lost", "1e-3 added to Q", "generalised"}},
	{"LAW-2", spec.L1, []string{"zero-q-dropped", "last-element-lost", "1e-3 added to Q"}},
	{"LAW-2S", spec.L1, []string{"plain float64 sum"}},
	{"LAW-2Z", spec.L1, []string{"1e-3 added to Q"}},
	{"LAW-3", spec.L1, []string{"normalised", "generalised", "clamped-at-zero", "last-element-lost", "1e-3 added to Q"}},
	{"LAW-4", spec.L5, []string{"plain float64 sum", "float32-rounding", "absolute-terms"}},
	{"LAW-4", spec.L1, []string{"swapped-arguments", "bits", "normalised", "1e-3 added to Q", "clipped at 1e-3"}},
	{"LAW-5", spec.L5, []string{"plain float64 sum", "float32-rounding"}},
	{"LAW-5", spec.L1, []string{"swapped-arguments", "bits", "normalised", "generalised", "symmetrised"}},
	{"LAW-6", spec.L5, []string{"plain float64 sum", "absolute-terms"}},
	{"LAW-6", spec.L1, []string{"swapped-arguments", "zero-q-dropped", "bits", "last-element-lost"}},
	{"LAW-7", spec.L5, []string{"plain float64 sum", "absolute-terms"}},
	{"LAW-7", spec.L1, []string{"swapped-arguments", "zero-q-dropped", "float32-rounding", "generalised"}},
	{"LAW-8", spec.L5, []string{"plain float64 sum"}},
	{"LAW-8", spec.L1, []string{"element 3 counted twice", "absolute-terms", "normalised", "clamped-at-zero", "zero-p-gives-q"}},
	{"LAW-9", spec.L5, []string{"plain float64 sum"}},
	{"LAW-9", spec.L1, []string{"bits", "absolute-terms", "clamped-at-zero", "normalised", "zero-p-gives-q", "element 3 counted twice"}},
	{"LAW-10", spec.L5, []string{"plain float64 sum"}},
	{"LAW-10", spec.L1, []string{"1e-3 added to Q", "absolute-terms", "last-element-lost", "zero-q-dropped"}},
	{"LAW-11", spec.L5, []string{"plain float64 sum", "bits", "generalised"}},
	{"LAW-11", spec.L1, []string{"absolute-terms", "clamped-at-zero", "clipped at 1e-3", "normalised", "float32-rounding", "rest-of-4-lost"}},
	{"LAW-12", spec.L5, []string{"plain float64 sum"}},
	{"LAW-12", spec.L1, []string{"absolute-terms", "clamped-at-zero", "generalised", "normalised", "symmetrised", "element 3 counted twice"}},
	{"LAW-13", spec.L5, []string{"swapped-arguments", "plain float64 sum", "bits"}},
	{"LAW-13", spec.L1, []string{"normalised", "absolute-terms", "float32-rounding", "1e-3 added to Q"}},
	{"LAW-14", spec.L5, []string{"plain float64 sum"}},
	{"LAW-14", spec.L1, []string{"normalised", "generalised", "bits", "swapped-arguments", "clamped-at-zero", "clipped at 1e-3"}},
	{"LAW-15", spec.L1, []string{"normalised", "generalised", "swapped-arguments", "symmetrised", "zero-q-dropped"}},
	{"LAW-16", spec.L5, []string{"plain float64 sum"}},
	{"LAW-16", spec.L1, []string{"bits", "normalised", "generalised", "zero-p-gives-q", "float32-rounding"}},
	{"LAW-17", spec.L5, []string{"plain float64 sum"}},
	{"LAW-17", spec.L1, []string{"bits", "normalised", "swapped-arguments", "absolute-terms", "float32-rounding"}},
	{"LAW-18", spec.L1, []string{"js-not-halved", "js-root"}},
	{"LAW-19", spec.L1, []string{"1e-3 added to Q", "accumulator-kept"}},
	{"LAW-20", spec.L1, []string{"zero-q-dropped", "1e-3 added to Q", "clipped at 1e-3"}},
	{"LAW-21", spec.L1, []string{"swapped-arguments", "bits", "generalised", "float32-rounding", "absolute-terms"}},
	{"LAW-22", spec.L1, []string{"symmetrised"}},
	{"LAW-23", spec.L1, []string{"k1-sign", "k2-not-halved", "k3-reversed", "k3-is-k2", "k1-for-k2"}},
}

// wrongly returns a wrong implementation, with no past.
func wrongly(name string) asker {
	if f, ok := ofLaws[name]; ok {
		return f()
	}
	f, ok := mutant.Find(name)
	if !ok {
		panic("no wrong implementation " + name)
	}
	return f.New().Answer
}

func lawOf(t *testing.T, id string) Law {
	t.Helper()
	for _, l := range Laws() {
		if l.ID == id {
			return l
		}
	}
	t.Fatal("no law " + id)
	return Law{}
}

func TestEveryLawKills(t *testing.T) {
	killed := map[string]bool{}
	for _, k := range killers {
		l := lawOf(t, k.law)
		for _, m := range k.mutants {
			start := time.Now()
			o := run(t.Context(), l, Subject{wrongly(m), spec.Definition(), k.level, spec.F64, offersAll}, Options{1, 100}, 0)
			if o.Status != spec.Fail && o.Status != spec.Note {
				t.Errorf("%s at %s does not find %q: %s %s", k.law, k.level, m, o.Status, o.Message)
			}
			killed[k.law], killed[m] = true, true
			t.Logf("%s at %s, %s, %v: %s", k.law, k.level, m, time.Since(start).Round(time.Millisecond), o.Message)
		}
	}
	for _, l := range Laws() {
		if !killed[l.ID] {
			t.Errorf("%s kills nothing", l.ID)
		}
	}
	for m := range ofLaws {
		if !killed[m] {
			t.Errorf("no law is shown to find %q", m)
		}
	}
}
