package impl

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"runtime"
	"slices"
	"strings"
	"testing"

	"klconf/golden"
	"klconf/impl/exact"
)

func TestLogitsRows(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b *Backend) {
		r := newRand(31)
		for _, shape := range [][2]int{{0, 0}, {1, 0}, {1, 1}, {5, 3}, {40, 600}} {
			m, n := shape[0], shape[1]
			if b == &exactBackend && m*n > 1000 {
				continue
			}
			x, y := perturbed(3, 0.5)(r, m*n)
			got := make([]float64, m)
			b.KLLogitsRows32(got, x, y)
			for i := range m {
				if want := b.KLLogits32(x[i*n:][:n], y[i*n:][:n]); math.Float64bits(got[i]) != math.Float64bits(want) {
					t.Errorf("%v: row %d is %x, want %x", shape, i, got[i], want)
				}
			}
		}
	})
}

// The stored rows of a language model in the formats in which such rows are kept, rounded to
// nearest and widened again. The 25 digits are python-flint's, radius below 1e-50.
func TestStoredFormats(t *testing.T) {
	all, err := golden.Logits()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		f    exact.Format
		want [4]string
	}{
		{exact.Float32, [4]string{"7.763990095257340622954755e-5", "0.04564706441965201402560271", "0.9205003342755562137936369", "0.2532218387170896543602764"}},
		{exact.Float16, [4]string{"7.687438806640808049571429e-5", "0.04549632098278809795422634"}},
		{exact.BFloat16, [4]string{"8.514386649866958087493455e-5", "0.05060798645041767889227941", "0.8802488630165930123176474", "0.2523418660600344094815729"}},
	} {
		var rows [2][]float32
		for i, row := range all {
			for _, x := range row {
				rows[i/4] = append(rows[i/4], float32(c.f.Value(c.f.RoundBig(big.NewFloat(float64(x))))))
			}
		}
		n := golden.DataColumns
		dst := make([]float64, 4)
		KLLogitsRows32(dst, rows[0], rows[1])
		for i, w := range c.want {
			if w == "" {
				continue
			}
			f, _, err := big.ParseFloat(w, 10, 200, big.ToNearestEven)
			if err != nil {
				t.Fatal(err)
			}
			if want, _ := f.Float64(); dst[i] != want {
				t.Errorf("%d bits, row %d: %v, want %v", c.f.Precision(), i, dst[i], want)
			}
			if got := KLLogits(widened(rows[0][i*n:][:n]), widened(rows[1][i*n:][:n]), 1); got != dst[i] {
				t.Errorf("%d bits, row %d: %v in float64, want %v", c.f.Precision(), i, got, dst[i])
			}
		}
	}
}

func TestKLLogits(t *testing.T) {
	r := newRand(32)
	inf := math.Inf(-1)
	for i, c := range []struct {
		t    float64
		a, b []float64
	}{
		{0.7, []float64{1, 2, 3}, []float64{3, 1, 0}},
		{3, []float64{1, inf, 3}, []float64{3, inf, 0}},
		{1, []float64{0.1, 0.2, 0.3}, []float64{0.3, 0.1, 0}}, // of no float32
		{1, []float64{1e300, 1e300, 0}, []float64{1, 2, 3}},
		{0x1p-1000, []float64{1e-300, 2e-300, 0}, []float64{1e-300, 3e-300, 1e-300}},
		{0x1p-1060, []float64{0x1p-1070, 0x1p-1074, 0}, []float64{0x1p-1073, 0x1p-1074, 0x1p-1072}},
		{0.5, []float64{1, 2, 3}, []float64{3, 1, 0}},
		{4, []float64{1e-44, 2, 3}, []float64{3, 1e-45, 0}},
	} {
		want, err := exact.KLLogits(c.a, c.b, c.t).Round(exact.Float64)
		if err != nil {
			t.Fatal(err)
		}
		if got := KLLogits(c.a, c.b, c.t); math.Float64bits(got) != want.Bits {
			t.Errorf("case %d: %v, want %v", i, got, math.Float64frombits(want.Bits))
		}
	}
	// A power of two leaves float32 numbers what they are; 0.7 does not.
	a, b := perturbed(3, 0.5)(r, 100)
	x, y := widened(a), widened(b)
	for i := range x {
		x[i], y[i] = x[i]*0.25, y[i]*0.25
	}
	if got, want := KLLogits(x, y, 0.25), KLLogits32(a, b); got != want {
		t.Errorf("at a quarter: %v, want %v", got, want)
	}
	if _, ok := quotients32(x, 0.25); !ok {
		t.Error("a quarter is not taken")
	}
	if _, ok := quotients32(x, 0.7); ok {
		t.Error("0.7 is taken")
	}
	if _, ok := quotients32([]float64{1e39}, 1); ok {
		t.Error("1e39 is taken for a number of float32")
	}

	nan := math.NaN()
	for i, c := range []struct{ a, b, want float64 }{{nan, 1, nan}, {1, nan, nan}, {-inf, 1, nan}, {1, inf, math.Inf(1)}, {inf, 1, 0}} {
		got := KLLogits([]float64{0, c.a}, []float64{0, c.b}, 0.7)
		if c.want != 0 && math.Float64bits(got) != math.Float64bits(c.want) && !(got != got && c.want != c.want) || c.want == 0 && !(got > 0) {
			t.Errorf("special case %d: %v, want %v", i, got, c.want)
		}
	}
	for _, bad := range []float64{0, -1, nan, -inf} {
		if !panics(func() { KLLogits(nil, nil, bad) }) {
			t.Errorf("temperature %v: no panic", bad)
		}
	}
}

func widened(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

// An answer is what a summary says, by whatever means.
type answer struct {
	mean, se  float64
	quantiles []float64
}

var quantilesAsked = []int{0, 10, 50, 100, 250, 333, 500, 750, 900, 950, 990, 999, 1000} // of 1000

func (s *LogitsSummary) answer() (a answer) {
	a.mean, a.se = s.Mean(), s.StandardError()
	for _, q := range quantilesAsked {
		a.quantiles = append(a.quantiles, s.Quantile(q, 1000))
	}
	return a
}

// plainly computes an answer from all rows at once, in numbers of 4500 bits, which hold
// every sum of squares of float64 below 2^100 exactly, and wants of the mean and quantiles
// the float64 nearest to it.
func plainly(x []float64) (a answer) {
	const prec = 4500
	number := func(v float64) *big.Float { return new(big.Float).SetPrec(prec).SetFloat64(v) }
	sum, n := number(0), number(float64(len(x)))
	for _, v := range x {
		sum.Add(sum, number(v))
	}
	mean := number(0).Quo(sum, n)
	a.mean, _ = mean.Float64()
	squares := number(0)
	for _, v := range x {
		d := number(0).Sub(number(v), mean)
		squares.Add(squares, d.Mul(d, d))
	}
	squares.Quo(squares, n.Mul(n, number(float64(len(x)-1))))
	a.se, _ = squares.Sqrt(squares).Float64()
	y := slices.Sorted(slices.Values(x))
	for _, q := range quantilesAsked {
		h := (len(x) - 1) * q
		k, rest := h/1000, h%1000
		v := number(y[k])
		if rest != 0 {
			d := number(0).Sub(number(y[k+1]), v)
			d.Mul(d, number(float64(rest)))
			v.Add(v, d.Quo(d, number(1000)))
		}
		f, _ := v.Float64()
		a.quantiles = append(a.quantiles, f)
	}
	return a
}

func (a answer) differs(b answer) string {
	var list []string
	if a.mean != b.mean {
		list = append(list, fmt.Sprintf("mean %v, want %v", a.mean, b.mean))
	}
	if a.se != b.se {
		list = append(list, fmt.Sprintf("standard error %v, want %v", a.se, b.se))
	}
	for i, q := range quantilesAsked {
		if a.quantiles[i] != b.quantiles[i] {
			list = append(list, fmt.Sprintf("quantile %d/1000 %v, want %v", q, a.quantiles[i], b.quantiles[i]))
		}
	}
	return strings.Join(list, "; ")
}

// samples draws divergences over many binades, with ties.
func samples(n int) []float64 {
	r := newRand(uint64(n))
	x := make([]float64, n)
	for i := range x {
		x[i] = math.Exp(3 * r.NormFloat64())
		switch i % 7 {
		case 3:
			x[i] = x[i/2]
		case 5:
			x[i] = math.Ldexp(x[i], -60)
		}
	}
	return x
}

func TestSummary(t *testing.T) {
	lengths := []int{2, 3, 10, 11, 64, 1000, 1001, summaryChunk, summaryChunk + 1}
	for _, n := range lengths {
		x := samples(n)
		var s LogitsSummary
		least, largest, same := 0, 0, 0
		for i, v := range x {
			s.Add(LogitsRow{i + 1, v, i%3 == 0})
			if i%100 == 0 {
				s.Quantile(1, 2) // an early question does not freeze the answer
			}
			if v < x[least] {
				least = i
			}
			if v > x[largest] {
				largest = i
			}
			if i%3 == 0 {
				same++
			}
		}
		if d := s.answer().differs(plainly(x)); d != "" {
			t.Errorf("%d rows: %s", n, d)
		}
		if s.Len() != n || s.SameTop() != same || s.Min().Row != least+1 || s.Max().Row != largest+1 {
			t.Errorf("%d rows: N %d, same top %d, least %v, largest %v", n, s.Len(), s.SameTop(), s.Min(), s.Max())
		}
		if got := slices.Collect(s.Values); !slices.Equal(got, x) {
			t.Errorf("%d rows: the values are others", n)
		}
	}
}

// The comparison of TestSummary finds a sum in float64, the variance as a difference of such
// sums, and percentiles of another rank.
func TestSummaryCanFail(t *testing.T) {
	x := samples(1001)
	right := plainly(x)
	var naive, naive2 float64
	for _, v := range x {
		naive += v
		naive2 += float64(v * v)
	}
	n := float64(len(x))
	y := slices.Sorted(slices.Values(x))
	for _, c := range []struct {
		name  string
		wrong func(a *answer)
		word  string
	}{
		{"a sum in the order of the rows", func(a *answer) { a.mean = naive / n }, "mean"},
		{"a difference of sums", func(a *answer) { a.se = math.Sqrt((naive2/n - naive/n*(naive/n)) / (n - 1)) }, "standard error"},
		{"a divisor N", func(a *answer) { a.se *= math.Sqrt((n - 1) / n) }, "standard error"},
		{"the next rank", func(a *answer) {
			for i, q := range quantilesAsked {
				a.quantiles[i] = y[min(1000, q+1)]
			}
		}, "quantile 500"},
	} {
		a := right
		a.quantiles = slices.Clone(a.quantiles)
		c.wrong(&a)
		if d := a.differs(right); !strings.Contains(d, c.word) {
			t.Errorf("%s is not found: %q", c.name, d)
		}
	}
	// Of 1001 rows these quantiles are rows. The nearest rank is another definition.
	x = samples(10)
	right, y = plainly(x), slices.Sorted(slices.Values(x))
	wrong := right
	wrong.quantiles = nil
	for _, q := range quantilesAsked {
		wrong.quantiles = append(wrong.quantiles, y[max(0, (10*q+999)/1000-1)])
	}
	if d := wrong.differs(right); !strings.Contains(d, "quantile") {
		t.Error("the nearest rank is not found")
	}
}

func TestSummarySpecial(t *testing.T) {
	var s LogitsSummary
	if m := s.Mean(); m == m || !panics(func() { s.Quantile(1, 2) }) || !panics(func() { s.Min() }) || !panics(func() { s.Max() }) {
		t.Errorf("no rows: mean %v", m)
	}
	s.Add(LogitsRow{1, 3, true})
	if m, e := s.Mean(), s.StandardError(); m != 3 || e == e {
		t.Errorf("one row: %v ± %v", m, e)
	}
	s.Add(LogitsRow{2, math.NaN(), false})
	s.Add(LogitsRow{3, math.NaN(), false})
	s.Add(LogitsRow{4, 1, false})
	if n, first := s.NaNs(); n != 2 || first != 2 || s.Len() != 2 || s.Mean() != 2 || s.StandardError() != 1 || s.Quantile(1, 2) != 2 {
		t.Errorf("%d NaN from %d, %d rows, %v ± %v", n, first, s.Len(), s.Mean(), s.StandardError())
	}
	s.Add(LogitsRow{5, math.Inf(1), true})
	if e := s.StandardError(); s.Infinite() != 1 || !math.IsInf(s.Mean(), 1) || e == e || s.Quantile(1, 2) != 3 || !math.IsInf(s.Quantile(51, 100), 1) || s.Max().Row != 5 {
		t.Errorf("+Inf: %v ± %v, median %v", s.Mean(), e, s.Quantile(1, 2))
	}
	for _, q := range [][2]int{{-1, 2}, {3, 2}, {0, 0}} {
		if !panics(func() { s.Quantile(q[0], q[1]) }) {
			t.Errorf("quantile %v: no panic", q)
		}
	}
}

func TestCompareLogits(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		a, b []float32
		same bool
	}{
		{[]float32{1, 2, 3}, []float32{0, 0, 1}, true},
		{[]float32{1, 3, 3}, []float32{0, 1, 1}, true},
		{[]float32{1, 3, 3}, []float32{0, 1, 2}, false},
		{[]float32{1, 3, nan}, []float32{0, 1, 0}, false},
	} {
		r := CompareLogits32(7, c.a, c.b)
		if x := CompareLogits(7, widened(c.a), widened(c.b), 1); x != r && r.KL == r.KL {
			t.Errorf("%v: %v and %v", c, r, x)
		}
		if r.SameTop != c.same || r.Row != 7 || r.KL != KLLogits32(c.a, c.b) && r.KL == r.KL {
			t.Errorf("%v: %v", c, r)
		}
	}
}

func TestStream(t *testing.T) {
	for _, procs := range []int{1, 3} {
		old := runtime.GOMAXPROCS(procs)
		for _, n := range []int{0, 1, 7, streamBlock, streamBlock + 1, streamMemory / 8} {
			for _, m := range []int{0, 1, 2, 5} {
				if n < 1000 {
					m *= 3 * streamBlock / max(n, 1)
				}
				fail := errors.New("no more")
				for _, end := range []error{io.EOF, fail} {
					given, got := 0, 0
					err := StreamRows(n, func(a, b []float32) error {
						if given == m {
							return end
						}
						if len(a) != n || len(b) != n {
							t.Fatalf("a row of %d", len(a))
						}
						given++
						for i := range a {
							a[i], b[i] = float32(given), -float32(given)
						}
						return nil
					}, func(i int, a, b []float32) bool {
						ok := len(a) == n && len(b) == n
						for k := 0; k < n; k += max(1, n/3) {
							ok = ok && a[k] == float32(i+1) && b[k] == -float32(i+1)
						}
						return ok
					}, func(ok bool) {
						if !ok {
							t.Errorf("%d×%d, %d processors: row %d is another", m, n, procs, got)
						}
						got++
					})
					if got != m || end == fail && err != fail || end == io.EOF && err != nil {
						t.Errorf("%d×%d: %d rows, %v", m, n, got, err)
					}
				}
			}
		}
		runtime.GOMAXPROCS(old)
	}
}

// TestStreamMemory reads many more rows than may be kept. Of what was asked of the allocator
// in all, which cannot be less than what was held at any time, there are 24 MiB of blocks, 16
// bytes a row, and the arithmetic of the mean.
func TestStreamMemory(t *testing.T) {
	const n, rows = 64, 200_000
	x, y := perturbed(3, 0.1)(newRand(33), n)
	measure := func(keep func(int) any) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		keep(rows)
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	pass := func(deliver func(LogitsRow)) {
		given := 0
		err := StreamRows(n, func(a, b []float32) error {
			if given == rows {
				return io.EOF
			}
			given++
			copy(a, x)
			copy(b, y)
			return nil
		}, func(i int, a, b []float32) LogitsRow { return LogitsRow{i, float64(a[0]), true} }, deliver)
		if err != nil {
			t.Fatal(err)
		}
	}
	const bound = 32<<20 + 16*rows
	if took := measure(func(int) any {
		var s LogitsSummary
		pass(s.Add)
		s.Quantile(1, 2)
		return &s
	}); took > bound {
		t.Errorf("%d bytes for %d rows, more than %d", took, rows, bound)
	}
	// What keeps the rows is found.
	if took := measure(func(int) any {
		var all [][]float32
		pass(func(LogitsRow) { all = append(all, slices.Clone(x)) })
		return all
	}); took <= bound {
		t.Errorf("keeping all rows took %d bytes: the bound cannot be passed", took)
	}
}

func ExampleStreamRows() {
	teacher := [][]float32{{1, 2, 3}, {4, 1, 0}}
	student := [][]float32{{1, 2, 2.5}, {1, 3, 0}}
	next := 0
	read := func(a, b []float32) error {
		if next == len(teacher) {
			return io.EOF
		}
		copy(a, teacher[next])
		copy(b, student[next])
		next++
		return nil
	}
	var s LogitsSummary
	if err := StreamRows(3, read, CompareLogits32, s.Add); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d of %d rows have the same top element; KL is %.4f ± %.4f, at most %.4f\n", s.SameTop(), s.Len(), s.Mean(), s.StandardError(), s.Max().KL)
	// Output: 1 of 2 rows have the same top element; KL is 0.9243 ± 0.8952, at most 1.8195
}

// BenchmarkKLLogitsTemperature asks for a temperature that leaves no number of float32.
func BenchmarkKLLogitsTemperature(b *testing.B) {
	x, y := perturbed(3, 0.5)(newRand(34), 4096)
	a, c := widened(x), widened(y)
	for b.Loop() {
		KLLogits(a, c, 0.7)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(a)), "ns/el")
}
