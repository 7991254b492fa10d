package conform_test

import (
	"context"
	"testing"

	"klconf/conform"
	"klconf/spec"
)

// nobody offers an operation that no question asks for.
type nobody struct{}

func (nobody) Describe() spec.Description {
	d := fake{convention: `{"complete":true}`}.Describe()
	d.Ops = []spec.Op{"kl_logits"}
	c := *d.Convention
	v := spec.Threshold{All: "0x1p-20"}
	c.Steps = []spec.Step{{Do: "clamp", Of: "both", In: "both", Lo: &v}}
	d.Convention = &c
	return d
}

func (nobody) Answer(context.Context, spec.Request) spec.Answer {
	return spec.Answer{Status: spec.Unsupported, Message: "nothing is offered"}
}

// An implementation of which nothing can be judged is not conforming, and nothing is said of
// whether it agrees with the definition.
func TestNothingJudged(t *testing.T) {
	rep, err := conform.Run(t.Context(), conform.Target{ID: "nobody", Impl: nobody{}}, conform.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Verdict != spec.Incomplete || rep.Incomplete == "" || rep.Agrees.PMFAsked || rep.Agrees.MeasureAsked {
		t.Errorf("%s, %q, %+v", rep.Verdict, rep.Incomplete, rep.Agrees)
	}
}
