package property

import (
	"math/big"

	"klconf/conform/judge"
	"klconf/impl/exact"
	"klconf/spec"
)

// What a convention does, in the terms in which the laws depend on it. An
// absent field has the definition's value.

func defaults(word, definition string) bool { return word == "" || word == definition }

func generalised(c spec.Convention) bool { return c.Generalised != nil && *c.Generalised }

func requiresNormalised(c spec.Convention) bool {
	return c.RequiresNormalised != nil && c.RequiresNormalised.Required
}

// averages reports whether the answer is divided by the number of pairs.
func averages(c spec.Convention) bool { return c.Reduction == "mean" }

// steps reports whether every step that does anything is one that ok
// accepts. Leaving out the terms with p = 0 does nothing.
func steps(c spec.Convention, ok func(spec.Step) bool) bool {
	for _, s := range c.Steps {
		idle := s.Do == "drop_term" && s.Where == "p" && isZero(s.AtOrBelow)
		if !idle && !ok(s) {
			return false
		}
	}
	return true
}

// plain reports whether no step does anything.
func plain(c spec.Convention) bool { return steps(c, func(spec.Step) bool { return false }) }

// atLeastPlain reports whether no step makes the divergence smaller.
func atLeastPlain(c spec.Convention) bool { return steps(c, enlarges) }

func normalises(c spec.Convention) bool {
	return !steps(c, func(s spec.Step) bool { return s.Do != "normalise" })
}

// endsNormalised reports whether the steps leave two probability vectors:
// the last divides both by their totals, and none treats the factor and the
// argument of the logarithm differently or leaves out a term.
func endsNormalised(c spec.Convention) bool {
	n := len(c.Steps)
	return n > 0 && c.Steps[n-1].Do == "normalise" && c.Steps[n-1].Of == "both" &&
		steps(c, func(s spec.Step) bool { return s.In != "log" && s.Do != "add_ratio" && s.Do != "drop_term" })
}

// alike reports whether equal entries of P and Q stay equal, so that their
// ratio stays 1. Where only a q = 0 is replaced the factor p is 0 too.
func alike(c spec.Convention) bool {
	return steps(c, func(s spec.Step) bool {
		return s.Of == "both" || s.Do == "drop_term" || s.Do == "replace" && s.Of == "q" && isZero(s.AtOrBelow)
	})
}

// homogeneous reports whether 2^k·P and 2^k·Q have 2^k times the terms of P
// and Q after this step.
func homogeneous(s spec.Step) bool {
	return s.Do == "add_ratio" || s.Do == "drop_term" && isZero(s.AtOrBelow)
}

// enlarges reports whether the step makes every term larger or leaves it.
func enlarges(s spec.Step) bool {
	if s.Do != "add_ratio" {
		return false
	}
	values := []spec.Real{s.Value.All}
	for _, v := range s.Value.Under {
		values = append(values, v)
	}
	for _, v := range values {
		if x, err := v.Value(); v != "" && (err != nil || x < 0) {
			return false
		}
	}
	return true
}

func isZero(t *spec.Threshold) bool { return t != nil && t.All == "0" }

// thresholds reports whether the convention has a value for every threshold
// in that format.
func thresholds(c spec.Convention, d spec.DType) error {
	for _, s := range c.Steps {
		for _, t := range []*spec.Threshold{s.Lo, s.Hi, s.Value, s.AtOrBelow} {
			if t == nil {
				continue
			}
			if _, err := t.At(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// A unit is the factor between a number of nats and the answer: scale/ln b,
// and 1/n where the answer is a mean.
type unit struct {
	scale  *big.Rat
	base   *exact.Num // nil is e
	result exact.Format
}

var formats = map[spec.DType]exact.Format{
	spec.F64: exact.Float64, spec.F32: exact.Float32, spec.F16: exact.Float16, spec.BF16: exact.BFloat16,
}

func unitOf(c spec.Convention, result spec.DType, n int) unit {
	u := unit{big.NewRat(1, 1), nil, formats[result]}
	if c.Scale != "" {
		if x, err := c.Scale.Value(); err == nil {
			u.scale.SetFloat64(x)
		}
	}
	if averages(c) && n > 0 {
		u.scale.Quo(u.scale, big.NewRat(int64(n), 1))
	}
	if c.Base != "" && c.Base != "e" {
		if x, err := c.Base.Value(); err == nil {
			b := exact.Float(x)
			u.base = &b
		}
	}
	return u
}

// negative reports whether the unit turns inequalities over.
func (u unit) negative() bool {
	below := u.base != nil && u.base.Cmp(exact.Int(1)) < 0
	return (u.scale.Sign() < 0) != below
}

// of encloses a number of nats in this unit, narrowly enough for the result
// format.
func (u unit) of(nats *exact.Form) (spec.Interval, error) {
	f := new(exact.Form)
	f.AddScaled(u.scale, nats)
	if u.base != nil {
		f.SetBase(*u.base)
	}
	r, err := f.Round(u.result)
	return spec.Interval{Lo: r.Enclosure.Lo, Hi: r.Enclosure.Hi}, err
}

// atLeast is ≥ in this unit.
func (u unit) atLeast() judge.Order {
	if u.negative() {
		return judge.AtMost
	}
	return judge.AtLeast
}

// atMost is ≤ in this unit.
func (u unit) atMost() judge.Order {
	if u.negative() {
		return judge.AtLeast
	}
	return judge.AtMost
}

// infinity is +∞ nats in this unit.
func (u unit) infinity() spec.Interval {
	inf := new(big.Float).SetInf(u.negative())
	return spec.Interval{Lo: inf, Hi: inf}
}
