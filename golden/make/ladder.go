package main

import (
	"fmt"
	"math"
)

// ladder has P next to Q at every distance from 1e-1 down to one step of the
// format: in pairs that keep both totals at exactly 1, where the value is of
// second order, and with every element moved one way, where it is of first.
func ladder() family {
	var qs []question
	for _, c := range []struct {
		f       format
		rungs   int
		lengths []int
	}{{f64, 16, []int{3, 10, 64}}, {f32, 8, []int{3, 10, 64}}, {f16, 4, []int{3, 10}}, {bf16, 3, []int{3, 10}}} {
		for k := 1; k <= c.rungs; k++ {
			d := math.Pow10(-k)
			flags, stratum := "cancellation", "near-equal"
			if k < 3 {
				flags, stratum = "", "generic"
			}
			if c.f.d == "f16" || c.f.d == "bf16" {
				stratum = "low-precision"
			}
			for _, n := range c.lengths {
				p, q := c.f.moved(n, d)
				qs = append(qs, question{name: fmt.Sprintf("pmf-%d-1e-%d", n, k), f: c.f, p: p, q: q, flags: flags, stratum: stratum,
					comment: fmt.Sprintf("%d elements moved in pairs by about 1e-%d of themselves; both totals are 1", n, k)})
			}
			p, _ := pmfs(10)
			for _, way := range []float64{1, -1} {
				word, text := "below", "the total of P is below that of Q"
				if way < 0 {
					word, text = "above", "the total of P is above that of Q"
				}
				q := make([]float64, len(p))
				for i := range q {
					// Between one and two times the distance, at least a step.
					_, _, up := c.f.around(p[i])
					step := up - p[i]
					q[i] = p[i] + way*step*math.Max(1, math.Floor(p[i]*d*(1+float64(i)/10)/step))
				}
				qs = append(qs, question{name: fmt.Sprintf("%s-1e-%d", word, k), f: c.f, p: p, q: q, flags: flags + " normalised", stratum: stratum,
					req: "DEF-3", comment: fmt.Sprintf("ten elements, each moved by 1e-%d of itself and a little more; %s", k, text)})
			}
		}
	}
	for i := range qs {
		qs[i].req = "DEF-1 " + qs[i].req
	}
	return family{"ladder", "near-equal", "the definition", qs}
}

// moved returns a pmf of n elements and the same with neighbours moved by
// about d of the smaller of them, one up and one down: the totals stay 1.
func (f format) moved(n int, d float64) (p, q []float64) {
	p, _ = pmfs(n)
	q = append(q, p...)
	for i := 0; i+1 < n; i += 2 {
		grid := math.Ldexp(1, math.Ilogb(math.Max(p[i], p[i+1]))+2-f.precision) // both ends of the move are multiples of it
		t := grid * math.Max(1, math.Round(math.Min(p[i], p[i+1])*d/grid))
		if i%4 == 0 {
			t = -t
		}
		q[i], q[i+1] = p[i]+t, p[i+1]-t
	}
	return p, q
}

// totals has weights whose totals differ, both ways and by much, and ratios
// over the whole range of exponents.
func totals() family {
	var qs []question
	for _, f := range []format{f64, f32, bf16} {
		reach := []int{1, 7, 30, 100}
		if f.d == "f64" {
			reach = append(reach, 500, 900)
		}
		p3, q3 := []float64{.625, .15625, .21875}, []float64{.3125, .5, .1875}
		for _, e := range reach {
			up, down := math.Ldexp(1, e), math.Ldexp(1, -e)
			for _, x := range []question{
				{name: fmt.Sprintf("p-times-2-to-%d", e), comment: fmt.Sprintf("the total of P is 2^%d times that of Q", e), p: times(up, p3), q: q3},
				{name: fmt.Sprintf("q-times-2-to-%d", e), comment: fmt.Sprintf("the total of Q is 2^%d times that of P", e), p: p3, q: times(up, q3), req: "VAL-19"},
				{name: fmt.Sprintf("p-over-2-to-%d", e), comment: fmt.Sprintf("the total of P is 2^-%d times that of Q", e), p: times(down, p3), q: q3, req: "VAL-19"},
				{name: fmt.Sprintf("one-heavy-%d", e), comment: fmt.Sprintf("one ratio of 2^%d beside ordinary ones", 2*e), p: []float64{.5, .25, .25}, q: []float64{math.Ldexp(.75, -e), .5, .5}},
				{name: fmt.Sprintf("crossed-%d", e), comment: "ratios far above and far below 1", p: []float64{math.Ldexp(.625, -e), .75}, q: []float64{.75, math.Ldexp(.625, -e)}, flags: "epsilon-added"},
			} {
				x.f, x.req, x.flags = f, "DEF-1 DEF-3 "+x.req, "normalised "+x.flags
				if e > 30 {
					x.stratum = "huge-ratio"
				}
				qs = append(qs, x)
			}
		}
	}
	return family{"totals", "p-ne-q", "the definition", qs}
}
