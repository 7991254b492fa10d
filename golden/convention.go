package golden

import (
	"slices"

	"klconf/spec"
)

// Concerns reports whether the vector is a question for an implementation
// with the effective convention c. A vector without a convention is one for
// all. One with a convention is about implementations that compute the same
// number: base, scale, generalised and steps are the same, with thresholds
// compared in the vector's format; and so is every other graded field that
// the vector's convention names. What is absent in either has the
// definition's value.
//
// Such a vector says that its convention is what was declared, not that it is
// right, and is graded under c like any other.
func (v Vector) Concerns(c spec.Convention) bool {
	if v.Convention == nil {
		return true
	}
	w := *v.Convention
	for _, field := range spec.Fields {
		var same bool
		switch field {
		case "base":
			same = sameReal(w.Base, c.Base, "e")
		case "scale":
			same = sameReal(w.Scale, c.Scale, "1")
		case "generalised":
			same = (w.Generalised != nil && *w.Generalised) == (c.Generalised != nil && *c.Generalised)
		case "steps":
			same = slices.EqualFunc(w.Steps, c.Steps, func(a, b spec.Step) bool { return sameStep(a, b, v.DType) })
		case "result_dtype":
			same = !w.Has(field) || result(w, v.DType) == result(c, v.DType)
		default:
			same = !w.Has(field) || w.Same(field, withDefinition(c, field))
		}
		if !same {
			return false
		}
	}
	return true
}

// withDefinition returns c with the definition's value in a field that it
// leaves out.
func withDefinition(c spec.Convention, field string) spec.Convention {
	if !c.Has(field) {
		c.Take(field, spec.Definition())
	}
	return c
}

func result(c spec.Convention, d spec.DType) spec.DType {
	if r, ok := c.ResultDType[d]; ok {
		return r
	}
	return d.ResultDType()
}

// sameReal compares numbers that may be written differently.
func sameReal(a, b, otherwise spec.Real) bool {
	if a == "" {
		a = otherwise
	}
	if b == "" {
		b = otherwise
	}
	if a == b {
		return true
	}
	x, err := a.Value()
	if err != nil {
		return false
	}
	y, err := b.Value()
	return err == nil && x == y
}

func sameStep(a, b spec.Step, d spec.DType) bool {
	if a.Do != b.Do || a.Where != b.Where || a.Of != b.Of || (a.In == "log") != (b.In == "log") {
		return false
	}
	return sameThreshold(a.Lo, b.Lo, d) && sameThreshold(a.Hi, b.Hi, d) && sameThreshold(a.Value, b.Value, d) &&
		sameThreshold(a.AtOrBelow, b.AtOrBelow, d)
}

func sameThreshold(a, b *spec.Threshold, d spec.DType) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, err := a.At(d)
	if err != nil {
		return false
	}
	y, err := b.At(d)
	return err == nil && x == y
}
