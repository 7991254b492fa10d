package conform

import (
	"context"
	"slices"

	"klconf/property"
	"klconf/spec"
)

// The draws of each law in the first format that is offered; the other
// formats get a tenth of them.
const (
	quickDraws = 100
	fullDraws  = 2000
)

// planLaws adds one check for each law and, beyond the first format, for the
// laws in every other format that is offered. The laws about estimators are for those who
// offer these, the others for those who offer kl.
func (r *run) planLaws(add func(string, func())) {
	for _, l := range property.Laws() {
		draws := quickDraws
		if r.o.Full {
			draws = fullDraws
		}
		rest := draws / 10
		for _, d := range floatTypes {
			if op := about(l); !r.desc.Offers(op, d) {
				continue
			}
			id := "law/" + l.ID + "/" + string(d)
			n := draws
			add(id, func() { r.law(id, l, d, n) })
			draws = rest
		}
	}
}

// about is the question without which nothing is asked of a law.
func about(l property.Law) spec.Op {
	if slices.Contains(l.Ops, "kl_estimate") {
		return "kl_estimate"
	}
	return "kl"
}

// law runs one law over the implementation's own answers.
func (r *run) law(id string, l property.Law, d spec.DType, draws int) {
	level := spec.L1
	if r.desc.Accuracy.Rank() > level.Rank() {
		level = r.desc.Accuracy
	}
	conv := r.conv
	if r.narrow {
		// Refusing what is not normalised was detected, its tolerance was not:
		// the laws draw pmfs whose sums are exactly 1.
		conv.RequiresNormalised = &spec.Tolerance{Required: true, Within: "0x1p-60"}
	}
	s := property.Subject{
		Ask:        func(_ context.Context, q spec.Request) spec.Answer { return r.put(id, q) },
		Convention: conv,
		Level:      level,
		DType:      d,
		Offers:     func(op spec.Op) bool { return r.desc.Offers(op, d) },
	}
	o := property.Run(r.ctx, l, s, property.Options{Seed: r.o.Seed, Draws: draws})
	res := spec.Result{ID: id, Requirements: []string{l.Requirement}, Status: o.Status, Message: o.Message}
	var req spec.Request
	if len(o.Requests) > 0 {
		req = o.Requests[0]
	}
	r.record(res, req)
}
