package mutant

import (
	"math"
	"slices"

	"klconf/conform/judge"
	"klconf/spec"
)

// Faults in what is computed.
var ofDefinition = []Fault{
	{Name: "swapped-arguments", Killer: "DEF-2", Fault: "It gives KL(Q‖P).",
		Source: "pytorch/pytorch#57459, Lightning-AI/torchmetrics#2369; Smile 3.1.1 with a sparse second argument",
		make:   vectors(func(p, q []float64) (float64, error) { return exactly(q, p) })},
	{Name: "half", Killer: "DEF-8", Fault: "It gives ½ KL.", Source: "cuML's kl_divergence metric",
		make: values(func(v float64, _, _ []float64) float64 { return v / 2 })},
	{Name: "negated", Killer: "DEF-8", Fault: "It gives −KL.", Source: "keras-team/keras#2473",
		make: values(func(v float64, _, _ []float64) float64 { return -v })},
	{Name: "bits", Killer: "DEF-4", Fault: "The logarithm has base 2.", Source: "Mallet's Maths.klDivergence, LingPipe, NLTK",
		make: values(func(v float64, _, _ []float64) float64 { return v / math.Ln2 })},
	{Name: "bans", Killer: "DEF-4", Fault: "The logarithm has base 10.", Source: "plausible: philentropy has the unit log10",
		make: values(func(v float64, _, _ []float64) float64 { return v / math.Ln10 })},
	{Name: "base-applied-twice", Killer: "DEF-4", Fault: "Base 2 is declared, and what is in bits already is divided by ln 2 once more.", Source: "plausible",
		make: values(func(v float64, _, _ []float64) float64 { return v / math.Ln2 / math.Ln2 }, declares(`{"complete":true,"base":"2"}`))},
	{Name: "base-ignored", Killer: "DEF-4", Fault: "The option base is taken and not used.", Source: "plausible",
		make: questions(func(r spec.Request) spec.Request { r.Options.Base = ""; return r })},
	{Name: "base-multiplied", Killer: "DEF-4", Fault: "Where a base is asked for, the value is multiplied by its logarithm and not divided.", Source: "plausible",
		make: results(func(r spec.Request, x []float64) []float64 {
			if b, err := r.Options.Base.Value(); err == nil {
				for i := range x {
					x[i] *= math.Log(b) * math.Log(b)
				}
			}
			return x
		})},
	{Name: "symmetrised", Killer: "LAW-22", Fault: "It gives ½ KL(P‖Q) + ½ KL(Q‖P).", Source: "common: Jeffreys's divergence is called the KL distance",
		make: vectors(func(p, q []float64) (float64, error) {
			v, err := exactly(p, q)
			w, _ := exactly(q, p)
			return v/2 + w/2, err
		})},
	{Name: "normalised", Killer: "DEF-3", Fault: "Both vectors are divided by their totals.", Source: "scipy/scipy#12553 (stats.entropy)",
		make: under(`{"normalises":"both"}`)},
	{Name: "p-normalised", Killer: "DEF-3", Fault: "P is divided by its total, Q is not.", Source: "plausible: teachers are normalised, students come from a log_softmax",
		make: under(`{"normalises":"p"}`)},
	{Name: "softmaxed", Killer: "DEF-1", Fault: "Weights go through a softmax, as if they were logits.", Source: "common with torch.distributions.Categorical(logits=probs)",
		make: inputs(func(p, q []float64) ([]float64, []float64) { return softmax(p), softmax(q) })},
	{Name: "weights-as-logarithms", Killer: "DEF-1", Fault: "Q is taken for log-probabilities: Σ p (ln p − q).", Source: "pytorch/pytorch#51716, #5282",
		make: terms(func(p, q float64) float64 { return p * (ln(p) - q) })},
	{Name: "generalised", Killer: "DEF-11", Fault: "Σ (q − p) is added.", Source: "scipy/scipy#6521 (special.kl_div)",
		make: under(`{"generalised":true}`)},
	{Name: "generalised-wrong-sign", Killer: "DEF-1", Fault: "The generalised divergence is declared, and Σ (p − q) is added in the place of Σ (q − p).", Source: "plausible",
		make: values(func(v float64, p, q []float64) float64 {
			for i := range p {
				v += p[i] - q[i]
			}
			return v
		}, declares(`{"complete":true,"generalised":true}`))},
	{Name: "cross-entropy", Killer: "DEF-1", Fault: "It gives −Σ p ln q.", Source: "common: a distillation loss leaves out the teacher's entropy, which has no gradient",
		make: answers(func(r spec.Request) spec.Answer {
			if r.Op == "kl" || r.Op == "kl_rows" {
				r.Op = "cross_entropy" + r.Op[2:]
			}
			return oracle(r)
		})},
	{Name: "absolute-terms", Killer: "DEF-1", Fault: "It adds |p ln(p/q)|.", Source: "plausible: against negative terms, pytorch/pytorch#32520",
		make: terms(func(p, q float64) float64 { return math.Abs(p * (ln(p) - ln(q))) })},
	{Name: "absolute-value", Killer: "VAL-19", Fault: "It gives |K|.", Source: "plausible: against negative values, ikawrakow/ik_llama.cpp PR #325",
		make: values(func(v float64, _, _ []float64) float64 { return math.Abs(v) })},
	{Name: "clamped-at-zero", Killer: "VAL-19", Fault: "A negative value becomes 0.", Source: "common: clamp(min=0) after the sum, scikit-learn's mutual_info_score (#13847)",
		make: values(func(v float64, _, _ []float64) float64 {
			if v < 0 {
				return 0
			}
			return v
		})},
	{Name: "squared-difference", Killer: "DEF-1", Fault: "It gives the second-order term Σ (p − q)²/2q.", Source: "plausible: the estimator k2 in the place of the divergence",
		make: terms2(func(p, q float64) float64 { return (p - q) * (p - q) / (2 * q) })},
	{Name: "float32-result", Killer: "DEF-9", Fault: "float64 vectors give a float32.", Source: "keras.losses.KLDivergence, which casts to floatx",
		make: answers(func(r spec.Request) spec.Answer {
			r.Options.ResultDType = spec.F32
			return oracle(r)
		})},
	{Name: "float32-rounding", Killer: "ACC-1", Fault: "The result is rounded to float32 and given as a float64.", Source: "tfjs, OpenCV's compareHist",
		make: values(func(v float64, _, _ []float64) float64 { return float64(float32(v)) })},
	{Name: "bfloat16-result", Killer: "DEF-9", Fault: "bfloat16 vectors give a bfloat16.", Source: "torch.nn.functional.kl_div",
		make: answers(func(r spec.Request) spec.Answer {
			r.Options.ResultDType = spec.BF16
			return oracle(r)
		}, in(spec.BF16))},
	{Name: "js-midpoint-rounded", Killer: "DEF-7", Fault: "The midpoint of the Jensen-Shannon divergence is rounded, to 0 next to the least subnormal.", Source: "scipy/scipy#19436",
		make: answers(func(r spec.Request) spec.Answer {
			if r.Op != "js" || !plainOptions(r.Options) || r.Arrays[0].Len() != r.Arrays[1].Len() {
				return oracle(r)
			}
			p, q := r.Arrays[0].Floats(), r.Arrays[1].Floats()
			m := make([]float64, len(p))
			for i := range m {
				m[i] = (p[i] + q[i]) / 2
			}
			v, _ := exactly(p, m)
			w, _ := exactly(q, m)
			return scalar(spec.F64, v/2+w/2)
		})},
	{Name: "js-not-halved", Killer: "DEF-7", Fault: "The Jensen-Shannon divergence lacks its factor ½.", Source: "ashvardanian/NumKong#207",
		make: results(func(r spec.Request, x []float64) []float64 {
			if r.Op == "js" {
				return times(x, 2)
			}
			return x
		})},
	{Name: "js-root", Killer: "LAW-18", Fault: "It gives the Jensen-Shannon distance, the square root of the divergence.", Source: "scipy.spatial.distance.jensenshannon, taken for the divergence",
		make: results(func(r spec.Request, x []float64) []float64 {
			if r.Op == "js" {
				for i := range x {
					x[i] = math.Sqrt(math.Max(x[i], 0))
				}
			}
			return x
		})},
	{Name: "entropy-normalised", Killer: "DEF-5", Fault: "The entropy is that of P divided by its total.", Source: "scipy.stats.entropy",
		make: answers(func(r spec.Request) spec.Answer {
			if r.Op == "entropy" {
				return Oracle(*parse(`{"normalises":"both"}`))(nil, r)
			}
			return oracle(r)
		})},
	{Name: "entropy-negated", Killer: "DEF-5", Fault: "The entropy is Σ p ln p.", Source: "plausible: one sign for entropy and divergence",
		make: results(func(r spec.Request, x []float64) []float64 {
			if q, _, _, _ := r.Op.Split(); q == spec.Entropy {
				return times(x, -1)
			}
			return x
		})},
	{Name: "cross-entropy-swapped", Killer: "LAW-21", Fault: "The cross-entropy is −Σ q ln p.", Source: "plausible: Keras has (y_true, y_pred), PyTorch (input, target)",
		make: questions(func(r spec.Request) spec.Request {
			if r.Op == "cross_entropy" {
				r.Arrays[0].Data, r.Arrays[1].Data = r.Arrays[1].Data, r.Arrays[0].Data
				r.Arrays[0].Shape, r.Arrays[1].Shape = r.Arrays[1].Shape, r.Arrays[0].Shape
			}
			return r
		})},
	{Name: "cross-entropy-clipped", Killer: "DEF-6", Fault: "The cross-entropy clips Q at 1e-7.", Source: "keras.losses.categorical_crossentropy",
		make: questions(func(r spec.Request) spec.Request {
			if r.Op == "cross_entropy" {
				r.Arrays[1] = mapped(r.Arrays[1], func(x float64) float64 {
					if x < 1e-7 {
						return 1e-7
					}
					return x
				})
			}
			return r
		})},
	{Name: "float16-as-bfloat16", Killer: "LLM-10", Fault: "float16 bits are read as bfloat16.", Source: "plausible: both have 16 bits and many languages have neither",
		make: questions(func(r spec.Request) spec.Request {
			for i := range r.Arrays {
				if r.Arrays[i].DType == spec.F16 {
					r.Arrays[i].DType = spec.BF16
				}
			}
			return r
		}, in(spec.F16), offers("kl", "kl_logits"))},
}

// under is kl and kl_rows under a convention that is not declared.
func under(convention string, options ...option) maker {
	right := Oracle(*parse(convention))
	return answers(func(r spec.Request) spec.Answer {
		if q, _, _, _ := r.Op.Split(); q == spec.KL {
			return right(nil, r)
		}
		return oracle(r)
	}, options...)
}

// terms2 is terms over all pairs with q > 0.
func terms2(term func(p, q float64) float64, options ...option) maker {
	return vectors(func(p, q []float64) (float64, error) {
		if v, err, done := special(p, q); done {
			return v, err
		}
		s := 0.0
		for i := range p {
			if q[i] > 0 {
				s += term(p[i], q[i])
			}
		}
		return s, nil
	}, options...)
}

func times(x []float64, f float64) []float64 {
	for i := range x {
		x[i] *= f
	}
	return x
}

// mapped returns a changed array.
func mapped(a spec.Array, f func(float64) float64) spec.Array {
	a = a.Clone()
	for i := range a.Len() {
		a.SetBits(i, judge.Bits(a.DType, f(a.Float(i))))
	}
	return a
}

func softmax(x []float64) []float64 {
	if len(x) == 0 {
		return x
	}
	y, s, top := make([]float64, len(x)), 0.0, slices.Max(x)
	for i, v := range x {
		y[i] = math.Exp(v - top)
		s += y[i]
	}
	for i := range y {
		y[i] /= s
	}
	return y
}
