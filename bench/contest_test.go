package bench

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"klconf/impl"
	"klconf/spec"
	"klconf/spec/klap"
)

// A timedKL takes the time of a call as long as it sleeps. In a bubble that is exact.
type timedKL struct {
	perElement time.Duration
	calls      *[]string
	name       string
}

func (timedKL) Describe() spec.Description {
	yes := true
	return spec.Description{Name: "timed", DTypes: []spec.DType{spec.F64, spec.F32}, Deterministic: &yes}
}

func (k timedKL) Answer(_ context.Context, r spec.Request) spec.Answer {
	x, y := r.Arrays[0].Floats(), r.Arrays[1].Floats()
	time.Sleep(time.Duration(len(x)) * k.perElement)
	if k.calls != nil {
		*k.calls = append(*k.calls, k.name)
	}
	if r.Arrays[0].DType == spec.F32 {
		return spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("kl", spec.F32, uint64(math.Float32bits(impl.KL32(As[float32](x), As[float32](y)))))}}
	}
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("kl", spec.F64, math.Float64bits(impl.KL(x, y)))}}
}

// asked is a contestant whose answers to bench are changed.
func asked(name string, k spec.Implementation, change func(r spec.Request, a *spec.Answer)) Contestant {
	session := klap.NewSession(k)
	return Contestant{Name: name, Description: k.Describe(), Deterministic: true, Ask: func(ctx context.Context, r spec.Request) spec.Answer {
		a := session.Answer(ctx, r)
		if r.Op == spec.OpBench && change != nil {
			change(r, &a)
		}
		return a
	}}
}

var small = Plan{Op: "kl", DTypes: []spec.DType{spec.F64, spec.F32}, Families: []Family{Families[1], Zeros}, Sizes: []int{16, 64},
	Passes: 2, Rounds: 3, Sample: time.Millisecond, Limit: time.Second,
	dot: func(a []spec.Array) func(int) { // one that takes time in a bubble
		return func(iters int) { time.Sleep(time.Duration(iters * a[0].Len())) }
	}}

func TestMeasure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, slow := timedKL{perElement: time.Microsecond}, timedKL{perElement: 3 * time.Microsecond}
		done := 0
		cells, err := small.Measure(t.Context(), []Contestant{asked("fast", fast, nil), asked("slow", slow, nil)}, func() { done++ })
		if err != nil || len(cells) != 8 || done != 16 {
			t.Fatalf("%d cells, %d done, %v", len(cells), done, err)
		}
		for _, c := range cells {
			for i, e := range c.Entries {
				want := float64(c.N) * []float64{1e3, 3e3}[i]
				if e.Why != "" || len(e.Times) != 6 || len(c.Dot) != 6 || e.Times.Median() != want || e.Times.Fastest() != want {
					t.Errorf("%s %s %d, %s: %v, %q", c.DType, c.Data, c.N, e.Name, e.Times, e.Why)
				}
				if e.ULP == nil || *e.ULP > 0.5 || *e.ULP == 0 {
					t.Errorf("%s: ulp-max %v", e.Name, e.ULP)
				}
				if e.Allocs == nil {
					t.Errorf("%s: allocations are not told", e.Name)
				}
			}
		}
	})
}

// The rounds must be ABBA.
func TestMeasureTurnsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []string
		p := small
		p.DTypes, p.Families, p.Sizes = p.DTypes[:1], p.Families[:1], []int{4096}
		p.Passes, p.Rounds = 1, 6
		kl := func(name string) Contestant {
			return asked(name, timedKL{time.Microsecond, &calls, name}, nil)
		}
		if _, err := p.Measure(t.Context(), []Contestant{kl("A"), kl("B")}, nil); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(calls[len(calls)-2*(6+warmUp):], ""); got != "ABBAABBAABBAABBA" {
			t.Errorf("the rounds: %s", got)
		}
	})
}

// Who is not what it says is not timed.
func TestMeasureCatches(t *testing.T) {
	for _, c := range []struct {
		name   string
		kl     timedKL
		change func(r spec.Request, a *spec.Answer)
		says   string
	}{
		{"constant time", timedKL{}, func(_ spec.Request, a *spec.Answer) { time.Sleep(2 * time.Millisecond); a.NS = 2e6 }, "time does not grow"},
		{"another result", timedKL{perElement: time.Microsecond}, func(_ spec.Request, a *spec.Answer) { a.Arrays[0].SetBits(0, a.Arrays[0].Bits(0)^1) }, "the question was answered"},
		{"more than passed", timedKL{perElement: time.Microsecond}, func(_ spec.Request, a *spec.Answer) { a.NS *= 2 }, "passed meanwhile"},
		{"a third of the time", timedKL{perElement: time.Microsecond}, func(_ spec.Request, a *spec.Answer) { a.NS /= 3 }, "less than half of the time"},
		{"other iterations", timedKL{perElement: time.Microsecond}, func(_ spec.Request, a *spec.Answer) { a.Iters++ }, "says that it did"},
		{"no time", timedKL{perElement: time.Microsecond}, func(_ spec.Request, a *spec.Answer) { a.NS = 0 }, "took 0 ns"},
		{"no result", timedKL{perElement: time.Microsecond}, func(_ spec.Request, a *spec.Answer) { a.Arrays = nil }, "without the result"},
		{"no bench", timedKL{perElement: time.Microsecond}, func(_ spec.Request, a *spec.Answer) { *a = spec.Answer{Status: spec.Unsupported, Message: "op bench"} }, "unsupported: op bench"},
		{"too slow", timedKL{perElement: time.Second}, nil, "above the limit of 1s"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := small
			p.DTypes, p.Families, p.Sizes = p.DTypes[:1], p.Families[:1], p.Sizes[:1]
			cells, err := p.Measure(t.Context(), []Contestant{asked("it", c.kl, c.change), asked("honest", timedKL{perElement: time.Microsecond}, nil)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			it, honest := cells[0].Entries[0], cells[0].Entries[1]
			if !strings.Contains(it.Why, c.says) || it.Times != nil {
				t.Errorf("%s: %q, %v", c.name, it.Why, it.Times)
			}
			if honest.Why != "" || len(honest.Times) != 6 {
				t.Errorf("%s: the other one: %q, %v", c.name, honest.Why, honest.Times)
			}
		})
	}
}

// Errors are those of the convention, and a number where none should be is infinitely wrong.
func TestValues(t *testing.T) {
	k := newValues("kl", Families[1], spec.F64, 1024)
	answer := func(x float64) spec.Answer {
		return spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("kl", spec.F64, math.Float64bits(x))}}
	}
	x := impl.KL(k.draws[0][0].Floats(), k.draws[0][1].Floats())
	half := &spec.Convention{Complete: true, Scale: "0x1p-1"}
	for _, c := range []struct {
		got        float64
		convention *spec.Convention
		lo, hi     float64
	}{
		{x, nil, 0, 0.5}, {math.Nextafter(x, 2), nil, 0.5, 1.5}, {x / 2, half, 0, 0.5}, {x, half, 1e10, 1e17},
		{math.NaN(), nil, math.Inf(1), math.Inf(1)},
	} {
		ulp, ok, err := k.ulp(0, answer(c.got), c.convention)
		if err != nil || !ok || !(ulp >= c.lo && ulp <= c.hi) {
			t.Errorf("%v: %v, %v, %v", c.got, ulp, ok, err)
		}
	}
	if len(k.draws) != maxDraws || slices.Equal(k.draws[0][0].Data, k.draws[1][0].Data) {
		t.Errorf("%d draws", len(k.draws))
	}
}

// What is written is what can be read.
func TestWriteBenchmarks(t *testing.T) {
	ulp, peak := 0.25, int64(4096)
	cells := []Cell{{spec.F64, "softmax", 1024, Times{100, 200}, []Entry{
		{Name: "scipy/stats.entropy", Iters: 8, Times: Times{1000, 3000}, ULP: &ulp, Peak: &peak},
		{Name: "a b", Iters: 2, Times: Times{500, 500}, Allocs: &spec.Allocs{Count: 2, Bytes: 64}},
		{Name: "absent", Why: "not offered"},
	}}}
	var b strings.Builder
	if err := WriteHeader(&b, "commit: 0123"); err != nil {
		t.Fatal(err)
	}
	if err := WriteBenchmarks(&b, "KL", cells); err != nil {
		t.Fatal(err)
	}
	list, units := read(t, []byte(b.String()), "written")
	if len(list) != 4 || len(units) == 0 || list[0].GetConfig("commit") != "0123" {
		t.Fatalf("%d lines:\n%s", len(list), b.String())
	}
	if got := string(list[1].Name.Full()); got != "KL/impl=scipy:stats.entropy/dtype=f64/data=softmax/n=1024" {
		t.Error(got)
	}
	for unit, want := range map[string]float64{"x-dot": 15, "ulp-max": 0.25, "peak-B/el": 4} {
		if got, ok := list[1].Value(unit); !ok || got != want {
			t.Errorf("%s is %v", unit, got)
		}
	}
	if got, ok := list[2].Value("B/op"); !ok || got != 32 || list[2].Iters != 2 {
		t.Errorf("B/op is %v", got)
	}
}
