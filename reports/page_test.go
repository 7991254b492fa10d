package reports

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"klconf/spec"
)

func page1(t *testing.T, reports []spec.Report) string {
	t.Helper()
	return string(written(t, func(w io.Writer) error { return HTML(w, reports) }))
}

var (
	ids   = regexp.MustCompile(`\sid="([^"]*)"`)
	hrefs = regexp.MustCompile(`\shref="([^"]*)"`)
	loads = regexp.MustCompile(`(?i)<script|<img|<iframe|<object|<embed|@import|url\(|\ssrc=|\ssrcset=|<link[^>]+href="[^d]`)
)

// loose lists what a page loads, links that lead nowhere and ids that are
// given twice.
func loose(page string) []string {
	var bad []string
	for _, m := range loads.FindAllString(page, -1) {
		bad = append(bad, "loads: "+m)
	}
	seen := map[string]bool{}
	for _, m := range ids.FindAllStringSubmatch(page, -1) {
		if seen[m[1]] {
			bad = append(bad, "twice: "+m[1])
		}
		seen[m[1]] = true
	}
	for _, m := range hrefs.FindAllStringSubmatch(page, -1) {
		if to, ok := strings.CutPrefix(m[1], "#"); ok && !seen[to] {
			bad = append(bad, "nowhere: "+to)
		}
	}
	return bad
}

func TestPageIsWhole(t *testing.T) {
	page := page1(t, fixed())
	if bad := loose(page); len(bad) > 0 {
		t.Error(bad)
	}
	if page1(t, fixed()) != page {
		t.Error("the same reports give another page")
	}
	for _, q := range spec.Requirements() {
		if !strings.Contains(page, fmt.Sprintf(`id="%s"`, q.ID)) {
			t.Errorf("no section for %s", q.ID)
		}
	}
	for _, r := range fixed() {
		for _, x := range r.Results {
			if speaks := x.Status.Red() || x.Known != nil || x.Status == spec.Note; speaks && !strings.Contains(page, "<code>"+x.ID+"</code>") {
				t.Errorf("%s is not on the page", x.ID)
			}
		}
	}
	for _, want := range []string{
		"3fe0000000000000 3fd0000000000000 3fc0000000000000 3fb0000000000000 … = 0.5, 0.25, 0.125, 0.0625, …", // inputs, in hexadecimal and decimal
		"rounds to 3fe058aefa811452",                                    // what is right
		"3fd3333333333333 = 0.3, 1.9e&#43;15 ulp away",                  // what came
		"klconf run library/f --only golden/generic/three/f64 --seed 1", // how to see it again
		"a bug | of theirs", "library/library#1",                        // why it is known
		"klconf 0.1.0, requirements 0.1, vectors 0.1, quick run, seed 1", // by what it was graded
		"&lt;b&gt;a &amp; b&lt;/b&gt;",                                   // an adapter's text stays text
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.ContainsAny(page, "\x1b\x00") {
		t.Error("control characters of an adapter reach the page")
	}
}

// The checks of TestPageIsWhole must be able to fail.
func TestLoosePagesAreCaught(t *testing.T) {
	page := page1(t, fixed())
	for _, s := range []string{`<script>1</script>`, `<img src="x.png">`, `<link rel="stylesheet" href="x.css">`, `<style>@import "x.css"</style>`,
		`<a href="#no-such">x</a>`, `<p id="finder">x</p>`} {
		if loose(strings.Replace(page, "</main>", s+"</main>", 1)) == nil {
			t.Errorf("%s passes", s)
		}
	}
}

// TestPageStaysSmall writes the page over as many implementations as are
// ever compared, each with thousands of results.
func TestPageStaysSmall(t *testing.T) {
	var all []spec.Report
	for i := range 25 {
		r := fixed()[1]
		r.Implementation.ID = fmt.Sprintf("library/f%d", i)
		failing := r.Results[1]
		for j := range 2000 {
			x := spec.Result{ID: fmt.Sprintf("golden/generic/x%d/f64", j), Requirements: []string{"DEF-1", "ACC-1"}, Status: spec.Pass}
			if j%20 == 0 {
				x = failing
				x.ID = fmt.Sprintf("golden/failing/x%d/f64", j)
			}
			r.Results = append(r.Results, x)
		}
		all = append(all, r)
	}
	if n := len(page1(t, all)); n > 4<<20 {
		t.Errorf("%d bytes", n)
	}
}

// called is a report as an adapter gives it: with a convention, and with
// the first checks whose answers are not the definition's.
func called(id, tool, title string, c spec.Convention, pmf, measure string, results ...spec.Result) spec.Report {
	r := spec.Report{Schema: spec.ResultSchema, Verdict: spec.Conforming, Level: spec.L1, Results: results,
		Implementation: spec.Subject{ID: id, Tool: tool, Title: title, Description: spec.Description{Name: id, Version: "1", Convention: &c,
			Ops: []spec.Op{"kl"}}},
		Agrees: spec.Agreement{PMF: pmf == "", PMFBy: pmf, PMFAsked: true, Measure: measure == "", MeasureBy: measure, MeasureAsked: true}}
	r.Results = append(r.Results, spec.Result{ID: "golden/article/two/f64", Requirements: []string{"DEF-1"}, Status: spec.Pass})
	r.Counts = map[spec.Status]int{spec.Pass: len(r.Results)}
	return r
}

// TestFinder asks the question of a newcomer: which call of the library gives
// KL(P‖Q) in nats, summed over the classes, and what do the others give?
func TestFinder(t *testing.T) {
	yes := true
	known := spec.Result{ID: "golden/ratio/overflow/f64", Requirements: []string{"VAL-12"}, Status: spec.KnownFail, Known: &spec.Known{Why: "p/q overflows"}}
	swapped := spec.Convention{Direction: "q||p", DomainP: "probs", DomainQ: "logprobs"}
	mean := swapped
	swapped.ZeroZero, swapped.Reduction = "nan", "sum"
	mean.Reduction = "mean"
	clip := spec.Threshold{All: spec.RealOf(1e-7)}
	one := spec.Threshold{All: "1"}
	all := []spec.Report{
		called("torch/mean", "PyTorch", "F.kl_div(q.log(), p)", mean, "golden/article/two/f64", "golden/measure/counts/f64"),
		called("torch/categorical", "PyTorch", "kl_divergence(Categorical(p), Categorical(q))",
			spec.Convention{Steps: []spec.Step{{Do: "normalise", Of: "both"}}}, "", "golden/measure/counts/f64"),
		called("torch/sum", "PyTorch", "F.kl_div(q.log(), p, reduction='sum')", swapped, "golden/zero/both/f64", "golden/zero/both/f64"),
		called("keras/f", "Keras", "kl_divergence(p, q)",
			spec.Convention{Steps: []spec.Step{{Do: "clamp", Of: "both", In: "both", Lo: &clip, Hi: &one}}}, "golden/zero/a/f64", "golden/measure/counts/f64"),
		called("nltk/f", "NLTK", "f(p, q)", spec.Convention{Base: "2"}, "golden/article/two/f64", "golden/article/two/f64"),
		called("scipy/kl_div", "SciPy", "kl_div(p, q).sum()", spec.Convention{Generalised: &yes}, "golden/dtype/odd/f16", "golden/measure/counts/f64"),
		called("gonum", "Gonum", "stat.KullbackLeibler(p, q)", spec.Convention{}, "golden/ratio/overflow/f64", "golden/ratio/overflow/f64", known),
	}
	exchanged := spec.Result{ID: "detect/direction", Status: spec.KnownFail, Known: &spec.Known{Why: "its arguments are handed on exchanged"}}
	all = append(all, called("smile/f", "Smile", "f(p, q)", spec.Convention{ZeroQ: "drop"}, "detect/direction", "detect/direction", exchanged))
	entropy := called("h/f", "H", "h(p)", spec.Convention{}, "", "")
	entropy.Implementation.Ops = []spec.Op{"entropy"}
	all = append(all, entropy)
	var got []string
	for _, tool := range finder(all) {
		for _, c := range tool {
			got = append(got, fmt.Sprintf("%s: %s (%s) %s, %s: %s | %s", c.Tool, c.Title, c.Arguments, c.PMF, c.Measure, strings.Join(c.Why, "; "), strings.Join(c.WhyMeasure, "; ")))
		}
	}
	want := []string{
		"PyTorch: kl_divergence(Categorical(p), Categorical(q)) () ✓ yes, ✗ no:  | normalising P and Q",
		"PyTorch: F.kl_div(q.log(), p, reduction='sum') (takes Q first, Q as log-probabilities) ≈ yes, but, ≈ yes, but: p = q = 0 gives NaN where the term is 0; of several rows it gives the sum | ",
		"PyTorch: F.kl_div(q.log(), p) (takes Q first, Q as log-probabilities) ✗ no, ✗ no: the sum is divided by the number of elements, rows × classes (mean) | ",
		"Keras: kl_divergence(p, q) () ✗ no, ✗ no: clipping P and Q at 1e-07 and above at 1 | ",
		"NLTK: f(p, q) () ✗ no, ✗ no: the answer is in bits (base 2), not in nats | ",
		"SciPy: kl_div(p, q).sum() () ≈ yes, but, ✗ no: another answer in golden/dtype/odd/f16, where the totals are 1 only nearly: adding Σ(q − p): the generalised divergence | adding Σ(q − p): the generalised divergence",
		"Gonum: stat.KullbackLeibler(p, q) () ≈ yes, but, ≈ yes, but: another answer in golden/ratio/overflow/f64: p/q overflows | ",
		"Smile: f(p, q) () ✗ no, ✗ no: it gives KL(Q‖P); a term with p > 0 = q counts 0 and not +Inf | ",
		"H: h(p) () – not known, – not known: KL(P‖Q) is not offered | ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A compact report says the same, but for what it names.
func TestCompact(t *testing.T) {
	for _, r := range fixed() {
		c := Compact(r)
		for _, x := range c.Results {
			if x.Status == spec.Pass || x.Status == spec.StatusUnsupported || x.Status == spec.Skipped {
				t.Errorf("%s: %s is kept", r.Implementation.ID, x.ID)
			}
		}
		if a, b := fmt.Sprint(tally(r)), fmt.Sprint(tally(c)); a != b {
			t.Errorf("%s counts differently:\n%s\n%s", r.Implementation.ID, a, b)
		}
		if a, b := fmt.Sprint(tally(c)), fmt.Sprint(tally(Compact(c))); a != b {
			t.Errorf("%s counts differently when it is written twice:\n%s\n%s", r.Implementation.ID, a, b)
		}
		if a, b := fmt.Sprint(callOf(r)), fmt.Sprint(callOf(c)); a != b {
			t.Errorf("%s answers differently:\n%s\n%s", r.Implementation.ID, a, b)
		}
		inputs := func(id string) []spec.Input {
			for _, x := range r.Results {
				if x.ID == id && x.Inputs != nil {
					return x.Inputs
				}
			}
			for _, a := range r.Accuracy {
				if a.Worst == id {
					return a.WorstInputs
				}
			}
			return nil
		}
		if r.Environment.Seconds = 0; page1(t, []spec.Report{r}) != page1(t, []spec.Report{Expand(c, inputs)}) {
			t.Errorf("%s: the page of the compact report is another", r.Implementation.ID)
		}
		if len(r.Results) > 0 && len(r.Elided) > 0 {
			t.Errorf("%s: Compact changes its argument", r.Implementation.ID)
		}
	}
	one := fixed()[1]
	if reflect := fmt.Sprint(tally(one)["DEF-1"]); reflect != "{1 0 0 1 0}" {
		t.Errorf("DEF-1: %s", reflect) // one passes, one fails
	}
	if got := fmt.Sprint(tally(one)["VAL"]); got != "{0 0 2 3 1}" {
		t.Errorf("VAL: %s", got) // two known, three red, one not offered
	}
	if !bytes.Contains(written(t, func(w io.Writer) error { return JSON(w, Compact(one)) }), []byte(`"elided":[{"cited":"DEF"`)) {
		t.Error("a compact file does not say what it leaves out")
	}
}

func TestPlot(t *testing.T) {
	rows := []spec.Accuracy{
		{N: 9, ULPMedian: 1, ULPP99: 8, ULPMax: 16, ULPLog2: map[int]int{-10: 3, -1: 4, 0: 1, 4: 1}},
		{N: 1, ULPMedian: math.MaxFloat64, ULPP99: math.MaxFloat64, ULPMax: math.MaxFloat64, ULPLog2: map[int]int{spec.InfiniteULPLog2: 1}},
	}
	a := newAxis(rows)
	if a.lo != leastShown || a.hi != 5 || !a.infinite {
		t.Fatalf("%+v", a)
	}
	for _, c := range []struct{ ulp, x float64 }{{1, 7}, {2, 8}, {.5, 6}, {0, 0}, {1e-9, 0}, {32, 12}, {math.MaxFloat64, 12.5}} {
		if got := a.x(c.ulp); got != c.x {
			t.Errorf("%v ulp stands at %v, not %v", c.ulp, got, c.x)
		}
	}
	got := string(a.plot(rows[0]))
	for _, want := range []string{
		`viewBox="0 0 13 24"`, `aria-label="9 errors: median 1, 99th percentile 8, largest 16 ulp"`,
		`class="median" d="M7 0V22"`, `class="p99" d="M10 0V22"`, `class="max" d="M11 22h0"`,
		"M0.06 22v-17.3h0.88v17.3z", // 3 of at most 4 answers: √¾ of the height of 20
		"M6.06 22v-20h0.88v20z", "M7.06 22v-10h0.88v10z",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
	for _, color := range []string{"#", "rgb", "fill=", "stroke="} {
		if strings.Contains(got, color) {
			t.Errorf("the plot has a colour of its own: %s", got)
		}
	}
	if !strings.Contains(string(a.plot(rows[1])), "M12.06 22v-20h0.88v20z") {
		t.Errorf("an infinite error is not in its place: %s", a.plot(rows[1]))
	}
	if ticks := newAxis([]spec.Accuracy{{ULPLog2: map[int]int{200: 1}}}).ticks(); len(ticks) > 8 {
		t.Errorf("%d ticks", len(ticks))
	}
}

func TestUlps(t *testing.T) {
	for x, want := range map[float64]string{.5: "0.5", 12.34: "12.4", 2478: "2480", 1e5: "1·10<sup>5</sup>", 1.9e15: "1.9·10<sup>15</sup>", math.MaxFloat64: "∞"} {
		if got := string(ulps(x)); got != want {
			t.Errorf("ulps(%v) = %s, want %s", x, got, want)
		}
	}
}
