package spec

import (
	"context"
	"slices"
	"strings"
)

// A Quantity is what a question asks for.
type Quantity string

// The quantities, with P = (p_i) the first array and Q = (q_i) the second.
const (
	KL           Quantity = "kl"            // Σ p ln(p/q)
	Entropy      Quantity = "entropy"       // −Σ p ln p, one array
	CrossEntropy Quantity = "cross_entropy" // −Σ p ln q
	JS           Quantity = "js"            // ½ KL(P‖M) + ½ KL(Q‖M), M = (P + Q)/2 exactly
	KLEstimate   Quantity = "kl_estimate"   // per-sample estimators from log-probabilities
)

// Quantities lists every quantity.
var Quantities = []Quantity{KL, Entropy, CrossEntropy, JS, KLEstimate}

// Arity returns the number of arrays the quantity is a function of.
func (q Quantity) Arity() int {
	if q == Entropy {
		return 1
	}
	return 2
}

// An Op names what an adapter is asked to do: a quantity with optional
// suffixes, QUANTITY[_logits|_logprobs][_rows], or one of the verbs below.
type Op string

// The verbs of the protocol beside the quantities.
const (
	OpHello Op = "hello"
	OpLoad  Op = "load"
	OpDrop  Op = "drop"
	OpEcho  Op = "echo"
	OpBench Op = "bench"
	OpBye   Op = "bye"
)

// A Domain says what the numbers of the arrays are.
type Domain string

// The domains of a question's arrays.
const (
	Probs    Domain = "probs"    // weights ≥ 0
	Logits   Domain = "logits"   // softmax of each row is the pmf
	LogProbs Domain = "logprobs" // logarithms of weights
)

// Split returns the parts of a question's name. ok is false for a verb or an
// unknown name.
func (op Op) Split() (q Quantity, d Domain, rows, ok bool) {
	s := string(op)
	s, rows = strings.CutSuffix(s, "_rows")
	d = Probs
	if t, found := strings.CutSuffix(s, "_logits"); found {
		s, d = t, Logits
	} else if t, found := strings.CutSuffix(s, "_logprobs"); found {
		s, d = t, LogProbs
	}
	for _, known := range Quantities {
		if s == string(known) {
			return known, d, rows, true
		}
	}
	return "", "", false, false
}

// Options are the optional parts of a question. Real-valued options are
// hexadecimal float strings, exact as written.
type Options struct {
	Reduction   string `json:"reduction,omitempty"` // sum | mean | batchmean
	Base        Real   `json:"base,omitempty"`
	Temperature Real   `json:"temperature,omitempty"`
	Beta        Real   `json:"beta,omitempty"`
	Estimator   string `json:"estimator,omitempty"` // k1 | k2 | k3
	Grad        string `json:"grad,omitempty"`      // p | q
	ResultDType DType  `json:"result_dtype,omitempty"`
	// Unknown names the options of the wire that this version does not know;
	// a question with any of them is answered unsupported.
	Unknown []string `json:"-"`
}

// A Request is one question: an operation, its arrays as raw bits, and
// options. It never contains a decimal number.
type Request struct {
	Op      Op
	Arrays  []Array  // P, then Q, then an optional u8 mask
	Keys    []string // names of loaded buffers, in place of Arrays
	Options Options

	Key   string // load, drop, echo
	Of    Op     // bench
	Iters int    // bench
}

// An AnswerStatus says what became of a question.
type AnswerStatus string

// What an implementation may say itself.
const (
	OK          AnswerStatus = "ok"
	Rejected    AnswerStatus = "rejected"    // a deliberate refusal
	Unsupported AnswerStatus = "unsupported" // not offered
	Errored     AnswerStatus = "error"       // a caught surprise
)

// What the runner says in its place.
const (
	Crashed       AnswerStatus = "crash"          // the process died or the call panicked
	TimedOut      AnswerStatus = "timeout"        // no answer in time
	ProtocolError AnswerStatus = "protocol-error" // an answer that is not of the protocol
	NotRun        AnswerStatus = "not-run"        // the question could not be put
)

// The kinds of a deliberate refusal.
const (
	KindDomain = "domain" // a value outside the domain
	KindLength = "length" // mismatched shapes
	KindDType  = "dtype"  // a format that is not offered
)

// An Answer is what became of a Request.
type Answer struct {
	Status  AnswerStatus
	Arrays  []Array
	Kind    string // of a rejection
	Message string

	// Of bench: nanoseconds for Iters iterations and, where it is known, what they
	// allocated.
	NS     int64
	Iters  int
	Allocs *Allocs
}

// Allocs is what a loop allocated from a garbage-collected heap.
type Allocs struct {
	Count int64 `json:"count"`
	Bytes int64 `json:"bytes"`
}

// Result returns the answer's single array when the status is ok.
func (a Answer) Result() (Array, bool) {
	if a.Status == OK && len(a.Arrays) == 1 {
		return a.Arrays[0], true
	}
	return Array{}, false
}

// A Description is what an implementation says about itself.
type Description struct {
	Name          string            `json:"name"`
	Version       string            `json:"version"`
	Language      string            `json:"language,omitempty"`
	Homepage      string            `json:"homepage,omitempty"`
	Ops           []Op              `json:"ops,omitempty"`
	DTypes        []DType           `json:"dtypes,omitempty"`
	Convention    *Convention       `json:"convention,omitempty"`
	Accuracy      Level             `json:"accuracy,omitempty"`
	Encodings     []string          `json:"encodings,omitempty"`
	Deterministic *bool             `json:"deterministic,omitempty"`
	MaxInflight   int               `json:"max_inflight,omitempty"`
	Packages      map[string]string `json:"packages,omitempty"`
}

// Offers reports whether the description lists the operation and the format.
// An empty list offers kl, respectively f64.
func (d Description) Offers(op Op, t DType) bool {
	ops, types := d.Ops, d.DTypes
	if len(ops) == 0 {
		ops = []Op{"kl"}
	}
	if len(types) == 0 {
		types = []DType{F64}
	}
	return slices.Contains(ops, op) && (t == "" || slices.Contains(types, t))
}

// An Implementation answers questions, in process or through a pipe. Answer
// must return when ctx is done and must not keep or modify the request's
// arrays.
type Implementation interface {
	Describe() Description
	Answer(ctx context.Context, r Request) Answer
}

// A Preparer is an Implementation in which the work of a question can be told apart from
// reading it, as a caller does who holds the vectors. That is what bench times.
type Preparer interface {
	Implementation
	// Prepare returns the call that answers r with one number in float64 or float32, to be
	// repeated; ok is false where only Answer can. The number is that of Answer, bit for bit.
	Prepare(r Request) (call func() float64, ok bool)
}

// A Level is a grade of accuracy; a higher one implies the lower ones.
type Level string

// The accuracy levels, from README.md section "Accuracy".
const (
	L0 Level = "L0" // special values and signs right
	L1 Level = "L1" // backward stable
	L2 Level = "L2" // forward in mass
	L3 Level = "L3" // φ level
	L4 Level = "L4" // faithful: RD or RU
	L5 Level = "L5" // correctly rounded
)

// Levels lists the levels in rising order.
var Levels = []Level{L0, L1, L2, L3, L4, L5}

// Rank returns 0 … 5, or -1 for an unknown or absent level.
func (l Level) Rank() int {
	for i, k := range Levels {
		if l == k {
			return i
		}
	}
	return -1
}
