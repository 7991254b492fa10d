package golden_test

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/big"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"

	"klconf/golden"
	"klconf/spec"
)

// This file computes every vector a second time, from the definition in
// words and with nothing but the standard library: rational arithmetic and
// one power series. It shares no code with the oracle that wrote them, and no
// method: ln x = k ln 2 + 2 atanh((x − 1)/(x + 1)) summed term by term.

// A row is what one row of a question gives.
type row struct {
	nan, domain, infinite bool
	below                 bool // infinite below 0
	terms                 []term
	value                 *big.Rat // Σ terms, close to it
}

// A term is a·ln x.
type term struct{ a, x *big.Rat }

// An answer is what a whole question gives.
type answer struct {
	refused bool
	rows    []row
	weight  *big.Rat // of the sum of the rows; nil without a reduction
	divisor int      // of a reduction
	slack   *big.Rat // bound of the error of each value
}

// evaluate answers v with values within 2^-bits.
func evaluate(v golden.Vector, bits int) (answer, error) {
	var a answer
	r := v.Request()
	quantity, domain, rows, ok := r.Op.Split()
	if !ok {
		return a, fmt.Errorf("%s is not computed here", r.Op)
	}
	if isElementwise(v) {
		return answer{rows: elements(v, bits+128), slack: power(-bits)}, nil
	}
	beta := big.NewRat(1, 2)
	if v.Options.Beta != "" {
		beta = number(v.Options.Beta)
	}
	p := r.Arrays[0]
	q := p
	if quantity.Arity() == 2 {
		q = r.Arrays[1]
	}
	if !slices.Equal(p.Shape, q.Shape) {
		a.refused = true
		return a, nil
	}
	count, n := 1, p.Shape[0]
	if rows {
		count, n = p.Shape[0], p.Shape[1]
	}
	temperature := big.NewRat(1, 1)
	if v.Options.Temperature != "" {
		temperature = number(v.Options.Temperature)
	}
	kept := 0
	for i := range count {
		var x, y []float64
		for j := i * n; j < (i+1)*n; j++ {
			if v.Mask == nil || v.Mask[j] != "00" {
				x, y = append(x, p.Float(j)), append(y, q.Float(j))
			}
		}
		kept += len(x)
		if domain == spec.Probs {
			a.rows = append(a.rows, terms(quantity, x, y, beta))
		} else {
			a.rows = append(a.rows, exponents(quantity, domain, x, y, temperature, bits+128))
		}
	}
	switch v.Options.Reduction {
	case "sum":
		a.divisor = 1
	case "mean":
		a.divisor = kept
	case "batchmean":
		a.divisor = count
	default:
		if !rows {
			a.divisor = 1
		}
	}
	if a.divisor > 0 {
		a.weight = big.NewRat(1, int64(a.divisor))
	}

	base := v.Options.Base
	if base == "e" {
		base = ""
	}
	var all []term
	for _, row := range a.rows {
		all = append(all, row.terms...)
	}
	prec := precisionFor(all, bits, base != "")
	var lnb *big.Rat
	if base != "" {
		b, err := base.Value()
		if err != nil {
			return a, err
		}
		lnb = fixed(ln(new(big.Rat).SetFloat64(b), prec), prec)
	}
	for i := range a.rows {
		row := &a.rows[i]
		if row.value == nil {
			row.value = sumOf(row.terms, prec)
		}
		if lnb != nil {
			row.value.Quo(row.value, lnb)
		}
	}
	a.slack = power(-bits)
	return a, nil
}

// precisionFor returns how many bits the logarithms need for a sum within
// 2^-bits: the largest |a|, the number of terms and 1/|ln base| decide.
func precisionFor(terms []term, bits int, base bool) int {
	size := 0
	for _, t := range terms {
		size = max(size, t.a.Num().BitLen()-t.a.Denom().BitLen()+1)
	}
	prec := max(bits+size+64, 128)
	if base {
		prec += 2200 + size // ln b may be as small as 2^-53, the value as large as the format
	}
	return prec
}

// sumOf returns Σ a·ln x. Each product is cut off after prec bits.
func sumOf(terms []term, prec int) *big.Rat {
	sum := new(big.Int)
	for _, t := range terms {
		m := new(big.Int).Mul(t.a.Num(), ln(t.x, prec))
		sum.Add(sum, m.Quo(m, t.a.Denom()))
	}
	return fixed(sum, prec)
}

// terms lists the logarithms of a quantity, or says why there is no number.
func terms(quantity spec.Quantity, p, q []float64, beta *big.Rat) (r row) {
	for _, x := range slices.Concat(p, q) {
		r.nan = r.nan || math.IsNaN(x)
		r.domain = r.domain || x < 0 || math.IsInf(x, 0)
	}
	if r.nan || r.domain {
		return row{nan: r.nan, domain: !r.nan} // a NaN comes first
	}
	add := func(a float64, scale, x *big.Rat) {
		c := new(big.Rat).SetFloat64(a)
		r.terms = append(r.terms, term{c.Mul(c, scale), x})
	}
	plus, minus := big.NewRat(1, 1), big.NewRat(-1, 1)
	alpha := new(big.Rat).Sub(plus, beta)
	rat := func(x float64) *big.Rat { return new(big.Rat).SetFloat64(x) }
	for i := range p {
		a, b := rat(p[i]), rat(q[i])
		switch quantity {
		case spec.KL:
			if p[i] > 0 && q[i] == 0 {
				r.infinite = true
			} else if p[i] > 0 {
				add(p[i], plus, a.Quo(a, b))
			}
		case spec.Entropy:
			if p[i] > 0 {
				add(p[i], minus, a)
			}
		case spec.CrossEntropy:
			if p[i] > 0 && q[i] == 0 {
				r.infinite = true
			} else if p[i] > 0 {
				add(p[i], minus, b)
			}
		case spec.JS:
			m := new(big.Rat).Mul(beta, a)
			m.Add(m, new(big.Rat).Mul(alpha, b))
			if p[i] > 0 && beta.Sign() > 0 {
				add(p[i], beta, new(big.Rat).Quo(a, m))
			}
			if q[i] > 0 && alpha.Sign() > 0 {
				add(q[i], alpha, new(big.Rat).Quo(b, m))
			}
		}
	}
	return r
}

// ln returns ln x·2^prec for a rational x > 0, within a few hundred.
func ln(x *big.Rat, prec int) *big.Int {
	k := x.Num().BitLen() - x.Denom().BitLen()
	y := new(big.Rat).Mul(x, power(-k)) // 1/2 < y < 2
	if y.Cmp(big.NewRat(4, 3)) > 0 {
		y.Quo(y, big.NewRat(2, 1))
		k++
	}
	sum := atanh(new(big.Rat).Quo(new(big.Rat).Sub(y, big.NewRat(1, 1)), new(big.Rat).Add(y, big.NewRat(1, 1))), prec)
	if k != 0 {
		two := atanh(big.NewRat(1, 3), prec+16) // ln 2 = 2 atanh(1/3)
		two.Mul(two, big.NewInt(int64(k)))
		sum.Add(sum, two.Rsh(two, 16))
	}
	return sum.Lsh(sum, 1)
}

// atanh returns atanh(z)·2^prec, |z| ≤ 1/3.
func atanh(z *big.Rat, prec int) *big.Int {
	n := new(big.Int).Lsh(z.Num(), uint(prec))
	power := n.Quo(n, z.Denom())
	square := new(big.Int).Mul(power, power)
	square.Rsh(square, uint(prec))
	sum := new(big.Int)
	for j := int64(1); power.Sign() != 0; j += 2 {
		sum.Add(sum, new(big.Int).Quo(power, big.NewInt(j)))
		power = new(big.Int).Mul(power, square)
		power.Quo(power, one(prec))
	}
	return sum
}

func one(prec int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(prec)) }

func fixed(x *big.Int, prec int) *big.Rat { return new(big.Rat).SetFrac(x, one(prec)) }

// power returns 2^k.
func power(k int) *big.Rat {
	if k < 0 {
		return new(big.Rat).SetFrac(big.NewInt(1), one(-k))
	}
	return new(big.Rat).SetInt(one(k))
}

// bitsFor returns enough bits for the enclosure, and 300 for a point.
func bitsFor(s spec.Set) int {
	bits := 300
	for _, x := range s.Intervals {
		if w, ok := golden.Width(x); ok {
			bits = max(bits, w+16)
		} else if x.Lo.Sign() != 0 && !x.Lo.IsInf() {
			bits = max(bits, 300-x.Lo.MantExp(nil))
		}
	}
	return bits
}

// verify compares what is stored with a computation of its own.
func verify(v golden.Vector) error {
	if v.Convention != nil {
		return verifyConvention(v)
	}
	bits := 0
	for _, s := range v.Expected.Values {
		bits = max(bits, bitsFor(s))
	}
	got, err := evaluate(v, bits)
	if err != nil {
		return err
	}
	if got.refused != (v.Expected.Whole != nil) {
		return fmt.Errorf("%s: whether the question is refused", v.ID)
	}
	if got.refused {
		return nil
	}
	flip := false
	if b, err := v.Options.Base.Value(); v.Options.Base != "" && v.Options.Base != "e" && err == nil {
		flip = b < 1
	}
	if len(v.Expected.Shape) > 0 {
		if len(got.rows) != len(v.Expected.Values) {
			return fmt.Errorf("%s: %d rows", v.ID, len(got.rows))
		}
		for i, r := range got.rows {
			if err := compare(v.Expected.Values[i], v.Expected.DType, r, got.slack, flip); err != nil {
				return fmt.Errorf("%s: row %d: %w", v.ID, i, err)
			}
		}
		return nil
	}
	// A row that may be refused may refuse all; else NaN comes first, then +Inf.
	all := row{value: new(big.Rat), nan: got.divisor == 0}
	if !all.nan {
		for _, r := range got.rows {
			all.nan = all.nan || r.nan
			all.domain = all.domain || r.domain
			all.infinite = all.infinite || r.infinite
			if r.value != nil {
				all.value.Add(all.value, new(big.Rat).Mul(r.value, got.weight))
			}
		}
		if all.domain {
			all.nan = false
		}
	}
	if err := compare(v.Expected.Values[0], v.Expected.DType, all, got.slack, flip); err != nil {
		return fmt.Errorf("%s: %w", v.ID, err)
	}
	return nil
}

func compare(s spec.Set, d spec.DType, r row, slack *big.Rat, flip bool) error {
	switch {
	case r.nan:
		if !s.NaN || s.Reject || len(s.Intervals) > 0 {
			return fmt.Errorf("NaN is the only answer")
		}
		return nil
	case r.domain:
		if !s.NaN || !s.Reject || len(s.Intervals) > 0 {
			return fmt.Errorf("NaN and a refusal are the answers")
		}
		return nil
	case s.NaN || s.Reject || len(s.Intervals) != 1:
		return fmt.Errorf("there is one number")
	}
	x := s.Intervals[0]
	if r.infinite {
		sign := 1
		if flip || r.below {
			sign = -1
		}
		if !x.Lo.IsInf() || !x.Hi.IsInf() || x.Lo.Sign() != sign || x.Hi.Sign() != sign || s.RN != spec.HexBits(d, round(x.Lo, d)) {
			return fmt.Errorf("an infinity is the answer")
		}
		return nil
	}
	if x.Lo.IsInf() || x.Hi.IsInf() {
		return fmt.Errorf("a finite number is the answer")
	}
	return contains(x, r.value, slack)
}

// contains reports whether a value that is known within slack may be in x.
func contains(x spec.Interval, value, slack *big.Rat) error {
	lo, _ := x.Lo.Rat(nil)
	hi, _ := x.Hi.Rat(nil)
	if new(big.Rat).Sub(value, slack).Cmp(hi) > 0 || new(big.Rat).Add(value, slack).Cmp(lo) < 0 {
		f, _ := value.Float64()
		return fmt.Errorf("the value %.17g is not in [%s, %s]", f, x.Lo.Text('g', 20), x.Hi.Text('g', 20))
	}
	return nil
}

// sampled reports whether the second route takes a vector: all up to 300
// elements, one in eight up to 1100 and, of the longer ones, the shortest of
// each kind. A full test takes all, but of whole rows of logits only two: each
// is a matter of a minute.
func sampled(v golden.Vector) bool {
	h := fnv.New32a()
	h.Write([]byte(v.ID))
	n := v.Len()
	if v.Data != nil && n > 8192 {
		return os.Getenv("KLCONF_FULL") != "" && (v.ID == "golden/model/largest/f32" || v.ID == "golden/model/smallest/bf16")
	}
	return os.Getenv("KLCONF_FULL") != "" || n <= 300 || n <= 1100 && h.Sum32()%8 == 0 || n == 10007 && v.DType == spec.F64
}

func TestSecondRoute(t *testing.T) {
	vectors := make(chan golden.Vector)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for v := range vectors {
				if err := verify(v); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, v := range golden.Vectors() {
		if sampled(v) {
			vectors <- v
		}
	}
	close(vectors)
	workers.Wait()
}

// The second route itself: known logarithms.
func TestLn(t *testing.T) {
	for _, c := range []struct {
		x    *big.Rat
		want string
	}{
		{big.NewRat(2, 1), "0.69314718055994530941723212145817656807550013436026"},
		{big.NewRat(10, 1), "2.30258509299404568401799145468436420760110148862877"},
		{big.NewRat(1, 3), "-1.09861228866810969139524523692252570464749055782275"},
		{big.NewRat(4, 3), "0.28768207245178092743921900599382743150350971089776"},
		{new(big.Rat).SetFloat64(5e-324), "-744.44007192138126231410729844608163411309"},
		{new(big.Rat).SetFloat64(1 + 0x1p-52), "2.2204460492503128343281930152e-16"},
		{big.NewRat(1, 1), "0"},
	} {
		want, _ := new(big.Rat).SetString(c.want)
		d := new(big.Rat).Sub(fixed(ln(c.x, 256), 256), want)
		if d.Abs(d).Cmp(power(-90)) > 0 {
			t.Errorf("ln %s is off by %s", c.x.RatString(), d.FloatString(60))
		}
	}
}

// certifyZero proves that a value is exactly 0: Π x^a = 1, with the exponents
// made whole by a power of two.
func certifyZero(v golden.Vector) error {
	a, err := evaluate(v, 64)
	if err != nil {
		return err
	}
	var all []term
	for _, r := range a.rows {
		if r.nan || r.domain || r.infinite {
			return fmt.Errorf("a row has no number")
		}
		all = append(all, r.terms...)
	}
	product := big.NewRat(1, 1)
	least := math.MinInt
	var left []term
	for _, t := range all {
		if t.x.Cmp(big.NewRat(1, 1)) != 0 {
			left = append(left, t)
			least = max(least, t.a.Denom().BitLen()-1-int(t.a.Num().TrailingZeroBits()))
		}
	}
	for _, t := range left {
		k := new(big.Rat).Mul(t.a, power(least))
		if !k.IsInt() || !k.Num().IsInt64() || k.Num().Int64() > 1<<12 || k.Num().Int64() < -1<<12 {
			return fmt.Errorf("the exponent %s is not small and whole", k.RatString())
		}
		e := k.Num().Int64()
		x := new(big.Rat).Set(t.x)
		if e < 0 {
			x.Inv(x)
			e = -e
		}
		exp := big.NewInt(e)
		x.SetFrac(new(big.Int).Exp(x.Num(), exp, nil), new(big.Int).Exp(x.Denom(), exp, nil))
		product.Mul(product, x)
	}
	if product.Cmp(big.NewRat(1, 1)) != 0 {
		return fmt.Errorf("the product of the powers is not 1")
	}
	for _, s := range v.Expected.Values {
		if round(s.Intervals[0].Lo, v.Expected.DType) != 0 {
			return fmt.Errorf("the stored value is not 0")
		}
	}
	return nil
}
