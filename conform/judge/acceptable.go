package judge

import (
	"math"

	"klconf/spec"
)

// A Range is the bits of the least and of the greatest number of a format.
type Range struct{ Lo, Hi uint64 }

// Acceptable returns, for each interval of a set, the numbers of the result format d that
// reach the level: those from Lo to Hi, where −0 counts as +0. NaN and a refusal are beside
// it, as the set says.
func Acceptable(s spec.Set, d spec.DType, l spec.Level) (list []Range) {
	infinity := ordered(d, Bits(d, math.Inf(1)))
	for _, v := range s.Intervals {
		alone := s
		alone.Intervals = []spec.Interval{v}
		reaches := func(place int64) bool {
			return one(alone, d, bitsAt(d, place)).Level.Rank() >= l.Rank()
		}
		at := infinity
		switch {
		case v.Lo.IsInf() && v.Lo.Sign() < 0:
			at = -infinity
		case !v.Lo.IsInf():
			at = ordered(d, formats[d].RoundBig(v.Lo))
		}
		// What reaches a level is a neighbourhood of the exact value. Places are at most 2^64
		// apart, and wrap on the way to where they fit again.
		up := last(uint64(infinity-at), func(k uint64) bool { return reaches(at + int64(k)) })
		down := last(uint64(infinity+at), func(k uint64) bool { return reaches(at - int64(k)) })
		list = append(list, Range{bitsAt(d, at-int64(down)), bitsAt(d, at+int64(up))})
	}
	return list
}

// last returns the greatest k up to the most for which f holds, which it does from 0 to there.
func last(most uint64, f func(k uint64) bool) (k uint64) {
	for k < most {
		middle := k + (most-k+1)/2
		if f(middle) {
			k = middle
		} else {
			most = middle - 1
		}
	}
	return k
}

// bitsAt is the inverse of ordered.
func bitsAt(d spec.DType, place int64) uint64 {
	if place < 0 {
		return uint64(-place) | 1<<(8*d.Size()-1)
	}
	return uint64(place)
}
