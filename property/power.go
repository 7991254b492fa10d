package property

import (
	_ "embed"
	"encoding/json"

	"klconf/spec"
)

// A Fault is one way of being wrong in every answer, by a size ε.
type Fault string

// The faults. K stands for the exact value of any quantity; the last three
// spoil divergences only, and the last two have no size.
const (
	Noise           Fault = "noise"            // K·(1 ± ε), with a sign that the bits of the question decide
	LogarithmError  Fault = "logarithm error"  // every logarithm of a sum Σ p ln(…) is too small by ε
	Excess          Fault = "excess"           // K + ε|K|
	Deficit         Fault = "deficit"          // K − ε|K|
	LastTermError   Fault = "last-term error"  // the last term is multiplied by 1 − ε
	DroppedInfinity Fault = "dropped infinity" // a term with p > 0 = q is left out
	Symmetry        Fault = "symmetry"         // ½K(P‖Q) + ½K(Q‖P) in place of K(P‖Q)
)

// Faults has all of them, the most general first.
var Faults = []Fault{Noise, LogarithmError, Excess, Deficit, LastTermError, DroppedInfinity, Symmetry}

// A Power is how small a fault a law finds, at a level of accuracy: the ε
// from which on 100 draws in float64 under the definition find the fault with
// probability 0.99, for a subject that is correctly rounded but for it.
//
// It is measured as follows. One draw finds a fault from some ε on, its
// threshold, which bisection finds to a factor of √2. A hundred independent
// draws find the fault with probability 0.99 from the ε on that is above 4.5 %
// of all thresholds, as 1 − 0.955^100 = 0.99. Of the thresholds of 2000 draws
// the 113th smallest is not below that ε with a confidence of 99 %. The sizes
// that are tried, powers of √2, go from 2^-70 to ½, so that 8.47e-22 means that or less.
type Power struct {
	Fault Fault
	Level spec.Level
	Size  float64 // 0 for a fault without a size
}

// PowerLevels are the levels at which the power is measured: what is demanded
// of everybody, and correct rounding.
var PowerLevels = []spec.Level{spec.L1, spec.L5}

// Power returns what the law was measured to find, in the order of Faults and
// PowerLevels. What it does not find up to ε = ½ is not in the list.
func (l Law) Power() []Power {
	var all []Power
	for _, f := range Faults {
		for _, level := range PowerLevels {
			if size, ok := powers[l.ID][level][f]; ok {
				all = append(all, Power{f, level, size})
			}
		}
	}
	return all
}

//go:embed power.json
var powerJSON []byte

// powers has the sizes by law, level and fault.
var powers = func() (table map[string]map[spec.Level]map[Fault]float64) {
	if err := json.Unmarshal(powerJSON, &table); err != nil {
		panic("property: power.json: " + err.Error())
	}
	return table
}()
