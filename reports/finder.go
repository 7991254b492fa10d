package reports

import (
	"cmp"
	"slices"
	"strings"

	"klconf/spec"
)

// A call is one line of the finder: which function gives KL(P‖Q) in nats?
type call struct {
	Tool, Title, Name, Version string
	Anchor                     string // of its section
	Arguments                  string // how P and Q are passed, where it is not simply (P, Q)
	PMF, Measure               mark
	Why, WhyMeasure            []string // what is different
	Level                      string
	Typical                    string // error in ulp
}

// The answers of the finder.
var (
	answerYes     = mark{"✓", "yes", "good"}
	answerNo      = mark{"✗", "no", "bad"}
	answerBut     = mark{"≈", "yes, but", "known"}
	answerUnknown = mark{"–", "not known", "none"}
)

// A convention can make another quantity of the divergence on all pmfs, or
// leave it as it is but for the edges: zeros and subnormals. Steps other than
// normalising make another quantity too.
var (
	quantityFields = []string{"base", "scale"}
	edgeFields     = []string{"zero_q", "zero_zero", "zero_p", "subnormal"}
)

// finder returns the calls by tool, those that give the definition's value
// first. The tools stand in the order of the reports.
func finder(reports []spec.Report) [][]call {
	var tools [][]call
	for _, r := range reports {
		c := callOf(r)
		i := slices.IndexFunc(tools, func(t []call) bool { return t[0].Tool == c.Tool })
		if i < 0 {
			tools, i = append(tools, nil), len(tools)
		}
		tools[i] = append(tools[i], c)
	}
	rank := func(m mark) int {
		return slices.Index([]mark{answerYes, answerBut, answerNo, answerUnknown}, m)
	}
	for _, t := range tools {
		slices.SortStableFunc(t, func(a, b call) int {
			return cmp.Or(cmp.Compare(rank(a.PMF), rank(b.PMF)), cmp.Compare(rank(a.Measure), rank(b.Measure)))
		})
	}
	return tools
}

func callOf(r spec.Report) call {
	s := r.Implementation
	c := call{Tool: plain(toolOf(r)), Title: plain(titleOf(r)), Name: plain(s.ID), Anchor: anchor(s.ID), Version: plain(s.Version), Arguments: arguments(s.Convention),
		Level: orNone(string(r.Level)), Typical: none}
	if x, _, ok := errorsOf(r); ok {
		c.Typical = digits(x)
	}
	if !offersKL(s.Description) || !asked(r) || r.Verdict == spec.Incomplete {
		c.PMF, c.Measure = answerUnknown, answerUnknown
		c.Why = []string{"KL(P‖Q) is not offered"}
		if offersKL(s.Description) {
			c.Why = []string{cmp.Or(plain(r.Incomplete), "nothing was asked")}
		}
		return c
	}
	conv := spec.Convention{}
	if s.Convention != nil {
		conv = *s.Convention
	}
	departures := func(fields ...string) (list []string) {
		for _, f := range fields {
			if d := conv.Departure(f); d != "" {
				list = append(list, d)
			}
		}
		return list
	}
	normalises, others := splitSteps(conv.Steps)
	other := departures(quantityFields...)
	if d := spec.StepsInWords(others); d != "" {
		other = append(other, d)
	}
	if x, ok := resultOf(r, "detect/direction"); ok && (x.Status.Red() || x.Status == spec.KnownFail) {
		other = append([]string{"it gives KL(Q‖P)"}, other...)
	}
	var rows []string
	switch d := departures("reduction"); conv.Reduction {
	case "mean": // of one vector too
		other = append(other, d...)
	default:
		rows = d
	}
	edges := departures(edgeFields...)
	total := departures("generalised")
	if d := spec.StepsInWords(normalises); d != "" {
		total = append(total, d)
	}
	if t := conv.RequiresNormalised; t != nil && t.Required {
		total = append(total, "weights that do not sum to 1 are refused")
	}
	switch {
	case r.Agrees.PMF && !r.Agrees.PMFAsked && len(other) == 0:
		c.PMF = answerUnknown
	case r.Agrees.PMF && len(other) == 0:
		c.PMF = answerYes
	case len(other) > 0:
		c.PMF = answerNo
	default:
		c.PMF = answerBut
		if len(edges) == 0 {
			edges = append(edges, firstOther(r, r.Agrees.PMFBy, total))
		}
	}
	c.Why = slices.Concat(other, edges, rows, departures("result_dtype"))
	switch {
	case r.Agrees.Measure && !r.Agrees.MeasureAsked:
		c.Measure = answerUnknown
	case r.Agrees.Measure:
		c.Measure = answerYes
	case len(other)+len(total) > 0:
		c.Measure, c.WhyMeasure = answerNo, total
	default:
		c.Measure = answerBut
		if len(edges) == 0 {
			c.WhyMeasure = []string{firstOther(r, r.Agrees.MeasureBy, nil)}
		}
	}
	return c
}

// firstOther says in what check the answer was first another than the
// definition's, and why where that is known. The totals of a pmf are rounded,
// and what differs on measures can show there too.
func firstOther(r spec.Report, id string, onMeasures []string) string {
	x, found := resultOf(r, id)
	switch why := "another answer in " + plain(id); {
	case found && x.Known != nil:
		return why + ": " + plain(x.Known.Why)
	case found && x.Status.Red():
		return why + ": " + bare(x)
	case len(onMeasures) > 0:
		return why + ", where the totals are 1 only nearly: " + strings.Join(onMeasures, ", ")
	default:
		return why
	}
}

// bare is the message of a check without the requirement that it names.
func bare(x spec.Result) string {
	q, ok := named(x)
	if !ok {
		return plain(x.Message)
	}
	return plain(strings.TrimSuffix(strings.TrimPrefix(x.Message, q.ID+": "), stated(q)))
}

func resultOf(r spec.Report, id string) (spec.Result, bool) {
	i := slices.IndexFunc(r.Results, func(x spec.Result) bool { return x.ID == id })
	if i < 0 {
		return spec.Result{}, false
	}
	return r.Results[i], true
}

// splitSteps parts the steps that only divide by a total, which leaves pmfs
// as they are, from the others.
func splitSteps(steps []spec.Step) (normalise, other []spec.Step) {
	for _, s := range steps {
		if s.Do == "normalise" {
			normalise = append(normalise, s)
		} else {
			other = append(other, s)
		}
	}
	return normalise, other
}

// arguments says how P and Q are passed where it is not as weights, P first.
func arguments(c *spec.Convention) string {
	if c == nil {
		return ""
	}
	as := map[string]string{"logprobs": "log-probabilities", "logits": "logits"}
	p, q := as[c.DomainP], as[c.DomainQ]
	var parts []string
	if c.Direction == "q||p" {
		parts = append(parts, "takes Q first")
	}
	switch {
	case p != "" && p == q:
		parts = append(parts, "both as "+p)
	default:
		if p != "" {
			parts = append(parts, "P as "+p)
		}
		if q != "" {
			parts = append(parts, "Q as "+q)
		}
	}
	return strings.Join(parts, ", ")
}

func offersKL(d spec.Description) bool {
	return len(d.Ops) == 0 || slices.ContainsFunc(d.Ops, func(op spec.Op) bool {
		quantity, _, _, _ := op.Split()
		return quantity == spec.KL
	})
}

// toolOf returns what the implementation is part of.
func toolOf(r spec.Report) string {
	return cmp.Or(r.Implementation.Tool, r.Implementation.Name, r.Implementation.ID)
}

// titleOf returns the call, as a user writes it.
func titleOf(r spec.Report) string { return cmp.Or(r.Implementation.Title, r.Implementation.ID) }
