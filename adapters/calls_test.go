package adapters

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"klconf/conform/judge"
	"klconf/golden"
	"klconf/impl"
	"klconf/spec"
)

// The page "Which call gives the KL I think it gives": what every entry computes, from the
// manifests, and what the entries that take logits answer on the stored rows of a language
// model. testdata/calls.json holds the answers; the exact values and the page are computed
// of them each time.

const (
	callsFile = "testdata/calls.json"
	callsPage = "../reports/published/calls.md"
	// Below the least level at which a call is trusted its answers mean nothing.
	trusted = .01
)

var rewritten = flag.String("of", "", "with -write ask the entries of this adapter only, and keep the answers of the others")

var repage = flag.Bool("page", false, "write reports/published/calls.md anew from testdata/calls.json")

var callFormats = []spec.DType{spec.F64, spec.F32, spec.F16, spec.BF16}

// answers are numbers as text by entry, format and set of pairs, one for each row.
type answers map[string]map[spec.DType]map[string][]string

// A pairSet has pairs of rows of float32 logits.
type pairSet struct {
	name, about string
	p, q        [][]float32
}

// pairSets are the stored rows of a model, P, against something: themselves, the stored
// rows of its requantisation, rows of other positions, P at a temperature, and P with s or
// −s added to each logit, drawn with a fixed seed, which gives a divergence of about s²/2
// where s is small.
// Every operation is one of float32, so that anybody can repeat it to the bit.
func pairSets(t testing.TB) []pairSet {
	t.Helper()
	rows, err := golden.Logits()
	if err != nil {
		t.Fatal(err)
	}
	p, q := rows[:4], rows[4:]
	each := func(f func(row int, x float32) float32) (out [][]float32) {
		for i, row := range p {
			y := make([]float32, len(row))
			for j, x := range row {
				y[j] = f(i, x)
			}
			out = append(out, y)
		}
		return out
	}
	sets := []pairSet{
		{"itself", "P against itself", p, p},
		{"requantised", "P against the same model with its linear layers quantised further (Q5_0)", p, q},
		{"requantised, reverse", "the other way round", q, p},
		{"temperature 0.7", "P against P divided by 0.7", p, each(func(_ int, x float32) float32 { return x / .7 })},
		{"other positions", "P against the next of its four positions", p, [][]float32{p[1], p[2], p[3], p[0]}},
	}
	for k := 13; k >= -1; k-- {
		s := float32(math.Sqrt(2 * math.Pow10(-k)))
		for seed := range uint64(2) {
			r := rand.New(rand.NewPCG(uint64(k+1), seed))
			sets = append(sets, pairSet{fmt.Sprintf("perturbed 1e%d, seed %d", -k, seed),
				fmt.Sprintf("P against P ± %v", s), p, each(func(_ int, x float32) float32 {
					if r.Uint64()&1 == 0 {
						return x - s
					}
					return x + s
				})})
		}
	}
	return sets
}

// rounded returns rows as an array in format d, and the float32 numbers that it holds:
// every float16 and bfloat16 number is one, and float64 takes float32 as it is.
func rounded(name string, d spec.DType, rows [][]float32) (spec.Array, [][]float32) {
	a := spec.NewArray(name, d, len(rows), len(rows[0]))
	held := make([][]float32, len(rows))
	for i, row := range rows {
		held[i] = make([]float32, len(row))
		for j, x := range row {
			bits := golden.Narrow(d, x)
			a.SetBits(i*len(row)+j, bits)
			held[i][j] = float32(d.Widen(bits))
		}
	}
	return a, held
}

// A comparison is one answer beside the exact value of its inputs.
type comparison struct{ exact, got float64 }

func (c comparison) relative() float64 { return math.Abs(c.got-c.exact) / c.exact }

// A level is what was answered where 10^Decade ≤ KL < 10^(Decade+1), or below that for the
// least.
type level struct {
	Decade   int
	Rows     int
	Mean     float64 // relative error of the mean of the rows
	Worst    float64 // largest relative error of a row; NaN if a row is
	Negative int     // rows below 0
}

// levels sorts comparisons by the decade of the exact value, the least first. Where the
// exact value is 0 there is no relative error: they are left out.
func levels(all []comparison) []level {
	by := map[int][]comparison{}
	for _, c := range all {
		if c.exact > 0 {
			d := decade(c.exact)
			by[d] = append(by[d], c)
		}
	}
	var out []level
	for _, d := range slices.Sorted(maps.Keys(by)) {
		l := summary(by[d])
		l.Decade = d
		out = append(out, l)
	}
	return out
}

// summary describes comparisons with positive exact values, whatever their decade.
func summary(all []comparison) level {
	l := level{Rows: len(all)}
	var exact, got float64
	for _, c := range all {
		exact, got = exact+c.exact, got+c.got
		l.Worst = max(l.Worst, c.relative()) // a NaN stays
		if c.got < 0 {
			l.Negative++
		}
	}
	l.Mean = (got - exact) / exact
	return l
}

// What is below 10^(least + 1) is one level.
const least = -15

// decade returns the largest k ≥ least with 10^k ≤ x; the text of x decides, and no logarithm.
func decade(x float64) int {
	_, e, _ := strings.Cut(strconv.FormatFloat(x, 'e', -1, 64), "e")
	k, err := strconv.Atoi(e)
	if err != nil {
		panic(err)
	}
	return max(k, least)
}

// trustedFrom returns the decade from which on the answers mean something: the least one at
// which, and at every larger one, the worst relative error is at most 1 % and no row is
// negative. ok is false if there is none.
func trustedFrom(ls []level) (decade int, ok bool) {
	for _, l := range slices.Backward(ls) {
		if !(l.Worst <= trusted) || l.Negative > 0 {
			break
		}
		decade, ok = l.Decade, true
	}
	return decade, ok
}

func TestTrustedFrom(t *testing.T) {
	good := func(d int) level { return level{Decade: d, Worst: .01} }
	bad := func(d int) level { return level{Decade: d, Worst: .0101} }
	negative := func(d int) level { return level{Decade: d, Negative: 1} }
	for _, c := range []struct {
		ls   []level
		want int
		ok   bool
	}{
		{nil, 0, false},
		{[]level{good(-3), good(-2)}, -3, true},
		{[]level{bad(-4), good(-3), good(0)}, -3, true},
		{[]level{good(-9), bad(-4), good(-3)}, -3, true}, // right by chance below
		{[]level{good(-9), negative(-8), good(-7)}, -7, true},
		{[]level{good(-2), bad(0)}, 0, false}, // a clip that costs most where KL is large
		{[]level{good(-2), {Decade: 0, Worst: math.NaN()}}, 0, false},
		{[]level{good(-2), {Decade: 0, Worst: math.Inf(1)}}, 0, false},
	} {
		if d, ok := trustedFrom(c.ls); d != c.want || ok != c.ok {
			t.Errorf("%v: from %d, %t; want %d, %t", c.ls, d, ok, c.want, c.ok)
		}
	}
}

func TestLevels(t *testing.T) {
	got := levels([]comparison{{0, 1}, {2e-3, 2.02e-3}, {8e-3, 8e-3}, {1e-2, -1e-2}, {9.99e-3, 9.99e-3}, {.5, math.NaN()}})
	if len(got) != 3 || got[0].Decade != -3 || got[1].Decade != -2 || got[2].Decade != -1 {
		t.Fatalf("%+v", got)
	}
	if l := got[0]; l.Rows != 3 || math.Abs(l.Mean-.02/19.99) > 1e-12 || math.Abs(l.Worst-.01) > 1e-12 || l.Negative != 0 {
		t.Errorf("%+v", l)
	}
	if l := got[1]; l.Rows != 1 || l.Mean != -2 || l.Worst != 2 || l.Negative != 1 {
		t.Errorf("%+v", l)
	}
	if l := got[2]; !math.IsNaN(l.Worst) || !math.IsNaN(l.Mean) {
		t.Errorf("%+v", l)
	}
	for x, want := range map[float64]int{1: 0, 9.99: 0, 10: 1, .1: -1, 1e-9: -9, 1e-14: -14, 9e-15: -15, 0x1p-1074: -15} {
		if got := decade(x); got != want {
			t.Errorf("decade of %v: %d, want %d", x, got, want)
		}
	}
}

// exactValues returns the divergences of every set in format d, each rounded once.
func exactValues(sets []pairSet, d spec.DType) map[string][]float64 {
	out := map[string][]float64{}
	held := map[*float32][]float32{} // most sets share their P
	for _, s := range sets {
		for i := range s.p {
			for _, row := range [][]float32{s.p[i], s.q[i]} {
				if held[&row[0]] == nil {
					_, h := rounded("", d, [][]float32{row})
					held[&row[0]] = h[0]
				}
			}
			out[s.name] = append(out[s.name], impl.KLLogits32(held[&s.p[i][0]], held[&s.q[i][0]]))
		}
	}
	return out
}

// The exact values of the page are those of the oracle: one row of the smallest divergence,
// where every method is at its worst, and one of the largest, in the formats of storage.
func TestCallsExact(t *testing.T) {
	sets := pairSets(t)
	for _, c := range []struct {
		set string
		row int
		d   spec.DType
	}{{"perturbed 1e-13, seed 0", 0, spec.F32}, {"other positions", 2, spec.BF16}} {
		s := sets[slices.IndexFunc(sets, func(s pairSet) bool { return s.name == c.set })]
		p, a := rounded("p", c.d, s.p[c.row:c.row+1])
		q, b := rounded("q", c.d, s.q[c.row:c.row+1])
		p.Shape, q.Shape = p.Shape[1:], q.Shape[1:]
		e, err := judge.Expect(spec.Request{Op: "kl_logits", Arrays: []spec.Array{p, q}, Options: spec.Options{ResultDType: spec.F64}}, spec.Convention{})
		if err != nil {
			t.Fatal(err)
		}
		got := impl.KLLogits32(a[0], b[0])
		if want := fmt.Sprintf("%016x", math.Float64bits(got)); e.Values[0].RN != want {
			t.Errorf("%s row %d in %s: %s, the oracle says %s", c.set, c.row, c.d, want, e.Values[0].RN)
		}
	}
}

// takesLogits reports whether an entry is measured.
func takesLogits(e Entry) bool { return slices.Contains(e.Ops, "kl_logits") }

// measure asks one entry for every set in each format that it offers.
func measure(l *live, e Entry, sets []pairSet) map[spec.DType]map[string][]string {
	out := map[spec.DType]map[string][]string{}
	for _, d := range e.DTypes {
		out[d] = map[string][]string{}
		for _, s := range sets {
			op, step := spec.Op("kl_logits_rows"), len(s.p) // how many rows are asked at once
			if !slices.Contains(e.Ops, op) {
				op, step = "kl_logits", 1
			}
			for i := 0; i < len(s.p); i += step {
				p, _ := rounded("p", d, s.p[i:i+step])
				q, _ := rounded("q", d, s.q[i:i+step])
				if op == "kl_logits" {
					p.Shape, q.Shape = p.Shape[1:], q.Shape[1:]
				}
				x, ok := l.ask(spec.Request{Op: op, Arrays: []spec.Array{p, q}}).Result()
				if !ok || x.Len() != step {
					l.t.Fatalf("%s, %s in %s: %v", e.ID, s.name, d, x)
				}
				for _, v := range x.Floats() {
					out[d][s.name] = append(out[d][s.name], spec.Decimal(v))
				}
			}
		}
	}
	return out
}

// compared puts the answers of one entry in one format beside the exact values.
func compared(t *testing.T, got map[string][]string, exact map[string][]float64) (all []comparison) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(exact)) {
		if len(got[name]) != len(exact[name]) {
			t.Fatalf("%s: %d answers for %d rows: make calls", name, len(got[name]), len(exact[name]))
		}
		for i, text := range got[name] {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all = append(all, comparison{exact[name][i], v})
		}
	}
	return all
}

// TestCalls compares the page with what the committed answers give. The libraries are asked
// again when KLCONF_FULL=1 or KLCONF_REQUIRE_ADAPTERS says so: on another processor the last
// bits differ, and the level from which a call is trusted may move by one decade. With -args
// -write it asks all of them, or those of the adapter -of, and writes the answers and the page,
// with -args -page only the page, as a change of a manifest needs it.
func TestCalls(t *testing.T) {
	ms, err := Load(".")
	if err != nil {
		t.Fatal(err)
	}
	sets := pairSets(t)
	exact := map[spec.DType]map[string][]float64{}
	for _, d := range callFormats[1:] {
		exact[d] = exactValues(sets, d)
	}
	exact[spec.F64] = exact[spec.F32] // float64 holds the same numbers
	committed, asked := answers{}, answers{}
	if data, err := os.ReadFile(callsFile); err != nil && !*rewrite {
		t.Fatal(err)
	} else if err := json.Unmarshal(data, &committed); err != nil && !*rewrite {
		t.Fatal(err)
	}
	var names []string
	for _, m := range ms {
		for _, e := range m.Entries {
			if !takesLogits(e) {
				continue
			}
			name := m.Name + "/" + e.ID
			names = append(names, name)
			if *rewrite && *rewritten != "" && *rewritten != m.Name {
				asked[name] = committed[name]
				continue
			}
			if !*rewrite && os.Getenv("KLCONF_FULL") != "1" && !required(m.Name) {
				continue
			}
			t.Run(name, func(t *testing.T) {
				asked[name] = measure(start(t, m, e, Options{}), e, sets)
				if *rewrite {
					return
				}
				for _, d := range e.DTypes {
					was, okWas := trustedFrom(levels(compared(t, committed[name][d], exact[d])))
					is, okIs := trustedFrom(levels(compared(t, asked[name][d], exact[d])))
					if okWas != okIs || max(was-is, is-was) > 1 {
						t.Errorf("%s: trusted from 1e%d (%t), now from 1e%d (%t)", d, was, okWas, is, okIs)
					}
				}
			})
		}
	}
	slices.Sort(names)
	if *rewrite {
		if len(asked) != len(names) {
			t.Fatalf("only %d of %d entries were asked: nothing is written", len(asked), len(names))
		}
		committed = asked
		put(t, callsFile, committed.text(t))
	}
	if have := slices.Sorted(maps.Keys(committed)); !slices.Equal(have, names) {
		t.Fatalf("%s has %v, the manifests %v: make calls", callsFile, have, names)
	}
	page := callsText(t, ms, sets, exact, committed)
	if *rewrite || *repage {
		put(t, callsPage, page)
	}
	if old, err := os.ReadFile(callsPage); err != nil || string(old) != page {
		t.Errorf("%s is not what %s gives (%v): go test ./adapters -run 'TestCalls$' -args -page", callsPage, callsFile, err)
	}
	of := func(entry string, d spec.DType) []level { return levels(compared(t, committed[entry][d], exact[d])) }
	const keras, set = "tensorflow/keras.kl_divergence.softmax", "temperature 0.7"
	temperature := summary(compared(t, map[string][]string{set: committed[keras][spec.F32][set]}, map[string][]float64{set: exact[spec.F32][set]}))
	for _, missing := range findings(of, temperature) {
		t.Errorf("the answers do not show that %s", missing)
	}
	if again := callsText(t, ms, sets, exact, spoiled(committed)); again == page {
		t.Error("a changed digit of an answer does not change the page")
	}
}

// What a reader should learn from the page, and what it would be strange not to find there.
func findings(of func(entry string, d spec.DType) []level, temperature level) []string {
	var missing []string
	claim := func(holds bool, what string) {
		if !holds {
			missing = append(missing, what)
		}
	}
	negative := func(ls []level, from, to int) (n int) { // of how many levels
		for _, l := range ls {
			if from <= l.Decade && l.Decade <= to && l.Negative > 0 {
				n++
			}
		}
		return n
	}
	const torch = "pytorch/kl_div.log_softmax"
	f32, bf16 := of(torch, spec.F32), of(torch, spec.BF16)
	claim(negative(f32, least, -8) > 0 && negative(f32, -6, 1) == 0, "log-probabilities in float32 go negative below 1e-7, and not from 1e-6 on")
	claim(negative(bf16, -5, -3) == 3, "bfloat16 arithmetic goes negative at each level from 1e-5 to 1e-3")
	claim(slices.ContainsFunc(bf16, func(l level) bool { return l.Decade == -3 && l.Worst > 1 }), "bfloat16 arithmetic is wrong by more than 100 % at 1e-3")
	from, ok := trustedFrom(of(torch, spec.F64))
	claim(ok && from <= -12, "float64 is trusted at 1e-12")
	from, ok = trustedFrom(of("scipy/special.kl_div.softmax", spec.F32))
	claim(ok && from <= -10, "the terms p·ln(p/q) − p + q in float32 are trusted at 1e-10")
	_, ok = trustedFrom(of("tensorflow/keras.kl_divergence.softmax", spec.F64))
	claim(!ok, "the clip of Keras is trusted nowhere, also in float64")
	claim(temperature.Mean < -.01, "the clip of Keras costs more than a percent at temperature 0.7")
	return missing
}

func TestFindingsCanFail(t *testing.T) {
	perfect := func(string, spec.DType) []level { return []level{{Decade: -13, Rows: 4}, {Decade: -3, Rows: 4}} }
	if n := len(findings(perfect, level{})); n != 5 {
		t.Errorf("%d findings are missing from libraries without an error: %q", n, findings(perfect, level{}))
	}
	useless := func(string, spec.DType) []level { return []level{{Decade: -3, Rows: 4, Worst: 2, Negative: 4}} }
	if n := len(findings(useless, level{})); n != 5 {
		t.Errorf("%d findings are missing from libraries that are useless: %q", n, findings(useless, level{}))
	}
}

// spoiled returns a copy with the first answer of every set in a format ten times as large.
func spoiled(a answers) answers {
	out := answers{}
	for e, formats := range a {
		out[e] = map[spec.DType]map[string][]string{}
		for d, sets := range formats {
			out[e][d] = map[string][]string{}
			for s, list := range sets {
				list = slices.Clone(list)
				if x, err := strconv.ParseFloat(list[0], 64); err == nil {
					list[0] = spec.Decimal(10 * x)
				}
				out[e][d][s] = list
			}
		}
	}
	return out
}

// text writes one line for each set.
func (a answers) text(t *testing.T) string {
	t.Helper()
	data, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(`],"`, "],\n\"", `:{"`, ":{\n\"").Replace(string(data)) + "\n"
}
