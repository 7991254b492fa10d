package main

import (
	"fmt"
	"math"
	"math/big"

	"klconf/golden"
	"klconf/impl/exact"
	"klconf/spec"
)

// form returns the value of a question as a linear form in logarithms: all
// that the tables of hard cases ask for.
func form(v golden.Vector) (*exact.Form, error) {
	quantity, _, rows, _ := v.Op.Split()
	if rows || v.Convention != nil {
		return nil, fmt.Errorf("the hardness of %s is not computed", v.Op)
	}
	f := new(exact.Form)
	one := exact.Int(1)
	arrays := v.Request().Arrays
	for i, x := range arrays[0].Floats() {
		p := exact.Float(x)
		q := one
		if len(arrays) > 1 {
			q = exact.Float(arrays[1].Float(i))
		}
		switch quantity {
		case spec.KL:
			f.AddLog(p, p, q)
		case spec.Entropy:
			f.AddLog(p, one, p)
		case spec.CrossEntropy:
			f.AddLog(p, one, q)
		default:
			return nil, fmt.Errorf("the hardness of %s is not computed", v.Op)
		}
	}
	if b := v.Options.Base; b != "" && b != "e" {
		x, err := b.Value()
		if err != nil {
			return nil, err
		}
		f.SetBase(exact.Float(x))
	}
	return f, nil
}

// hardness returns how many bits of the exact value after the round bit are
// equal: k where twice the value, in steps of the result format, is farther
// than 2^-(k+1) from an integer and not farther than 2^-k.
func hardness(v golden.Vector) (int, error) {
	f, err := form(v)
	if err != nil {
		return 0, err
	}
	format := formats[v.Expected.DType]
	var last int
	for w := 256; w <= 4096; w *= 2 {
		e := f.Enclose(w)
		lo, hi := equalBits(e.Lo, format), equalBits(e.Hi, format)
		if lo == hi && lo == last {
			return lo, nil
		}
		last = lo
	}
	return 0, fmt.Errorf("the hardness is not known")
}

// equalBits is the hardness of one number.
func equalBits(x *big.Float, f format) int {
	place := max(x.MantExp(nil)-f.precision, math.Ilogb(f.eta)) - 1 // of the round bit
	r, _ := x.Rat(nil)
	r.Abs(r)
	scale := new(big.Int).Lsh(big.NewInt(1), uint(max(place, -place)))
	if place > 0 {
		r.Quo(r, new(big.Rat).SetInt(scale))
	} else {
		r.Mul(r, new(big.Rat).SetInt(scale))
	}
	rest := new(big.Int).Mod(r.Num(), r.Denom())
	if other := new(big.Int).Sub(r.Denom(), rest); other.Cmp(rest) < 0 {
		rest = other
	}
	// rest/denominator ≤ 1/2, and the denominator is a power of two.
	k := 0
	for k < 4096 && new(big.Int).Lsh(rest, uint(k)).Cmp(r.Denom()) <= 0 {
		k++
	}
	return k - 1
}
