package main

import "klconf/golden"

// notes says what the flags mean. Victims with a version were run; of the
// others a report is linked or the source says so.
var notes = map[string]golden.Note{
	"accumulation": {
		BugType: "errors add up over a long row",
		Effect:  "a sum in the format of the inputs, or in one running total, loses digits that grow with the length of the vocabulary",
		Victims: []string{"SimSIMD 6.5.16 (3.8e4 ulp of float32 at 50000)", "NumKong 7.8.7 (−4.8 % of float32 at 128256)"},
	},
	"all-masked": {
		BugType: "a row of logits without a distribution",
		Effect:  "every logit is −Inf: 0/0 is answered as a number, or as +Inf because of Q",
	},
	"all-zero": {
		BugType: "a vector of zeros is normalised",
		Effect:  "0/0: NaN or an error where the sum of nothing is asked for",
		Victims: []string{"SciPy 1.17.1 stats.entropy", "TensorFlow Probability 0.25.0", "torchmetrics 1.9.0", "distrax 0.1.9"},
	},
	"cancellation": {
		BugType: "digits are lost where P is near Q",
		Effect:  "ln(p/q) from a rounded ratio, or ln p − ln q, is wrong in its leading digits; sums of such terms are noise",
		Victims: []string{"gonum 0.17.0 (5.5e-4 of the value)", "CMSIS-DSP 1.10.3 (9e-3)", "ndarray-stats 0.7.0 (9e-3)", "SciPy rel_entr before #20816", "scipy.special.rel_entr on PyTorch arrays"},
		Links:   []string{"scipy/scipy#20710", "scipy/scipy#20816"},
	},
	"clamped-result": {
		BugType: "the result is clamped at 0",
		Effect:  "a value that is truly negative, of measures or of pmfs as rounded, is answered as 0 and the error is hidden",
		Victims: []string{"scikit-learn 1.9.1 mutual_info_score"},
		Links:   []string{"keras-team/keras#13747", "keras-team/keras#9754", "scikit-learn/scikit-learn#13847"},
	},
	"convention-kept": {
		BugType: "what was declared is not what is done",
		Effect:  "under its own convention the implementation answers another number, at a threshold, at zeros or for totals other than 1",
	},
	"element-lost": {
		BugType: "a loop for blocks loses or repeats elements",
		Effect:  "the remainder after blocks of 4, 8 or 16 is dropped, counted twice, or read from beyond the end",
	},
	"empty-input": {
		BugType: "nothing is divided by, or refused",
		Effect:  "an empty sum is +0; the mean of no element is NaN",
		Victims: []string{"Smile 3.1.1 (+Inf)", "ndarray-stats 0.7.0 (refused)", "flexmix 2.3 (NA)", "mathjs 15.2.0 (error)"},
		Links:   []string{"pytorch/pytorch#51910"},
	},
	"epsilon-added": {
		BugType: "an ε is added inside the logarithm",
		Effect:  "small weights stop counting, and the error grows with the length",
		Victims: []string{"NumKong 7.8.6", "SimSIMD 6.5.16", "POT 0.9.7"},
	},
	"estimator-cancellation": {
		BugType: "k3 is written as exp(d) − 1 − d",
		Effect:  "small d cancel: in float32 the estimate is noise, and negative in 1 of 100 samples where it cannot be",
		Victims: []string{"google/tunix (−5.96e-8 for 5e-13)"},
		Links:   []string{"google/tunix#2315"},
	},
	"estimator-overflow": {
		BugType: "the ratio of a sample is not bounded",
		Effect:  "a log-ratio of 100 gives +Inf, or a finite loss with a NaN derivative",
		Victims: []string{"huggingface/trl", "OpenRLHF/OpenRLHF"},
		Links:   []string{"huggingface/trl#3015", "OpenRLHF/OpenRLHF#525"},
	},
	"estimator-sign": {
		BugType: "d is turned over, or the wrong one of three estimators is used",
		Effect:  "k1 has the wrong sign, and k3 estimates the reverse divergence",
		Links:   []string{"huggingface/trl#3015", "OpenRLHF/OpenRLHF#525"},
	},
	"exact-zero": {
		BugType: "a value of exactly 0 is not recognised",
		Effect:  "a rounding error is left where 0 is right, or a loop that adds precision until the sign is known does not end",
	},
	"generalised": {
		BugType: "the terms −p + q are added",
		Effect:  "another divergence, which agrees only where the totals agree",
		Victims: []string{"SciPy 1.17.1 special.kl_div", "JAX 0.10.2 scipy.special.kl_div", "optax 0.2.8 generalized_kl_divergence", "scikit-learn 1.9.1 NMF"},
		Links:   []string{"scipy/scipy#6521", "jax-ml/jax#21192"},
	},
	"gradient-nan": {
		BugType: "the value is right and its derivative is NaN",
		Effect:  "0·∞ in the backward pass, at p = 0, at a mask, or where a softmax saturates; training stops at the first one",
		Victims: []string{"PyTorch 2.15.0 F.kl_div at p = q = 0"},
		Links:   []string{"pytorch/pytorch#89558", "pytorch/pytorch#80770", "pytorch/pytorch#15288", "google-deepmind/optax#1786"},
	},
	"halved": {
		BugType: "a factor of ½",
		Effect:  "half the divergence is answered",
		Victims: []string{"cuML"},
	},
	"hard-to-round": {
		BugType: "the last bit is decided without enough digits",
		Effect:  "the value lies so close to a number of the format, or to the middle of two, that a rounding decided from twice the precision is a guess",
	},
	"infinite-logit": {
		BugType: "+Inf among the logits gives a number",
		Effect:  "∞ − ∞ is swallowed by a clamp or a maximum, and overflow upstream turns into a plausible result",
	},
	"infinity-answered": {
		BugType: "infinite weights give a number",
		Effect:  "overflow upstream turns into a plausible result",
		Victims: []string{"Keras 3.15.1 (clipped to 1)", "POT 0.9.7 (−18.4)", "NumKong 7.8.7 serial and Haswell kernels (−354.5)", "FLANN 1.9.2 (0)", "tfjs 4.22.0"},
	},
	"js-scale": {
		BugType: "another Jensen-Shannon",
		Effect:  "the square root of the divergence, or the sum without ½, or 0 for disjoint supports",
		Victims: []string{"NumKong 7.8.6", "SimSIMD 6.5.16"},
		Links:   []string{"ashvardanian/NumKong#207", "ashvardanian/NumKong#233"},
	},
	"js-weight": {
		BugType: "the weight of a Jensen-Shannon divergence is ignored or turned over",
		Effect:  "½ is used, or the weight is put on Q, or the mixture and the sum have different ones",
	},
	"length-mismatch": {
		BugType: "arrays of different shapes are computed with",
		Effect:  "cut to the shorter one, stretched, repeated, or read beyond the end",
		Victims: []string{"CMSIS-DSP 1.10.3 (reads beyond the end)", "ruvector-math 2.3.0", "ml-distance 1.0.1 (Rust)", "dictances 1.5.3", "dit 2.3",
			"flexmix 2.3 (repeats)", "SciPy 1.17.1, PyTorch 2.15.0, JAX 0.10.2, Keras 3.15.1 (stretch one element)"},
		Links: []string{"pytorch/pytorch#138810", "pytorch/pytorch#78867"},
	},
	"log1p-difference": {
		BugType: "ln(p/q) as log1p((p − q)/q) everywhere",
		Effect:  "for p far below q the argument is −1 and the answer −Inf, or all digits are gone",
	},
	"logarithm-expected": {
		BugType: "probabilities are taken for logarithms",
		Effect:  "a function that wants log Q is given Q and answers a number of the right size",
		Victims: []string{"callers of torch.nn.functional.kl_div"},
		Links:   []string{"pytorch/pytorch#51716", "pytorch/pytorch#5282"},
	},
	"mask-as-zero": {
		BugType: "what is masked is not removed",
		Effect:  "a masked element still counts in a total, in a divisor or in a check for NaN",
		Victims: []string{"optax before #1786"},
		Links:   []string{"google-deepmind/optax#1786"},
	},
	"masked-nan": {
		BugType: "−Inf meets a weight of 0",
		Effect:  "0·(−∞ − x) is NaN where probability 0 contributes nothing",
		Victims: []string{"PyTorch 2.15.0 F.kl_div with log_target", "optax 0.2.8 kl_divergence_with_log_targets", "PyTorch before #40553"},
		Links:   []string{"pytorch/pytorch#40553", "google-deepmind/optax#1786"},
	},
	"mean-divisor": {
		BugType: "the mean divides by the wrong count",
		Effect:  "elements, rows, or the rows of the other array: a loss that is wrong by the number of classes",
		Victims: []string{"callers of torch.nn.functional.kl_div", "facebookresearch/deit", "HikariTJU/LD (17 times too small)"},
		Links:   []string{"pytorch/pytorch#2259", "pytorch/pytorch#6622", "pytorch/pytorch#14457", "pytorch/pytorch#138810", "facebookresearch/deit#61", "HikariTJU/LD#74"},
	},
	"nan-behind-zero": {
		BugType: "a NaN in Q is skipped where p = 0",
		Effect:  "a broken model looks sound wherever the data has zeros",
		Victims: []string{"gonum 0.17.0", "Mallet 2.0.8", "Smile 3.1.1", "S-Space 2.0.4", "ELKI 0.8.0", "FLANN 1.9.2", "OpenCV 4.6.0", "ndarray-stats 0.7.0", "ruvector-math 2.3.0"},
	},
	"nan-lost": {
		BugType: "a NaN is dropped or becomes a number",
		Effect:  "a result comes out of data that has none",
		Victims: []string{"Distances.jl", "ranjs 1.24.5", "ELKI 0.8.0", "FLANN 1.9.2", "dit 2.3", "scikit-learn 1.9.1 NMF", "NumKong 7.8.7 serial and Haswell kernels", "JAX 0.10.2 rel_entr (+Inf)"},
		Links:   []string{"JuliaStats/Distances.jl#259", "JuliaStats/Distances.jl#260"},
	},
	"narrow-result": {
		BugType: "the result is computed or returned in a narrower format",
		Effect:  "half of the digits are gone, or a value in range overflows",
		Victims: []string{"Keras 3.15.1 KLDivergence class (f32 for f64 inputs)", "pytorch-ignite 0.5.5"},
	},
	"narrow-sum": {
		BugType: "terms are added in the narrow input format",
		Effect:  "the sum stops growing once a term is below half a step of it",
	},
	"near-tie": {
		BugType: "a value next to the middle of two results is taken for the middle",
		Effect:  "the last bit is wrong; a loop that stops at a fixed precision guesses",
	},
	"negative-answered": {
		BugType: "negative weights give a number",
		Effect:  "clipped, dropped, or with signs that cancel in the ratio: a plausible result from invalid data",
		Victims: []string{"Keras 3.15.1", "SciPy 1.17.1 (+Inf)", "NumKong 7.8.6", "SimSIMD 6.5.16", "POT 0.9.7", "PyTorch 2.15.0 Categorical without validation", "scikit-learn 1.9.1 NMF", "burn-nn 0.21.0", "ranjs 1.24.5"},
		Links:   []string{"keras-team/keras#19520", "pytorch/pytorch#69230"},
	},
	"negative-js": {
		BugType: "a Jensen-Shannon divergence below 0",
		Effect:  "its square root, the distance, is NaN",
		Victims: []string{"SciPy spatial.distance.jensenshannon", "Distances.jl"},
		Links:   []string{"scipy/scipy#20083", "scipy/scipy#20779", "scipy/scipy#24664", "JuliaStats/Distances.jl#170"},
	},
	"negative-zero-input": {
		BugType: "−0 is not taken for 0",
		Effect:  "NaN or −Inf where +Inf is right, or NaN where 0 is",
		Victims: []string{"ml-distance 5.0.0", "mathjs 15.2.0", "CoreNLP 4.5.10", "LingPipe 4.1.0", "torchmetrics 1.9.0", "POT 0.9.7"},
	},
	"negative-zero-result": {
		BugType: "the result is −0",
		Effect:  "it is printed as -0.0, and 1/x has the other sign",
		Victims: []string{"ndarray-stats 0.7.0", "CMSIS-DSP 1.10.3", "dit 2.3"},
		Links:   []string{"p-e-w/heretic#141"},
	},
	"no-maximum": {
		BugType: "exponentials of logits without taking the largest out first",
		Effect:  "+Inf or NaN for large logits and 0/0 for very negative ones, though only differences count",
	},
	"normalised": {
		BugType: "the weights are normalised without being asked to be",
		Effect:  "0 for vectors that differ by a factor; another value for counts",
		Victims: []string{"SciPy 1.17.1 stats.entropy", "mathjs 15.2.0", "CoreNLP 4.5.10", "PyTorch 2.15.0 Categorical", "TensorFlow Probability 0.25.0", "R proxy 0.4-27"},
		Links:   []string{"scipy/scipy#12553", "scipy/scipy#23064", "scipy/scipy#23069"},
	},
	"order-of-checks": {
		BugType: "the first thing found decides",
		Effect:  "which of NaN, a refusal and +Inf is answered depends on the order of the elements",
	},
	"partial-overflow": {
		BugType: "a partial result overflows where the value does not",
		Effect:  "+Inf, or Inf − Inf = NaN, for a finite value",
	},
	"published-value": {
		BugType: "a worked example with a wrong number",
		Effect:  "right code is taken for wrong: 0.251 is in circulation for 0.2426",
	},
	"ratio-overflow": {
		BugType: "p/q overflows",
		Effect:  "+Inf for a value of modest size",
		Victims: []string{"SciPy 1.17.1 special.kl_div", "NumPy expressions", "POT 0.9.7", "JAX 0.10.2", "optax 0.2.8", "dictances 1.5.3"},
		Links:   []string{"scipy/scipy#20710", "scipy/scipy#20816"},
	},
	"ratio-underflow": {
		BugType: "p/q underflows",
		Effect:  "−Inf, or a term that has lost its digits",
		Victims: []string{"SciPy 1.17.1 special.kl_div (−Inf)"},
		Links:   []string{"scipy/scipy#20710", "scipy/scipy#20816"},
	},
	"renormalised": {
		BugType: "log-probabilities are normalised",
		Effect:  "weights that do not sum to 1 are divided by their total unasked",
		Victims: []string{"PyTorch 2.15.0 Categorical(logits)", "TensorFlow Probability 0.25.0 Categorical(logits)"},
	},
	"rounded-twice": {
		BugType: "the result is rounded to float64 and then again",
		Effect:  "the last bit of a narrow result is wrong",
	},
	"row-leak": {
		BugType: "one row changes another",
		Effect:  "NaN, +Inf or a refusal spreads over the batch, or a value depends on its place in it",
		Links:   []string{"scipy/scipy#3030", "scipy/scipy#3041", "pytorch/pytorch#5801"},
	},
	"rows-rounded": {
		BugType: "rows are rounded before they are reduced",
		Effect:  "a mean of rounded rows is wrong in the last bit in a third of all cases",
	},
	"self-not-zero": {
		BugType: "KL(P‖P) is not 0",
		Effect:  "identical models seem to differ",
		Victims: []string{"CMSIS-DSP 1.10.3 f32 (1.3e-8)", "SimSIMD 6.5.16 f32", "optax 0.2.8 generalized_kl_divergence (−4.5e-8)"},
		Links:   []string{"pytorch/pytorch#32520", "pytorch/pytorch#80488"},
	},
	"softmax-underflow": {
		BugType: "logarithms are taken of rounded probabilities",
		Effect:  "a probability that underflows gives +Inf, −Inf or a dropped term where the difference of two logits is known exactly",
		Victims: []string{"TensorFlow Probability 0.25.0 (+Inf below the least normal number)", "llama.cpp base files (16 bits)"},
	},
	"subnormal-flushed": {
		BugType: "subnormals are taken for 0",
		Effect:  "+Inf for a finite value, or a term that is lost; often only in whole blocks of a vector",
		Victims: []string{"JAX 0.10.2 on CPU", "TensorFlow Probability 0.25.0", "optax 0.2.8", "numpyro 0.22.0"},
	},
	"subnormal-midpoint": {
		BugType: "the midpoint of the Jensen-Shannon divergence rounds to 0",
		Effect:  "+Inf for a finite value",
		Victims: []string{"SciPy spatial.distance.jensenshannon"},
		Links:   []string{"scipy/scipy#19436"},
	},
	"swapped-arguments": {
		BugType: "KL(Q‖P) is answered",
		Effect:  "another number, or the wrong infinity; the commonest mistake with this function",
		Victims: []string{"Smile 3.1.1 (dense, sparse)", "torchmetrics", "callers of torch.nn.functional.kl_div"},
		Links:   []string{"pytorch/pytorch#57459", "Lightning-AI/torchmetrics#2369", "google-deepmind/rlax#14", "sarahwie/attention#6", "keras-team/keras#2473"},
	},
	"symmetric-cross-entropy": {
		BugType: "cross-entropy is taken to be symmetric",
		Effect:  "H(Q, P) is answered for H(P, Q)",
	},
	"tail-cut-off": {
		BugType: "logits far below the largest are cut off",
		Effect:  "the tail of the vocabulary is stored or summed with too few bits, and its share of the divergence is lost",
		Links:   []string{"ikawrakow/ik_llama.cpp#325"},
	},
	"temperature-squared": {
		BugType: "a factor T² is applied",
		Effect:  "the loss of distillation is answered in the place of the divergence",
	},
	"threshold-edge": {
		BugType: "a threshold is taken from another format, or its own value is treated as beyond it",
		Effect:  "weights next to an ε are replaced, dropped or kept against what is declared",
		Victims: []string{"Keras 3.15.1 losses.KLDivergence (1e-7 as float32 for float64 inputs)"},
	},
	"tie": {
		BugType: "a tie does not go to the even neighbour",
		Effect:  "the last bit is wrong, or a loop that adds precision until it can decide does not end",
	},
	"value-clamped": {
		BugType: "weights are clamped to [ε, 1]",
		Effect:  "small weights all count alike, counts become 1, and +Inf becomes 16.1",
		Victims: []string{"Keras 3.15.1 (1e-7)", "tfjs 4.22.0 (1e-7)", "OpenCV 4.6.0", "flexmix 2.3 (1e-4)", "PyTorch 2.15.0 Categorical (ε of the format)"},
	},
	"value-overflow": {
		BugType: "a value beyond the format is not infinite",
		Effect:  "NaN from Inf − Inf, or the largest number",
	},
	"wrong-base": {
		BugType: "the logarithm has another base",
		Effect:  "bits for nats: wrong by a factor of 1.44",
		Victims: []string{"Mallet 2.0.8", "CoreNLP 4.5.10", "LingPipe 4.1.0", "dit 2.3", "NLTK 3.10.4"},
	},
	"wrong-logarithm": {
		BugType: "an approximation of the logarithm that is not one",
		Effect:  "results of the right sign and the wrong size",
		Victims: []string{"SimSIMD 6.5.16 f64 (8.38 for 0.5108)"},
	},
	"zero-p-nan": {
		BugType: "0·ln(0/q) is computed",
		Effect:  "0·(−Inf) is NaN; one class that does not occur destroys the result",
		Victims: []string{"NumPy expressions", "ml-distance 5.0.0", "mathjs 15.2.0", "CMSIS-DSP 1.10.3", "R proxy 0.4-27", "torch.nn.functional.kl_div with log_target", "philentropy", "Distributions.jl", "causalml", "TheAlgorithms/Python"},
		Links: []string{"drostlab/philentropy#10", "JuliaStats/Distributions.jl#793", "jax-ml/jax#21192", "jax-ml/jax#21265", "uber/causalml#167", "uber/causalml#999",
			"TheAlgorithms/Python#12233", "Lightning-AI/torchmetrics#1029", "pytorch/pytorch#40553"},
	},
	"zero-q-dropped": {
		BugType: "terms with q = 0 are skipped",
		Effect:  "the worst that can happen counts as nothing, and the result may be negative",
		Victims: []string{"Smile 3.1.1 (−0.3466)", "FLANN 1.9.2 (−0.3466)"},
	},
	"zero-q-finite": {
		BugType: "p > 0 = q gives a number, NaN or an error",
		Effect:  "an event that Q excludes and that happens looks like a modest difference",
		Victims: []string{"Keras 3.15.1 (16.1)", "tfjs 4.22.0", "NumKong 7.8.6 (34.5)", "SimSIMD 6.5.16 (3.3e20)", "scikit-learn 1.9.1 NMF", "OpenCV 4.6.0", "flexmix 2.3", "logp 0.2.4 (refused)", "dictances 1.5.3 (error)"},
		Links:   []string{"comet-ml/opik#8338", "Lightning-AI/torchmetrics#1029", "NVIDIA/raft#716", "NVIDIA/raft#724"},
	},
	"zero-zero-nan": {
		BugType: "0·ln(0/0) is computed",
		Effect:  "NaN, +Inf or an error where nothing is there to compare",
		Victims: []string{"NumPy expressions", "torch.nn.functional.kl_div", "optax 0.2.8", "POT 0.9.7", "CMSIS-DSP 1.10.3", "mathjs 15.2.0", "ml-distance 5.0.0", "burn-nn 0.21.0", "S-Space 2.0.4 (refused)", "ELKI 0.8.0 (+Inf)"},
		Links:   []string{"NVIDIA/raft#716", "NVIDIA/raft#724", "Lightning-AI/torchmetrics#1029"},
	},
}
