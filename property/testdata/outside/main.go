// Command outside runs laws in a program that is no test, as the command line
// of the suite does.
package main

import (
	"context"
	"fmt"

	"klconf/conform/judge"
	"klconf/property"
	"klconf/spec"
)

func main() {
	right := func(_ context.Context, r spec.Request) spec.Answer {
		e, err := judge.Expect(r, spec.Convention{})
		if err != nil {
			return spec.Answer{Status: spec.Errored, Message: err.Error()}
		}
		v := e.Values[0].Intervals[0]
		x, _ := v.Lo.Float64()
		a := spec.Answer{Status: spec.OK, Arrays: []spec.Array{spec.Scalar("result", e.DType, judge.Bits(e.DType, x))}}
		return a
	}
	swapped := func(ctx context.Context, r spec.Request) spec.Answer {
		r.Arrays = []spec.Array{r.Arrays[1], r.Arrays[0]}
		return right(ctx, r)
	}
	for _, ask := range []func(context.Context, spec.Request) spec.Answer{right, swapped} {
		for _, l := range property.Laws() {
			if l.ID == "LAW-1" {
				o := property.Run(context.Background(), l, property.Subject{Ask: ask, DType: spec.F64}, property.Options{Seed: 1})
				fmt.Println(o.Status, o.Draws)
			}
		}
	}
}
