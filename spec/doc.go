// Package spec says what "right" means for an implementation of the
// Kullback-Leibler divergence, as types and data and without arithmetic: the
// catalogue of requirements, the conventions an implementation may declare,
// the questions it is asked, the answers it gives, and the results of judging
// them.
//
// The definition is
//
//	KL(P‖Q) = Σ p_i ln(p_i/q_i)        (nats; 0·ln(0/q) = 0, p > 0 = q gives +Inf)
//
// for finite weights p_i, q_i ≥ 0 taken as exact reals, not normalised, and
// rounded once to the result format. README.md in this folder is the prose,
// requirements.json the catalogue, schema/ the JSON schemas of every message
// and file.
package spec
