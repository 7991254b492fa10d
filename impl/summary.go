package impl

import (
	"fmt"
	"math"
	"math/big"
	"slices"

	"klconf/impl/exact"
)

// A LogitsRow is what one row of logits of a language model has to say of another.
type LogitsRow struct {
	Row     int     // its number
	KL      float64 // in nats
	SameTop bool    // whether the largest logits of both are at the same place, the first if there are several
}

// CompareLogits32 returns the divergence [KLLogits32] of two rows of logits, and whether they
// agree on the likeliest element. Numbers of float16, bfloat16 and the 8-bit formats are
// numbers of float32, so that it is the divergence of what is stored if they are widened.
// KL(Q‖P) instead of KL(P‖Q) is asked for by exchanging a and b.
//
// It panics if the lengths differ. SameTop is false where KL is NaN.
func CompareLogits32(row int, a, b []float32) LogitsRow {
	return comparison(row, KLLogits32(a, b), a, b)
}

// CompareLogits is [CompareLogits32] by [KLLogits].
func CompareLogits(row int, a, b []float64, temperature float64) LogitsRow {
	return comparison(row, KLLogits(a, b, temperature), a, b)
}

func comparison[F float32 | float64](row int, kl float64, a, b []F) LogitsRow {
	return LogitsRow{row, kl, kl == kl && top(a) == top(b)}
}

// top returns the first place of the largest number.
func top[F float32 | float64](x []F) (at int) {
	for i, v := range x {
		if v > x[at] {
			at = i
		}
	}
	return at
}

// A LogitsSummary is what is known of the rows that have been added: the statistics that
// llama.cpp's llama-perplexity --kl-divergence prints of its rows (tools/perplexity), of
// values that are rounded once. It keeps 8 bytes of every row, and takes as many again while
// it answers the first question for a quantile. The zero value is empty and ready for use.
//
// Rows whose divergence is NaN are counted, and left out of everything else: unlike a
// reduction, a summary of a hundred thousand rows is not lost to one of them. +Inf is a value
// like any other, the largest.
//
// The number of all rows is N below; x(0) ≤ … ≤ x(N−1) are their divergences.
type LogitsSummary struct {
	chunks   []*[summaryChunk]float64
	n        int
	nans     int
	firstNaN int
	infs     int
	sameTop  int
	min, max LogitsRow

	sorted []float64 // nil if a row has been added since
}

// summaryChunk rows are stored together, so that adding one never copies the others.
const summaryChunk = 1 << 12

// Add adds a row.
func (s *LogitsSummary) Add(r LogitsRow) {
	if r.KL != r.KL {
		if s.nans == 0 {
			s.firstNaN = r.Row
		}
		s.nans++
		return
	}
	if s.n == 0 || r.KL < s.min.KL {
		s.min = r
	}
	if s.n == 0 || r.KL > s.max.KL {
		s.max = r
	}
	if math.IsInf(r.KL, 1) {
		s.infs++
	}
	if r.SameTop {
		s.sameTop++
	}
	if s.n%summaryChunk == 0 {
		s.chunks = append(s.chunks, new([summaryChunk]float64))
	}
	s.chunks[s.n/summaryChunk][s.n%summaryChunk] = r.KL
	s.n++
	s.sorted = nil
}

// Len returns N, the number of rows whose divergence is not NaN.
func (s *LogitsSummary) Len() int { return s.n }

// NaNs returns how many rows are NaN, and the number of the first.
func (s *LogitsSummary) NaNs() (count, first int) { return s.nans, s.firstNaN }

// Infinite returns how many rows are +Inf.
func (s *LogitsSummary) Infinite() int { return s.infs }

// SameTop returns how many of the N rows agree on the likeliest element.
func (s *LogitsSummary) SameTop() int { return s.sameTop }

// Min returns the first row with the least divergence. It panics if N is 0.
func (s *LogitsSummary) Min() LogitsRow { s.notEmpty("Min"); return s.min }

// Max returns the first row with the largest divergence. It panics if N is 0.
func (s *LogitsSummary) Max() LogitsRow { s.notEmpty("Max"); return s.max }

func (s *LogitsSummary) notEmpty(what string) {
	if s.n == 0 {
		panic("impl: " + what + " of no rows")
	}
}

// Mean returns the mean of the divergences: those are rounded to float64, their sum is exact,
// and Σx/N is rounded once to float64. It is +Inf if a row is, and NaN if N is 0. It is not
// the mean of the divergences before they were rounded, from which it differs by at most
// half an ulp of the largest.
func (s *LogitsSummary) Mean() float64 {
	if v, ok := s.unbounded(1); ok {
		return v
	}
	sum, _ := s.moments()
	return rounded(sum.Quo(sum, big.NewRat(int64(s.n), 1)))
}

// StandardError returns the standard error of the mean, with m = Σx/N,
//
//	√(Σ(x − m)²/(N(N−1))),
//
// from exact sums: only the root and the result are rounded, which errs by less than 0.51
// ulp. It is NaN if a row is +Inf or N < 2.
func (s *LogitsSummary) StandardError() float64 {
	if _, ok := s.unbounded(2); ok {
		return math.NaN()
	}
	sum, squares := s.moments()
	n := int64(s.n)
	v := sum.Mul(sum, sum)
	v.Quo(v, big.NewRat(n, 1))
	v.Sub(squares, v)
	v.Quo(v, new(big.Rat).Mul(big.NewRat(n, 1), big.NewRat(n-1, 1)))
	root := new(big.Float).SetPrec(128)
	x, _ := root.Sqrt(new(big.Float).SetPrec(128).SetRat(v)).Float64()
	return x
}

// unbounded returns the mean if it is not that of finite numbers, of least at the least.
func (s *LogitsSummary) unbounded(least int) (v float64, ok bool) {
	switch {
	case s.n < least:
		return math.NaN(), true
	case s.infs > 0:
		return math.Inf(1), true
	}
	return 0, false
}

// moments returns Σx and Σx², exactly. All x are finite.
func (s *LogitsSummary) moments() (sum, squares *big.Rat) {
	var x, y exact.Num
	first, second := make([]exact.Num, 0, summaryChunk), make([]exact.Num, 0, summaryChunk)
	for i, c := range s.chunks {
		first, second = first[:0], second[:0]
		for _, v := range c[:min(summaryChunk, s.n-i*summaryChunk)] {
			v := exact.Float(v)
			first, second = append(first, v), append(second, v.Mul(v))
		}
		x, y = x.Add(exact.Sum(first)), y.Add(exact.Sum(second))
	}
	return x.Rat(), y.Rat()
}

// Quantile returns the quantile at num/den, 0 ≤ num/den ≤ 1, of type 7 of Hyndman and Fan
// (Sample quantiles in statistical packages, The American Statistician 50, 1996), which
// NumPy and llama.cpp use: with h = (N−1)·num/den and k = ⌊h⌋,
//
//	x(k) + (h − k)·(x(k+1) − x(k)),
//
// the exact number rounded once. It is x(k), a row's own divergence, where h is whole; the
// median of an even number of rows is the mean of the two in the middle; +Inf if x(k+1) is
// that counts. It panics if N is 0.
func (s *LogitsSummary) Quantile(num, den int) float64 {
	s.notEmpty("Quantile")
	if num < 0 || den <= 0 || num > den {
		panic(fmt.Sprintf("impl: Quantile at %d/%d", num, den))
	}
	if s.sorted == nil {
		s.sorted = make([]float64, 0, s.n)
		for i, c := range s.chunks {
			s.sorted = append(s.sorted, c[:min(summaryChunk, s.n-i*summaryChunk)]...)
		}
		slices.Sort(s.sorted)
	}
	h := new(big.Int).Mul(big.NewInt(int64(s.n-1)), big.NewInt(int64(num)))
	whole, rest := h.DivMod(h, big.NewInt(int64(den)), new(big.Int))
	k := int(whole.Int64())
	if rest.Sign() == 0 {
		return s.sorted[k]
	}
	lo, hi := s.sorted[k], s.sorted[k+1]
	if math.IsInf(hi, 1) {
		return hi
	}
	x, y := new(big.Rat).SetFloat64(lo), new(big.Rat).SetFloat64(hi)
	y.Sub(y, x)
	y.Mul(y, new(big.Rat).SetFrac(rest, big.NewInt(int64(den))))
	return rounded(x.Add(x, y))
}

// Values calls f with every divergence that is not NaN, in the order in which rows were added.
func (s *LogitsSummary) Values(f func(kl float64) bool) {
	for i, c := range s.chunks {
		for _, v := range c[:min(summaryChunk, s.n-i*summaryChunk)] {
			if !f(v) {
				return
			}
		}
	}
}

func rounded(r *big.Rat) float64 { return math.Float64frombits(exact.Float64.RoundRat(r)) }
