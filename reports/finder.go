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
	answerAlmost  = mark{"≈", "not always", "known"}
	answerUnknown = mark{"–", "not known", "none"}
)

// onPMFs are the fields of a convention that change answers on pmfs; beside
// them steps other than normalising do.
var onPMFs = []string{"base", "scale", "zero_q", "zero_zero", "zero_p", "subnormal", "reduction", "result_dtype"}

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
		return slices.Index([]mark{answerYes, answerAlmost, answerNo, answerUnknown}, m)
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
	var pmf, measure []string
	normalises, other := splitSteps(conv.Steps)
	if d := spec.StepsInWords(other); d != "" {
		pmf = append(pmf, d)
	}
	for _, f := range onPMFs {
		if d := conv.Departure(f); d != "" {
			pmf = append(pmf, d)
		}
	}
	if d := spec.StepsInWords(normalises); d != "" {
		measure = append(measure, d)
	}
	if d := conv.Departure("generalised"); d != "" {
		measure = append(measure, d)
	}
	if t := conv.RequiresNormalised; t != nil && t.Required {
		measure = append(measure, "weights that do not sum to 1 are refused")
	}
	c.PMF, c.Why = judged(r, r.Agrees.PMF, r.Agrees.PMFBy, pmf, measure)
	switch {
	case r.Agrees.Measure:
		c.Measure = answerYes
	case len(measure)+len(pmf) > 0:
		c.Measure, c.WhyMeasure = answerNo, measure
	default:
		c.Measure, c.WhyMeasure = judged(r, false, r.Agrees.MeasureBy, nil, nil)
		if sameReason(r, r.Agrees.PMFBy, r.Agrees.MeasureBy) {
			c.WhyMeasure = nil
		}
	}
	return c
}

// judged says whether the definition's value is given on a class of inputs,
// and what is different: in the convention, or else in the first check that
// got another answer. The totals of a pmf are rounded, and what differs on
// measures can show there too.
func judged(r spec.Report, agrees bool, by string, differs, onMeasures []string) (mark, []string) {
	switch {
	case agrees:
		return answerYes, differs
	case len(differs) > 0:
		return answerNo, differs
	case by == "":
		return answerNo, nil
	}
	x, found := resultOf(r, by)
	switch why := "in " + plain(by); {
	case found && x.Known != nil:
		return answerAlmost, []string{why + ": " + plain(x.Known.Why)}
	case found && x.Status.Red():
		return answerAlmost, []string{why + ": " + plain(x.Message)}
	case len(onMeasures) > 0:
		return answerAlmost, []string{why + ", where the totals are 1 only nearly: " + strings.Join(onMeasures, ", ")}
	default:
		return answerAlmost, []string{why}
	}
}

func resultOf(r spec.Report, id string) (spec.Result, bool) {
	i := slices.IndexFunc(r.Results, func(x spec.Result) bool { return x.ID == id })
	if i < 0 {
		return spec.Result{}, false
	}
	return r.Results[i], true
}

// sameReason reports whether two checks are known to fail for one reason.
func sameReason(r spec.Report, a, b string) bool {
	x, okX := resultOf(r, a)
	y, okY := resultOf(r, b)
	return okX && okY && x.Known != nil && y.Known != nil && x.Known.Why == y.Known.Why
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
