package mutant

import "math"

// Faults in what is done to the inputs, without saying so or other than said.
var ofSteps = []Fault{
	{Name: "eps-1e-7-added", Killer: "DEF-10", Fault: "1e-7 is added to both inside the logarithm.", Source: "SimSIMD and NumKong in float32",
		make: under(`{"epsilon":{"kind":"add_both","value":"0x1.ad7f29abcaf48p-24"}}`)},
	{Name: "eps-1e-15-added", Killer: "DEF-10", Fault: "1e-15 is added to both inside the logarithm.", Source: "NumKong in float64",
		make: under(`{"epsilon":{"kind":"add_both","value":"0x1.203af9ee75616p-50"}}`)},
	{Name: "eps-1e-10-added-to-q", Killer: "DEF-10", Fault: "1e-10 is added to Q.", Source: "linkedin/Liger-Kernel",
		make: under(`{"steps":[{"do":"add","of":"q","in":"both","value":"0x1.b7cdfd9d7bdbbp-34"}]}`)},
	{Name: "eps-added-to-ratio", Killer: "DEF-10", Fault: "1e-16 is added to the ratio.", Source: "common: ln(p/q + eps)",
		make: under(`{"steps":[{"do":"add_ratio","value":"0x1.cd2b297d889bcp-54"}]}`)},
	{Name: "clipped-1e-7", Killer: "DEF-10", Fault: "Both are clipped to [1e-7, 1].", Source: "keras.losses.kl_divergence, keras-team/keras#19520",
		make: under(`{"epsilon":{"kind":"clip_both","value":"0x1.ad7f29abcaf48p-24"}}`)},
	{Name: "clipped-log-1e-9", Killer: "DEF-10", Fault: "Both are clipped to [1e-9, 1] inside the logarithm.", Source: "plausible: the gradient stays, only the logarithm is protected",
		make: under(`{"epsilon":{"kind":"clip_log","value":"0x1.12e0be826d695p-30"}}`)},
	{Name: "q-floored-1e-12", Killer: "DEF-10", Fault: "Q is floored at 1e-12.", Source: "common: q.clamp_min(1e-12)",
		make: under(`{"steps":[{"do":"clamp","of":"q","in":"both","lo":"0x1.19799812dea11p-40"}]}`)},
	{Name: "zero-q-replaced", Killer: "VAL-2", Fault: "q = 0 becomes 1e-10.", Source: "OpenCV's compareHist (HISTCMP_KL_DIV)",
		make: under(`{"epsilon":{"kind":"replace_q0","value":"0x1.b7cdfd9d7bdbbp-34"}}`)},
	{Name: "small-p-dropped", Killer: "DEF-10", Fault: "Terms with p ≤ 1e-10 are left out.", Source: "plausible: masks of probabilities that do not matter",
		make: under(`{"steps":[{"do":"drop_term","where":"p","at_or_below":"0x1.b7cdfd9d7bdbbp-34"}]}`)},
	{Name: "clamped-at-epsilon", Killer: "DEF-10", Fault: "Both are clamped to [2^-52, 1 − 2^-52].", Source: "torch.distributions.utils.clamp_probs",
		make: under(`{"steps":[{"do":"clamp","of":"both","in":"both","lo":"0x1p-52","hi":"0x1.ffffffffffffep-1"}]}`)},
	{Name: "capped-at-one", Killer: "DEF-10", Fault: "Weights above 1 become 1.", Source: "Keras: counts are destroyed",
		make: pairs(func(p, q float64) (float64, float64) { return cap1(p), cap1(q) })},
	{Name: "floor-above-its-threshold", Killer: "DEF-10", Fault: "q below 1e-3 becomes 0.01, so that a smaller q gives a smaller divergence.", Source: "plausible: a threshold and the value it is replaced by are two constants",
		make: pairs(func(p, q float64) (float64, float64) {
			if q >= 0 && q < 1e-3 {
				return p, 0.01
			}
			return p, q
		})},
	{Name: "eps-other-than-declared", Killer: "DEF-10", Fault: "Clipping at 1e-8 is declared and 1e-7 is used.", Source: "plausible: a default was changed and the documentation was not",
		make: under(`{"epsilon":{"kind":"clip_both","value":"0x1.ad7f29abcaf48p-24"}}`, declares(`{"complete":true,"epsilon":{"kind":"clip_both","value":"0x1.5798ee2308c3ap-27"}}`))},
	{Name: "cap-not-declared", Killer: "DEF-10", Fault: "A floor at 1e-7 is declared, and the weights are capped at 1 besides.", Source: "Keras: K.clip(x, epsilon, 1)",
		make: under(`{"epsilon":{"kind":"clip_both","value":"0x1.ad7f29abcaf48p-24"}}`,
			declares(`{"complete":true,"steps":[{"do":"clamp","of":"both","in":"both","lo":"0x1.ad7f29abcaf48p-24"}]}`))},
	{Name: "rescaled-after-clipping", Killer: "DEF-10", Fault: "A floor at 1e-4 is declared, and the vectors are normalised afterwards.", Source: "R's flexmix::KLdiv",
		make: under(`{"steps":[{"do":"clamp","of":"both","in":"both","lo":"0x1.a36e2eb1c432dp-14"},{"do":"normalise","of":"both"}]}`,
			declares(`{"complete":true,"steps":[{"do":"clamp","of":"both","in":"both","lo":"0x1.a36e2eb1c432dp-14"}]}`))},
	{Name: "rescaled-after-dropping", Killer: "VAL-2", Fault: "Pairs with q = 0 are removed and P is divided by what is left of it.", Source: "common: masked = p[q > 0]; masked / masked.sum()",
		make: inputs(func(p, q []float64) ([]float64, []float64) {
			if v, err, done := special(p, q); !done || err != nil || v != v {
				return p, q
			}
			kept, all := 0.0, 0.0
			for i := range p {
				all += p[i]
				if q[i] > 0 {
					kept += p[i]
				}
			}
			for i := range p {
				if q[i] == 0 {
					p[i] = 0
				} else if kept > 0 {
					p[i] *= all / kept
				}
			}
			return p, q
		})},
	{Name: "rescaled-by-maximum", Killer: "DEF-1", Fault: "Both vectors are divided by their largest weights.", Source: "plausible: histograms are scaled to 1 before they are compared",
		make: inputs(func(p, q []float64) ([]float64, []float64) {
			for _, x := range [][]float64{p, q} {
				top := 0.0
				for _, v := range x {
					top = max(top, v)
				}
				if top > 0 && !math.IsInf(top, 0) {
					for i := range x {
						x[i] /= top
					}
				}
			}
			return p, q
		})},
	{Name: "smoothed-zero-q", Killer: "VAL-2", Fault: "Where Q has a zero, Q is mixed with 1 % of the uniform distribution.", Source: "common: Laplace smoothing for language models, comet-ml/opik PR #8338",
		make: inputs(func(p, q []float64) ([]float64, []float64) {
			for i := range q {
				if q[i] == 0 {
					for j := range q {
						q[j] = 0.99*q[j] + 0.01/float64(len(q))
					}
					break
				}
			}
			return p, q
		})},
}

func cap1(x float64) float64 {
	if x > 1 && !math.IsInf(x, 0) {
		return 1
	}
	return x
}
