// Package mutant is what the suite itself is measured with: [Faults], small
// wrong implementations with one fault each, that it must find, and
// [Variants], implementations that are right but different, that it must
// not accuse. make prove grades all of them and writes reports/proof.md.
//
// Only tests import it.
package mutant
