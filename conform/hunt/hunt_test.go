package hunt_test

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"klconf/conform/hunt"
	"klconf/impl"
	"klconf/spec"
)

// needle is right, but the nearer the first two weights of P are to 3:1 the worse.
func needle(_ context.Context, _ string, r spec.Request) spec.Answer {
	p, q := r.Arrays[0].Floats(), r.Arrays[1].Floats()
	k := impl.KL(p, q) * (1 + 1e-16/math.Abs(p[0]/p[1]-3+1e-15))
	return spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("result", spec.F64, math.Float64bits(k))}}
}

func plan(n int) hunt.Plan {
	return hunt.Plan{Seed: 4, Questions: n, Objective: hunt.Cond, DType: spec.F64, Lengths: []int{2, 5}, PMF: true}
}

func run(t *testing.T, s hunt.State, p hunt.Plan, ask func(context.Context, string, spec.Request) spec.Answer) hunt.State {
	t.Helper()
	if err := s.Run(t.Context(), p, spec.Convention{}, ask, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

func text(t *testing.T, s hunt.State) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What evolution finds is worse by far than what as many new inputs show, and a hunt that was
// ended and taken up again is the hunt.
func TestHuntFindsTheNeedle(t *testing.T) {
	p := plan(1500)
	whole := run(t, hunt.Start("needle", p), p, needle)
	// As many new inputs, none of which is a changed one: hunts of a single population.
	fresh := 0.0
	for seed := range uint64(60) {
		p := plan(25)
		p.Seed = 1000 + seed
		fresh = max(fresh, run(t, hunt.Start("needle", p), p, needle).Found[0].Cond)
	}
	if whole.Found[0].Cond < 20*fresh {
		t.Errorf("1500 questions find %v, and 1500 new inputs %v", whole.Found[0].Cond, fresh)
	}
	half := run(t, hunt.Start("needle", plan(700)), plan(700), needle)
	again, err := hunt.Resume([]byte(text(t, half)), "needle", p)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := text(t, run(t, again, p, needle)), text(t, whole); a != b {
		t.Errorf("taken up again it is another:\n%s\n%s", a, b)
	}
	for i := 1; i < len(whole.Found); i++ {
		if whole.Found[i].Cond > whole.Found[i-1].Cond {
			t.Errorf("find %d is worse than the one before", i)
		}
	}
}

// A right implementation has no error above half an ulp, and an infinity is told apart.
func TestHuntOfTheReference(t *testing.T) {
	reference := func(_ context.Context, _ string, r spec.Request) spec.Answer {
		k := impl.KL(r.Arrays[0].Floats(), r.Arrays[1].Floats())
		return spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("result", spec.F64, math.Float64bits(k))}}
	}
	for _, pmf := range []bool{true, false} {
		p := plan(400)
		p.PMF = pmf
		if s := run(t, hunt.Start("reference", p), p, reference); s.Found[0].ULP > 0.5 || s.Refused > 0 {
			t.Errorf("pmf %v: %v ulp, %d refused: %s", pmf, s.Found[0].ULP, s.Refused, s.Example)
		}
	}
	p := plan(60)
	s := run(t, hunt.Start("infinite", p), p, func(context.Context, string, spec.Request) spec.Answer {
		return spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("result", spec.F64, math.Float64bits(math.Inf(1)))}}
	})
	if len(s.Found) > 0 && !math.IsInf(s.Found[0].ULP, 0) && s.Refused == 0 {
		t.Errorf("of infinities %v are found and %d counted", s.Found[0], s.Refused)
	}
}

func TestResumeRefuses(t *testing.T) {
	p := plan(50)
	good := text(t, run(t, hunt.Start("needle", p), p, needle))
	for _, x := range []struct{ data, want string }{
		{"{", "not the state of a hunt"},
		{`{"schema":"klconf-hunt/0"}`, "the schema is"},
		{strings.Replace(good, `"seed":4`, `"seed":5`, 1), "another hunt"},
		{strings.Replace(good, `"name":"needle"`, `"name":"other"`, 1), "another hunt"},
		{strings.Replace(good, `"p":["`, `"p":["0","`, 1), "no two vectors"},
	} {
		if _, err := hunt.Resume([]byte(x.data), "needle", p); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%.60s: %v, want %q", x.data, err, x.want)
		}
	}
}

// A hunt ends with a sentence where nothing can be asked, goes on where a number is due and none
// comes, and stops where it is told to.
func TestHuntsThatFindNothing(t *testing.T) {
	answers := func(s spec.AnswerStatus, message string) func(context.Context, string, spec.Request) spec.Answer {
		return func(context.Context, string, spec.Request) spec.Answer {
			return spec.Answer{Status: s, Message: message}
		}
	}
	for status, want := range map[spec.AnswerStatus]string{spec.NotRun: "question 0: it died", spec.Unsupported: "kl in f64 is not offered: it died"} {
		s := hunt.Start("x", plan(10))
		if err := s.Run(t.Context(), plan(10), spec.Convention{}, answers(status, "it died"), nil); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if s := run(t, hunt.Start("x", plan(10)), plan(10), answers(spec.Rejected, "no")); s.Asked != 10 || s.Refused == 0 || !strings.HasPrefix(s.Example, "question ") || len(s.Found) > 0 {
		t.Errorf("%+v", s)
	}
	ctx, stop := context.WithCancel(t.Context())
	s := hunt.Start("x", plan(10))
	if err := s.Run(ctx, plan(10), spec.Convention{}, needle, func(done, _ int) {
		if done == 3 {
			stop()
		}
	}); err != nil || s.Asked > 4 {
		t.Errorf("%v after %d questions", err, s.Asked)
	}
}
