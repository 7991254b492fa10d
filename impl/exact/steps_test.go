package exact

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// A stepped is a row under the same steps on naive numbers, which decide every limit.
type stepped struct {
	v    naive
	x    []*big.Int
	exps *Softmax
}

func (v naive) softmax(logits []float64, t float64) stepped {
	s := stepped{v: v, x: make([]*big.Int, len(logits)), exps: NewSoftmax(logits, Float(t))}
	top := math.Inf(-1)
	for _, a := range logits {
		top = max(top, a)
	}
	for i, a := range logits {
		s.x[i] = new(big.Int)
		if !math.IsInf(a, -1) {
			d := new(big.Rat).Sub(new(big.Rat).SetFloat64(a), new(big.Rat).SetFloat64(top))
			s.x[i] = v.exp(v.fixed(d.Quo(d, new(big.Rat).SetFloat64(t))))
		}
	}
	s.divide()
	return s
}

func (s *stepped) divide() {
	total := new(big.Int)
	for _, x := range s.x {
		total.Add(total, x)
	}
	for i, x := range s.x {
		s.x[i] = s.v.quo(x, total)
	}
}

// step draws one of the steps and takes it on both sides.
func (s *stepped) step(r *rand.Rand) {
	number := func(x float64) *big.Int { return s.v.fixed(new(big.Rat).SetFloat64(x)) }
	switch r.IntN(4) {
	case 0:
		s.exps = s.exps.Normalise()
		s.divide()
	case 1:
		d := math.Exp(-30 * r.Float64())
		s.exps = s.exps.Add(Float(d))
		for _, x := range s.x {
			x.Add(x, number(d))
		}
	default:
		lo := math.Exp(-40 * r.Float64())
		hi := lo + (1-lo)*r.Float64()
		if r.IntN(2) == 0 {
			hi = 1
		}
		h := Float(hi)
		s.exps = s.exps.Clamp(Float(lo), &h)
		for _, x := range s.x {
			if x.Cmp(number(lo)) < 0 {
				x.Set(number(lo))
			}
			if x.Cmp(number(hi)) > 0 {
				x.Set(number(hi))
			}
		}
	}
}

// KL, the cross-entropy, the entropy and the totals of stepped softmax rows, with masks and
// temperatures, against arithmetic by other means.
func TestSoftmaxSteps(t *testing.T) {
	const w = 128
	v := naive{600}
	near := func(x *big.Int, e Interval) bool { // within its error, 2^-400
		d := new(big.Float).SetMantExp(new(big.Float).SetInt(x), -int(v.g))
		eps := new(big.Float).SetMantExp(big.NewFloat(1), -400)
		lo, hi := new(big.Float).Sub(e.Lo, eps), new(big.Float).Add(e.Hi, eps)
		return d.Cmp(lo.SetPrec(0).Sub(e.Lo, eps)) >= 0 && d.Cmp(hi.SetPrec(0).Add(e.Hi, eps)) <= 0
	}
	r := rand.New(rand.NewPCG(3, 5))
	one := big.NewRat(1, 1)
	for range 60 {
		n := 1 + r.IntN(7)
		a, b := make([]float64, n), make([]float64, n)
		for i := range a {
			a[i] = 20 * r.NormFloat64()
			b[i] = a[i] + math.Exp(-20*r.Float64())*r.NormFloat64()
			if i > 0 && r.IntN(4) == 0 {
				a[i] = math.Inf(-1)
			}
			if i > 0 && r.IntN(4) == 0 {
				b[i] = math.Inf(-1)
			}
		}
		temperature := 1.0
		if r.IntN(2) == 0 {
			temperature = .5 + 3*r.Float64()
		}
		p, q := v.softmax(a, temperature), v.softmax(b, temperature)
		for range r.IntN(4) {
			p.step(r)
		}
		for range r.IntN(4) {
			q.step(r)
		}
		var at []int
		kl, total := new(big.Int), new(big.Int)
		for i := range a {
			total.Add(total, p.x[i])
			if p.exps.IsZero(i) != (p.x[i].Sign() == 0) || q.exps.IsZero(i) != (q.x[i].Sign() == 0) {
				t.Fatalf("%v, %v: a weight 0 at %d is not seen as one, or another is", a, b, i)
			}
			if p.x[i].Sign() > 0 && q.x[i].Sign() > 0 {
				at = append(at, i)
				kl.Add(kl, v.mul(p.x[i], new(big.Int).Sub(v.ln(p.x[i]), v.ln(q.x[i]))))
			}
		}
		f, sum := new(Form), new(Form)
		f.AddSoftmax(one, at, p.exps, p.exps, q.exps)
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		sum.AddSoftmax(one, all, p.exps, nil, nil)
		for name, c := range map[string]struct {
			want *big.Int
			form *Form
		}{"KL": {kl, f}, "total": {total, sum}} {
			e := c.form.Enclose(w)
			if !near(c.want, e) {
				t.Fatalf("%s of %v from %v at T = %v: [%v, %v] does not contain it", name, a, b, temperature, e.Lo, e.Hi)
			}
			if width := new(big.Float).Sub(e.Hi, e.Lo); width.Sign() != 0 && width.MantExp(nil) > 20-w {
				t.Fatalf("%s of %v from %v: an enclosure of width %v", name, a, b, width)
			}
		}
	}
}

// Where the limit is met exactly, or is nearer than the width tells, and where a weight is
// below every format.
func TestSoftmaxAtLimits(t *testing.T) {
	one, ninf := big.NewRat(1, 1), math.Inf(-1)
	value := func(f *Form) float64 {
		r, err := f.Round(Float64)
		if err != nil {
			t.Fatal(err)
		}
		return Float64.Value(r.Bits)
	}
	half, unity := Float(.5), Int(1)
	for _, c := range []struct {
		name string
		p, q *Softmax
		at   []int
		want float64
	}{
		{"at lo", NewSoftmax([]float64{0, 0}, Int(1)).Clamp(half, &unity), NewSoftmax([]float64{0, ninf}, Int(1)).Clamp(Float(.25), &unity), []int{0, 1}, 0},
		{"at hi", NewSoftmax([]float64{0, 0}, Int(1)).Clamp(Num{}, &half), NewSoftmax([]float64{5, 5}, Int(1)), []int{0, 1}, 0},
		{"2^-1000 above lo", NewSoftmax([]float64{0x1p-1000, 0}, Int(1)).Clamp(half, nil), NewSoftmax([]float64{0, 0}, Int(1)), []int{0, 1}, 0x1p-1002},
		{"masks raised", NewSoftmax([]float64{0, ninf}, Int(1)).Clamp(Float(0x1p-20), &unity), NewSoftmax([]float64{ninf, 0}, Int(1)).Clamp(Float(0x1p-20), &unity), []int{0, 1}, 20 * math.Ln2 * (1 - 0x1p-20)},
		{"below every format", NewSoftmax([]float64{0, -1e6}, Int(1)), NewSoftmax([]float64{0, -2e6}, Int(1)), []int{0, 1}, 0},
		{"below every format in Q", NewSoftmax([]float64{0, 0}, Int(1)).Clamp(half, nil), NewSoftmax([]float64{0, -1e6}, Int(1)), []int{0, 1}, 5e5 - math.Ln2},
		{"a tail kept by its logarithm", NewSoftmax([]float64{0, 0}, Int(1)), NewSoftmax([]float64{0, -1e6}, Int(1)).Clamp(Num{}, &half).Normalise(), []int{0, 1}, 5e5 - 1.5*math.Ln2},
	} {
		f := new(Form)
		f.AddSoftmax(one, c.at, c.p, c.p, c.q)
		got := value(f)
		if math.Abs(got-c.want) > 1e-15*math.Abs(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
