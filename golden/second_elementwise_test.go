package golden_test

import (
	"math"
	"math/big"

	"klconf/golden"
	"klconf/spec"
)

// This file is the second route for answers with one number for each element:
// estimators of single samples and derivatives.

func isElementwise(v golden.Vector) bool {
	return v.Options.Grad != "" || v.Op == spec.Op(spec.KLEstimate)
}

// elements evaluates an element at a time; each is a row of its own.
func elements(v golden.Vector, prec int) (all []row) {
	r := v.Request()
	quantity, domain, _, _ := r.Op.Split()
	p, q := r.Arrays[0].Floats(), r.Arrays[1].Floats()
	n := v.Shape[len(v.Shape)-1]
	finite := func(x ...float64) bool {
		for _, y := range x {
			if math.IsNaN(y) || math.IsInf(y, 0) {
				return false
			}
		}
		return true
	}
	for first := 0; first < len(p); first += n {
		a, b := p[first:first+n], q[first:first+n]
		var nan, empty bool
		for _, x := range [][]float64{a, b} {
			left := 0
			for _, y := range x {
				nan = nan || math.IsNaN(y)
				if !math.IsInf(y, -1) {
					left++
				}
			}
			empty = empty || left == 0
		}
		for i := range a {
			switch {
			case quantity == spec.KLEstimate && (math.IsNaN(a[i]) || math.IsNaN(b[i])), quantity != spec.KLEstimate && nan,
				domain == spec.Logits && empty:
				all = append(all, row{nan: true})
			case quantity == spec.KLEstimate && math.IsInf(b[i], -1):
				all = append(all, row{infinite: true})
			case quantity == spec.KLEstimate:
				all = append(all, row{value: estimate(v.Options.Estimator, a[i], b[i], prec)})
			case domain == spec.Logits:
				all = append(all, row{value: softmaxSlope(a, b, i, v.Options.Temperature, prec)})
			case domain == spec.LogProbs && math.IsInf(a[i], -1), domain == spec.Probs && v.Options.Grad == "q" && a[i] == 0:
				all = append(all, row{value: new(big.Rat)})
			case domain == spec.Probs && b[i] == 0:
				all = append(all, row{infinite: true, below: v.Options.Grad == "q"})
			case domain == spec.LogProbs:
				c := big.NewRat(-1, 1)
				if v.Options.Grad == "p" {
					if !finite(b[i]) {
						panic("not in the tables")
					}
					c.Sub(new(big.Rat).SetFloat64(a[i]), new(big.Rat).SetFloat64(b[i]))
					c.Add(c, big.NewRat(1, 1))
				}
				w := fixed(exponential(new(big.Rat).SetFloat64(a[i]), prec), prec)
				all = append(all, row{value: w.Mul(w, c)})
			default:
				x := new(big.Rat).Quo(new(big.Rat).SetFloat64(a[i]), new(big.Rat).SetFloat64(b[i]))
				if v.Options.Grad == "q" {
					x.Neg(x)
				} else {
					x.Add(fixed(ln(x, prec), prec), big.NewRat(1, 1))
				}
				all = append(all, row{value: x})
			}
		}
	}
	return all
}

// estimate is −d, d²/2 or e^d − 1 − d of d = ln q − ln p.
func estimate(name string, lnP, lnQ float64, prec int) *big.Rat {
	d := new(big.Rat).Sub(new(big.Rat).SetFloat64(lnQ), new(big.Rat).SetFloat64(lnP))
	switch name {
	case "k1":
		return d.Neg(d)
	case "k2":
		return d.Mul(d, d).Quo(d, big.NewRat(2, 1))
	}
	e := fixed(exponential(d, prec), prec)
	e.Sub(e, d)
	return e.Sub(e, big.NewRat(1, 1))
}

// softmaxSlope is (softmax(b/t)_i − softmax(a/t)_i)/t.
func softmaxSlope(a, b []float64, i int, temperature spec.Real, prec int) *big.Rat {
	t := big.NewRat(1, 1)
	if temperature != "" {
		t = number(temperature)
	}
	share := func(x []float64) *big.Rat {
		top := math.Inf(-1)
		for _, v := range x {
			top = max(top, v)
		}
		total, mine := new(big.Int), new(big.Int)
		for j, v := range x {
			if math.IsInf(v, -1) {
				continue
			}
			d := new(big.Rat).Sub(new(big.Rat).SetFloat64(v), new(big.Rat).SetFloat64(top))
			e := exponential(d.Quo(d, t), prec)
			total.Add(total, e)
			if j == i {
				mine = e
			}
		}
		return new(big.Rat).SetFrac(mine, total)
	}
	s := new(big.Rat).Sub(share(b), share(a))
	return s.Quo(s, t)
}
