package spec

import (
	"encoding/json"
	"fmt"
	"math/big"
)

// An Interval is a certified enclosure of an exact real: Lo ≤ x ≤ Hi. The
// endpoints are exact dyadic rationals or infinities and are written as
// hexadecimal floats.
type Interval struct {
	Lo, Hi *big.Float
	// How it was proved, where that is known: from logarithms with W fractional
	// bits, Err being half of Hi − Lo in units of 2^-W, rounded up. Not written.
	W   int
	Err *big.Int
}

// MarshalJSON writes {"lo":"0x1.8p+0","hi":"0x1.8p+0"}.
func (v Interval) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Lo string `json:"lo"`
		Hi string `json:"hi"`
	}{hexText(v.Lo), hexText(v.Hi)})
}

// UnmarshalJSON reads what MarshalJSON writes, exactly.
func (v *Interval) UnmarshalJSON(b []byte) error {
	var w struct{ Lo, Hi string }
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	var err error
	if v.Lo, err = parseHex(w.Lo); err != nil {
		return err
	}
	v.Hi, err = parseHex(w.Hi)
	return err
}

func hexText(x *big.Float) string {
	if x.IsInf() {
		if x.Sign() > 0 {
			return "+Inf"
		}
		return "-Inf"
	}
	return x.Text('x', -1)
}

func parseHex(s string) (*big.Float, error) {
	// Four bits a digit: a precision that no digit of the text exceeds.
	x, _, err := big.ParseFloat(s, 0, uint(4*len(s)+64), big.ToNearestEven)
	if err != nil {
		return nil, fmt.Errorf("%q is not a hexadecimal float", s)
	}
	return x, nil
}

// A Mass holds what the accuracy levels are measured by (README.md, section
// "Accuracy"), as upper bounds: N terms, ΣAbsT = Σ|t|, P, Logs = Σ p(|ln p| +
// |ln q|), Phi = Σφ, AbsK = |K|.
type Mass struct {
	N                        int
	AbsT, P, Logs, Phi, AbsK *big.Float
	Factor                   *big.Float // |K| where a base or a scale is one more operation, else nil
	Under                    *big.Float // × η: what subnormal quotients of a normalisation may cost
}

// A Set is everything that one number of an answer may be: any union of
// certified enclosures, NaN and a refusal. The bits RN hold the correctly
// rounded value, in hexadecimal, where there is exactly one enclosure.
type Set struct {
	Intervals []Interval `json:"set,omitzero"`
	NaN       bool       `json:"nan"`
	Reject    bool       `json:"reject"`
	RN        string     `json:"rn,omitempty"`
	Mass      *Mass      `json:"-"`
	// Overflows says that a plain evaluation meets a number beyond the format
	// on the way; then an infinity or a NaN may meet L1, and no higher level.
	Overflows bool `json:"-"`
	Divides   bool `json:"-"` // the convention normalises
}

// Expected is what a whole answer may be: its format, its shape and one Set
// for each element. A shape mismatch or another refusal of the whole
// question has no elements and sets Whole.
type Expected struct {
	DType  DType
	Shape  []int
	Values []Set
	Whole  *Set // set instead of Values: the question has no element-wise answer
}
