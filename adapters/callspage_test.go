package adapters

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"klconf/spec"
)

// callsText is the page.
func callsText(t *testing.T, ms []Manifest, sets []pairSet, exact map[spec.DType]map[string][]float64, a answers) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("# Which call gives the KL I think it gives\n\n")
	b.WriteString("Written by `go test ./adapters -run 'TestCalls$' -args -write`, which asks the libraries, or `-args -page`, which does not, " +
		"from the manifests and the answers in `adapters/testdata/calls.json`; do not edit.\n\n")
	b.WriteString("KL(P‖Q) = Σ p ln(p/q), in nats, one number for a pair of distributions. Contents: [what each call computes](#what-each-call-computes) · " +
		"[on logits: from which level on a result means something](#on-logits-from-which-level-on-a-result-means-something) · [the rows](#the-rows) · [the errors](#the-errors)\n")

	b.WriteString("\n## What each call computes\n\n")
	b.WriteString("P and Q are probabilities, a and b the logits of P and of Q. *Of* says what the call is graded on. Zeros: what a term gives with p > 0 = q, with p = q = 0, and with p = 0 < q; " +
		"the divergence has +Inf, 0, 0. *Else* is every other way in which the call answers another number than the definition.\n\n")
	b.WriteString("| call | of | order | base | rows give | zeros | else |\n|---|---|---|---|---|---|---|\n")
	for _, m := range ms {
		for _, e := range m.Entries {
			b.WriteString(computes(m, e))
		}
	}

	b.WriteString("\n## On logits: from which level on a result means something\n\n")
	fmt.Fprintf(&b, "A level is a decade of the exact divergence: 1e-5 has the rows with 1e-5 ≤ KL < 1e-4. A call is trusted from the least level at which, and at every larger one, "+
		"**no row is wrong by more than %.0f %% and no row is negative**. Below it a result means nothing: it may have the wrong size or the wrong sign. "+
		"*nowhere* is a call that is wrong by more at the largest levels too. The formats are those of the logits; the exact value is always that of the logits as they are stored.\n\n", 100*trusted)
	b.WriteString("| call |")
	for _, d := range callFormats {
		fmt.Fprintf(&b, " %s |", d)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(callFormats)) + "\n")
	measured := func(f func(name string, e Entry)) {
		for _, m := range ms {
			for _, e := range m.Entries {
				if takesLogits(e) {
					f(m.Name+"/"+e.ID, e)
				}
			}
		}
	}
	measured(func(name string, e Entry) {
		fmt.Fprintf(&b, "| %s: %s |", name, code(e.Title))
		for _, d := range callFormats {
			say := "–"
			if slices.Contains(e.DTypes, d) {
				ls := levels(compared(t, a[name][d], exact[d]))
				switch from, ok := trustedFrom(ls); {
				case !ok:
					say = "nowhere"
				default:
					say = levelName(from)
				}
			}
			fmt.Fprintf(&b, " %s |", say)
		}
		b.WriteString("\n")
	})

	b.WriteString("\n## The rows\n\n")
	b.WriteString("Four rows of 49152 next-token logits of SmolLM2-135M-Instruct, as stored in `golden/data`: the positions with the smallest, a middling and the largest divergence, and with the largest entropy. " +
		"Rounding the logits to a format changes the divergence itself, before any call is made; the table has the exact mean over the four rows, and the least and the largest, of what is stored. " +
		"Of the two perturbations of each size it has the first.\n\n")
	b.WriteString("| pair | float32 and float64 | float16 | bfloat16 |\n|---|---|---|---|\n")
	for _, s := range sets {
		if strings.HasSuffix(s.name, "seed 1") {
			continue
		}
		fmt.Fprintf(&b, "| %s: %s |", s.name, s.about)
		for _, d := range []spec.DType{spec.F32, spec.F16, spec.BF16} {
			x, sum := exact[d][s.name], 0.
			for _, v := range x {
				sum += v
			}
			fmt.Fprintf(&b, " %s (%s … %s) |", short(sum/float64(len(x)), 3), short(slices.Min(x), 2), short(slices.Max(x), 2))
		}
		b.WriteString("\n")
	}

	b.WriteString("\n## The errors\n\n")
	b.WriteString("On the pairs that nobody made up: the relative error of the mean of the four rows; the largest relative error of a row; how many of the four are negative.\n\n| call | format |")
	for _, name := range realPairs {
		fmt.Fprintf(&b, " %s |", name)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(realPairs)) + "\n")
	measured(func(name string, e Entry) {
		for _, d := range e.DTypes {
			fmt.Fprintf(&b, "| %s | %s |", name, d)
			for _, set := range realPairs {
				l := summary(compared(t, map[string][]string{set: a[name][d][set]}, map[string][]float64{set: exact[d][set]}))
				fmt.Fprintf(&b, " %s; %s; %d |", signed(l.Mean), short(l.Worst, 2), l.Negative)
			}
			b.WriteString("\n")
		}
	})
	b.WriteString("\nFor each level: the relative error of the mean of its rows; the largest relative error of a row; how many rows are negative, of how many. " +
		"An error of 1 is the size of the value itself.\n")
	measured(func(name string, e Entry) {
		fmt.Fprintf(&b, "\n### %s\n\n%s. %s\n\n| level |", name, code(e.Title), e.Note)
		by := map[spec.DType]map[int]level{}
		var decades []int
		for _, d := range e.DTypes {
			fmt.Fprintf(&b, " %s |", d)
			by[d] = map[int]level{}
			for _, l := range levels(compared(t, a[name][d], exact[d])) {
				by[d][l.Decade] = l
				decades = append(decades, l.Decade)
			}
		}
		slices.Sort(decades)
		b.WriteString("\n|---|" + strings.Repeat("---|", len(e.DTypes)) + "\n")
		for _, k := range slices.Compact(decades) {
			fmt.Fprintf(&b, "| %s |", levelName(k))
			for _, d := range e.DTypes {
				l, ok := by[d][k]
				if !ok {
					b.WriteString(" |")
					continue
				}
				fmt.Fprintf(&b, " %s; %s; %d of %d |", signed(l.Mean), short(l.Worst, 2), l.Negative, l.Rows)
			}
			b.WriteString("\n")
		}
		b.WriteString("| 0 |")
		for _, d := range e.DTypes {
			n, not, negative := 0, 0, 0
			for _, c := range compared(t, a[name][d], exact[d]) {
				if c.exact == 0 {
					n++
					if c.got != 0 {
						not++
					}
					if c.got < 0 {
						negative++
					}
				}
			}
			fmt.Fprintf(&b, " not 0: %d of %d; %d negative |", not, n, negative)
		}
		b.WriteString("\n")
	})
	return b.String()
}

// realPairs are the sets without a perturbation.
var realPairs = []string{"requantised", "requantised, reverse", "temperature 0.7", "other positions"}

// computes is the line of an entry in the first table.
func computes(m Manifest, e Entry) string {
	var c spec.Convention
	if e.Convention != nil {
		c = *e.Convention
	}
	var of []string
	for _, op := range e.Ops {
		q, d, _, _ := op.Split()
		word := map[spec.Domain]string{spec.Probs: "probabilities", spec.LogProbs: "log-probabilities", spec.Logits: "logits"}[d]
		switch q {
		case spec.KLEstimate:
			word = "sampled log-probabilities"
		case spec.KL:
		default:
			continue
		}
		if !slices.Contains(of, word) {
			of = append(of, word)
		}
	}
	order := "P, Q"
	if c.Direction == "q||p" {
		order = "**Q, P**"
	}
	base := string(c.Base)
	if c.Base != "e" {
		base = "**" + base + "**"
	}
	estimator := ""
	rows := map[string]string{"none": "a number each", "sum": "their sum", "mean": "**their sum / (rows × classes)**, also of one row", "batchmean": "their mean"}[c.Reduction]
	if slices.Equal(e.Ops, []spec.Op{"kl_estimate"}) {
		rows, estimator = "a number for each sample", e.Note
	}
	zero := func(word, right string) string {
		say := map[string]string{"zero": "0", "drop": "0", "inf": "+Inf", "nan": "NaN", "reject": "refused"}[word]
		switch word {
		case "":
			return "–" // the convention does not say
		case right:
			return say
		}
		return "**" + say + "**"
	}
	var other []string
	c.ResultDType = maps.Clone(c.ResultDType)
	maps.DeleteFunc(c.ResultDType, func(from, _ spec.DType) bool { return !slices.Contains(e.DTypes, from) })
	for _, field := range []string{"generalised", "steps", "scale", "subnormal", "result_dtype"} {
		if d := c.Departure(field); d != "" {
			other = append(other, d)
		}
	}
	if estimator != "" { // what it clamps is no convention of the divergence
		other = append(other, estimator)
	}
	cell := strings.NewReplacer("|", "\\|", "\n", " ").Replace
	return fmt.Sprintf("| %s/%s: %s | %s | %s | %s | %s | %s, %s, %s | %s |\n", m.Name, e.ID, code(e.Title), strings.Join(of, ", "), order, base, rows,
		zero(c.ZeroQ, "inf"), zero(c.ZeroZero, "zero"), zero(c.ZeroP, "zero"), cell(strings.Join(other, "; ")))
}

// levelName writes the least divergence of a level.
func levelName(decade int) string {
	if decade == least {
		return fmt.Sprintf("below 1e%d", least+1)
	}
	return fmt.Sprintf("1e%d", decade)
}

// code is a piece of program in a table of Markdown.
func code(s string) string { return "`" + strings.ReplaceAll(s, "|", "\\|") + "`" }

// short writes a number with few digits.
func short(x float64, digits int) string {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return spec.Decimal(x)
	}
	return strconv.FormatFloat(x, 'e', digits-1, 64)
}

// signed writes a relative error.
func signed(x float64) string {
	if x > 0 {
		return "+" + strings.TrimPrefix(short(x, 2), "+")
	}
	return short(x, 2)
}
