package property

import (
	"context"
	"math"
	"testing"
	"time"

	"klconf/conform/judge"
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

// js is a subject whose Jensen-Shannon divergence is spoilt by f.
func js(f func(float64) float64) asker {
	return func(ctx context.Context, r spec.Request) spec.Answer {
		a := oracle(spec.Convention{})(ctx, r)
		if x, ok := a.Result(); ok && r.Op == "js" {
			x.SetBits(0, judge.Bits(x.DType, f(x.Float(0))))
		}
		return a
	}
}

// mutants are wrong implementations, each with one mistake.
var mutants = map[string]func() asker{
	"swapped arguments": func() asker {
		return kl(func(p, q []float64) float64 { return exactKL(q, p) })
	},
	"last element dropped": func() asker {
		return kl(func(p, q []float64) float64 { n := max(len(p)-1, 0); return exactKL(p[:n], q[:n]) })
	},
	"tail of four lost": func() asker {
		return kl(func(p, q []float64) float64 { n := len(p) &^ 3; return exactKL(p[:n], q[:n]) })
	},
	"q = 0 dropped": func() asker {
		return terms(func(p, q float64) (float64, float64) {
			if q == 0 {
				return 0, 0
			}
			return p, q
		})
	},
	"clamped at 0": func() asker {
		return kl(func(p, q []float64) float64 { return max(exactKL(p, q), 0) })
	},
	"absolute terms": func() asker {
		return kl(func(p, q []float64) float64 {
			s := 0.0
			for i := range p {
				s += math.Abs(exactKL(p[i:i+1], q[i:i+1]))
			}
			return s
		})
	},
	"element 3 counted twice": func() asker {
		return kl(func(p, q []float64) float64 {
			if len(p) > 3 {
				p, q = append([]float64{p[3]}, p...), append([]float64{q[3]}, q...)
			}
			return exactKL(p, q)
		})
	},
	"state kept from call to call": func() asker {
		last := 0.0
		return kl(func(p, q []float64) float64 {
			x := exactKL(p, q) + last
			last = exactKL(p, q) / 16
			return x
		})
	},
	"state kept from row to row": func() asker {
		return func(ctx context.Context, r spec.Request) spec.Answer {
			a := oracle(spec.Convention{})(ctx, r)
			if x, ok := a.Result(); ok && r.Op == "kl_rows" {
				for i := 1; i < x.Len(); i++ {
					x.SetBits(i, judge.Bits(x.DType, x.Float(i)+x.Float(i-1)/2))
				}
			}
			return a
		}
	},
	"float32 sum": func() asker {
		return kl(func(p, q []float64) float64 { return float64(float32(naive[spec.KL](p, q))) })
	},
	"plain float64 sum": func() asker { return loop(naive) },
	"normalised":        func() asker { return oracle(spec.Convention{Steps: []spec.Step{{Do: "normalise", Of: "both"}}}) },
	"generalised": func() asker {
		yes := true
		return oracle(spec.Convention{Generalised: &yes})
	},
	"bits": func() asker {
		return kl(func(p, q []float64) float64 { return exactKL(p, q) / math.Ln2 })
	},
	"1e-3 added to Q": func() asker {
		return terms(func(p, q float64) (float64, float64) { return p, q + 1e-3 })
	},
	"clipped at 1e-3": func() asker {
		return terms(func(p, q float64) (float64, float64) { return max(p, 1e-3), max(q, 1e-3) })
	},
	"symmetrised": func() asker {
		return kl(func(p, q []float64) float64 { return (exactKL(p, q) + exactKL(q, p)) / 2 })
	},
	"Jensen-Shannon not halved": func() asker {
		return js(func(x float64) float64 { return 2 * x })
	},
	"Jensen-Shannon's root": func() asker { return js(math.Sqrt) },
	"q added where p = 0": func() asker {
		return kl(func(p, q []float64) float64 {
			s := exactKL(p, q)
			for i := range p {
				if p[i] == 0 {
					s += q[i]
				}
			}
			return s
		})
	},
}

// killers says which mistakes a law finds, and at which level. No law is
// toothless.
var killers = []struct {
	law     string
	level   spec.Level
	mutants []string
}{
	{"LAW-M1", spec.L5, []string{"plain float64 sum", "state kept from call to call"}},
	{"LAW-M1", spec.L1, []string{"last element dropped", "tail of four lost", "element 3 counted twice"}},
	{"LAW-M2", spec.L1, []string{"q added where p = 0", "generalised", "normalised", "clipped at 1e-3", "last element dropped"}},
	{"LAW-M3", spec.L1, []string{"normalised", "1e-3 added to Q", "tail of four lost"}},
	{"LAW-M4", spec.L1, []string{"1e-3 added to Q"}},
	{"LAW-M5", spec.L1, []string{"1e-3 added to Q", "clipped at 1e-3", "element 3 counted twice"}},
	{"LAW-M6", spec.L1, []string{"normalised", "clipped at 1e-3", "1e-3 added to Q"}},
	{"LAW-M7", spec.L1, []string{"last element dropped", "normalised", "element 3 counted twice"}},
	{"LAW-M8", spec.L5, []string{"float32 sum", "plain float64 sum"}},
	{"LAW-M8", spec.L1, []string{"float32 sum", "swapped arguments", "clamped at 0", "absolute terms", "bits", "generalised"}},
	{"LAW-M9", spec.L1, []string{"state kept from row to row", "state kept from call to call"}},
	{"LAW-1", spec.L1, []string{"swapped arguments", "q = 0 dropped", "last element dropped", "1e-3 added to Q", "generalised"}},
	{"LAW-2", spec.L1, []string{"q = 0 dropped", "last element dropped", "1e-3 added to Q"}},
	{"LAW-2S", spec.L1, []string{"plain float64 sum"}},
	{"LAW-2Z", spec.L1, []string{"1e-3 added to Q"}},
	{"LAW-3", spec.L1, []string{"normalised", "generalised", "clamped at 0", "last element dropped", "1e-3 added to Q"}},
	{"LAW-4", spec.L5, []string{"plain float64 sum", "float32 sum", "absolute terms"}},
	{"LAW-4", spec.L1, []string{"swapped arguments", "bits", "normalised", "1e-3 added to Q", "clipped at 1e-3"}},
	{"LAW-5", spec.L5, []string{"plain float64 sum", "float32 sum"}},
	{"LAW-5", spec.L1, []string{"swapped arguments", "bits", "normalised", "generalised", "symmetrised"}},
	{"LAW-6", spec.L5, []string{"plain float64 sum", "absolute terms"}},
	{"LAW-6", spec.L1, []string{"swapped arguments", "q = 0 dropped", "bits", "last element dropped"}},
	{"LAW-7", spec.L5, []string{"plain float64 sum", "absolute terms"}},
	{"LAW-7", spec.L1, []string{"swapped arguments", "q = 0 dropped", "float32 sum", "generalised"}},
	{"LAW-8", spec.L5, []string{"plain float64 sum"}},
	{"LAW-8", spec.L1, []string{"element 3 counted twice", "absolute terms", "normalised", "clamped at 0", "q added where p = 0"}},
	{"LAW-9", spec.L5, []string{"plain float64 sum"}},
	{"LAW-9", spec.L1, []string{"bits", "absolute terms", "clamped at 0", "normalised", "q added where p = 0", "element 3 counted twice"}},
	{"LAW-10", spec.L5, []string{"plain float64 sum"}},
	{"LAW-10", spec.L1, []string{"1e-3 added to Q", "absolute terms", "last element dropped", "q = 0 dropped"}},
	{"LAW-11", spec.L5, []string{"plain float64 sum", "bits", "generalised"}},
	{"LAW-11", spec.L1, []string{"absolute terms", "clamped at 0", "clipped at 1e-3", "normalised", "float32 sum", "tail of four lost"}},
	{"LAW-12", spec.L5, []string{"plain float64 sum"}},
	{"LAW-12", spec.L1, []string{"absolute terms", "clamped at 0", "generalised", "normalised", "symmetrised", "element 3 counted twice"}},
	{"LAW-13", spec.L5, []string{"swapped arguments", "plain float64 sum", "bits"}},
	{"LAW-13", spec.L1, []string{"normalised", "absolute terms", "float32 sum", "1e-3 added to Q"}},
	{"LAW-14", spec.L5, []string{"plain float64 sum"}},
	{"LAW-14", spec.L1, []string{"normalised", "generalised", "bits", "swapped arguments", "clamped at 0", "clipped at 1e-3"}},
	{"LAW-15", spec.L1, []string{"normalised", "generalised", "swapped arguments", "symmetrised", "q = 0 dropped"}},
	{"LAW-16", spec.L5, []string{"plain float64 sum"}},
	{"LAW-16", spec.L1, []string{"bits", "normalised", "generalised", "q added where p = 0", "float32 sum"}},
	{"LAW-17", spec.L5, []string{"plain float64 sum"}},
	{"LAW-17", spec.L1, []string{"bits", "normalised", "swapped arguments", "absolute terms", "float32 sum"}},
	{"LAW-18", spec.L1, []string{"normalised", "Jensen-Shannon not halved", "Jensen-Shannon's root"}},
	{"LAW-19", spec.L1, []string{"1e-3 added to Q", "state kept from call to call"}},
	{"LAW-20", spec.L1, []string{"q = 0 dropped", "1e-3 added to Q", "clipped at 1e-3"}},
	{"LAW-21", spec.L1, []string{"swapped arguments", "bits", "generalised", "float32 sum", "absolute terms"}},
	{"LAW-22", spec.L1, []string{"symmetrised"}},
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
			o := run(t.Context(), l, Subject{mutants[m](), spec.Definition(), k.level, spec.F64, offersAll}, Options{1, 100}, 0)
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
	for m := range mutants {
		if !killed[m] {
			t.Errorf("no law is shown to find %q", m)
		}
	}
}
