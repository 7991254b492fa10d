package golden_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"klconf/adapters"
	"klconf/adapters/gonum"
	"klconf/adapters/naive"
	"klconf/golden"
	"klconf/spec"
)

// lint says what is wrong with a vector apart from its value.
func lint(v golden.Vector) error {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if m := id.FindStringSubmatch(v.ID); m == nil {
		say("the id is not golden/FAMILY/NAME/DTYPE")
	} else if m[1] != string(v.DType) {
		say("the id ends in %q, the arrays are %s", m[1], v.DType)
	}
	if v.Comment == "" || v.Source == "" {
		say("comment or source is empty")
	}
	if !slices.Contains(golden.Strata, v.Stratum) {
		say("unknown stratum %q", v.Stratum)
	}
	if !slices.Contains([]string{golden.PMF, golden.Measure, golden.Other}, v.Class) {
		say("unknown class %q", v.Class)
	}
	if len(v.Requirements) == 0 {
		say("no requirement is cited")
	}
	for _, r := range v.Requirements {
		if known, ok := spec.Lookup(r); !ok {
			say("requirement %s is not in the catalogue", r)
		} else if known.Since > golden.Version {
			say("requirement %s is planned for %s", r, known.Since)
		}
	}
	for _, flag := range v.Flags {
		if _, ok := golden.Notes()[flag]; !ok {
			say("flag %q has no note", flag)
		}
	}
	for _, a := range v.Request().Arrays {
		if err := a.Check(); err != nil {
			say("%v", err)
		}
	}

	e := v.Expected
	if e.Whole != nil {
		if len(e.Values) > 0 || !e.Whole.Reject || e.Whole.NaN || len(e.Whole.Intervals) > 0 {
			say("a refusal of the whole question with something beside it")
		}
	} else if len(e.Shape) == 0 && len(e.Values) != 1 || len(e.Shape) == 1 && len(e.Values) != e.Shape[0] {
		say("%d values for the shape %v", len(e.Values), e.Shape)
	}
	if len(v.Cond) != len(e.Values) {
		say("%d condition numbers for %d values", len(v.Cond), len(e.Values))
	}
	for i, s := range e.Values {
		if err := lintSet(s, e.DType, v.Convention != nil); err != nil {
			say("element %d: %v", i, err)
		}
	}
	if c := v.Convention; c != nil {
		if !v.Concerns(*c) || v.Concerns(spec.Definition()) {
			say("the convention is the definition's")
		}
	}
	if wrong == nil {
		return nil
	}
	return fmt.Errorf("%s: %s", v.ID, strings.Join(wrong, "; "))
}

var id = regexp.MustCompile(`^golden/[a-z][a-z0-9-]*/[a-z0-9][a-z0-9-]*/(f64|f32|f16|bf16|f8e4m3|f8e5m2)$`)

// lintSet checks that a stored enclosure has one rounding, the stored one,
// and is at least 64 bits narrower than a step of the result format. Under a
// convention a refusal may be the only answer, and there may be several.
func lintSet(s spec.Set, d spec.DType, convention bool) error {
	if len(s.Intervals) == 0 {
		if s.RN != "" || !s.NaN && !(convention && s.Reject) {
			return fmt.Errorf("without an enclosure NaN must be right, and there is nothing to round")
		}
		return nil
	}
	if len(s.Intervals) != 1 || s.NaN || s.Reject {
		if convention && s.RN == "" {
			return nil
		}
		return fmt.Errorf("under the definition an enclosure is the only answer")
	}
	v := s.Intervals[0]
	if v.Lo.Cmp(v.Hi) > 0 {
		return fmt.Errorf("the enclosure is empty")
	}
	lo, hi := round(v.Lo, d), round(v.Hi, d)
	if lo != hi || spec.HexBits(d, lo) != s.RN {
		return fmt.Errorf("the ends round to %s and %s, the stored value is %s", spec.HexBits(d, lo), spec.HexBits(d, hi), s.RN)
	}
	if w, ok := golden.Width(v); ok {
		f := limits[d]
		step := max(v.Hi.MantExp(nil), v.Lo.MantExp(nil)) - f.precision
		if lo<<1 == 0 {
			step = f.least + 64 // a zero need not be narrower than the format can show
		}
		if -w > max(step, f.least)-64 {
			return fmt.Errorf("the enclosure is 2^%d wide, a step is 2^%d", -w, max(step, f.least))
		}
	}
	return nil
}

// limits are the precision, the exponent of the least subnormal and the least
// power of two beyond the format.
var limits = map[spec.DType]struct{ precision, least, top int }{
	spec.F64: {53, -1074, 1024}, spec.F32: {24, -149, 128}, spec.F16: {11, -24, 16}, spec.BF16: {8, -133, 128},
}

// round returns the bits of the nearest number of the format, ties to even,
// and +0 for every zero.
func round(x *big.Float, d spec.DType) uint64 {
	f := limits[d]
	sign := uint64(0)
	if x.Sign() < 0 {
		sign = 1 << (8*d.Size() - 1)
	}
	// The exponent field of all ones, above the p − 1 bits of the fraction.
	infinity := (uint64(1)<<(8*d.Size()-f.precision) - 1) << (f.precision - 1)
	if x.IsInf() {
		return sign | infinity
	}
	if x.Sign() == 0 {
		return 0
	}
	r, _ := x.Rat(nil)
	r.Abs(r)
	place := max(x.MantExp(nil)-f.precision, f.least) // the weight of the last bit
	scale := new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), uint(max(place, -place))))
	if place > 0 {
		r.Quo(r, scale)
	} else {
		r.Mul(r, scale)
	}
	m, rest := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	if c := rest.Lsh(rest, 1).Cmp(r.Denom()); c > 0 || c == 0 && m.Bit(0) == 1 {
		m.Add(m, big.NewInt(1))
	}
	if m.Sign() == 0 {
		return 0
	}
	if m.BitLen()+place > f.top {
		return sign | infinity
	}
	bits := m.Uint64()
	if bits >= 1<<(f.precision-1) { // normal: the leading bit adds 1 to the exponent field
		bits += uint64(place-f.least) << (f.precision - 1)
	}
	return sign | bits
}

func TestVectorsAreSound(t *testing.T) {
	vectors := golden.Vectors()
	if len(vectors) < 300 {
		t.Errorf("%d vectors", len(vectors))
	}
	ids, flags, strata := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, v := range vectors {
		if err := lint(v); err != nil {
			t.Error(err)
		}
		if ids[v.ID] {
			t.Errorf("%s is there twice", v.ID)
		}
		ids[v.ID] = true
		strata[v.Stratum] = true
		for _, flag := range v.Flags {
			flags[flag] = true
		}
		if got, ok := golden.Lookup(v.ID); !ok || !reflect.DeepEqual(got, v) {
			t.Errorf("Lookup(%q) is another vector", v.ID)
		}
	}
	for flag, note := range golden.Notes() {
		if !flags[flag] {
			t.Errorf("no vector has the flag %q", flag)
		}
		if note.BugType == "" || note.Effect == "" {
			t.Errorf("the note %q says nothing", flag)
		}
		for _, link := range note.Links {
			if !regexp.MustCompile(`^[\w.-]+/[\w.-]+#[0-9]+$`).MatchString(link) {
				t.Errorf("the note %q has the link %q", flag, link)
			}
		}
	}
	for _, s := range golden.Strata {
		if !strata[s] {
			t.Errorf("no vector is of the stratum %q", s)
		}
	}
	if _, ok := golden.Lookup("golden/none"); ok {
		t.Error("Lookup found what is not there")
	}
}

// The same flag may stand in several files: with one note.
func TestNotesAgreeBetweenFiles(t *testing.T) {
	names, err := fs.Glob(golden.Files(), "*.json")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		b, err := fs.ReadFile(golden.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		vectors, notes, err := golden.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.TrimSuffix(name, ".json"); vectors[0].Family() != want {
			t.Errorf("%s holds the family %q", name, vectors[0].Family())
		}
		for flag, note := range notes {
			if !reflect.DeepEqual(note, golden.Notes()[flag]) {
				t.Errorf("%s has its own note on %q", name, flag)
			}
		}
	}
}

// Every requirement on values that is not about declared conventions only is
// cited, and every one on rows but those on what a batch of masks does.
func TestRequirementsAreCovered(t *testing.T) {
	cited := map[string]bool{}
	for _, v := range golden.Vectors() {
		for _, r := range v.Requirements {
			cited[r] = true
		}
	}
	for _, r := range spec.Requirements() {
		if f := r.Family(); (f == "DEF" || f == "VAL" || f == "ROW") && r.Since <= spec.Version && !cited[r.ID] {
			t.Errorf("no vector cites %s: %s", r.ID, r.Statement)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const good = `{"schema":"klconf-vectors/1","family":"a","notes":{},"vectors":[{"id":"golden/a/b/f32","comment":"c","op":"kl","dtype":"f32",` +
		`"shape":[1],"p":["3f800000"],"q":["3f000000"],"stratum":"generic","class":"measure","requirements":["DEF-1"],"flags":[],"source":"s",` +
		`"expected":{"set":[{"lo":"0x1.62p-1","hi":"0x1.63p-1"}],"nan":false,"reject":false,"rn":"3f317218","w":12,"errs":4,"cond":"2.44e+00"}}]}`
	if _, _, err := golden.Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to string }{
		{`klconf-vectors/1`, `klconf-vectors/2`},
		{`"family":"a"`, `"family":"b"`},
		{`"comment"`, `"commment"`},
		{`"op":"kl"`, `"op":"kl_divergence"`},
		{`"op":"kl"`, `"op":"entropy"`},
		{`"op":"kl"`, `"op":"kl_rows"`},
		{`"dtype":"f32"`, `"dtype":"f64"`},
		{`"dtype":"f32"`, `"dtype":"f8e5m2"`},
		{`["3f800000"]`, `["3f80000"]`},
		{`["3f800000"]`, `["3f80000g"]`},
		{`["3f800000"]`, `["3f800000","00000000"]`},
		{`"shape":[1]`, `"shape":[-1]`},
		{`"shape":[1]`, `"shape":[]`},
		{`"q":["3f000000"],`, ``},
		{`"w":12`, `"w":11`},
		{`"errs":4`, `"errs":5`},
		{`,"w":12`, ``},
		{`,"errs":4`, ``},
		{`"p":["3f800000"],"q":["3f000000"]`, `"generator":{"name":"splitmix64","kind":"even","seed":"0123456789abcdef","n":2}`},
		{`"p":["3f800000"],"q":["3f000000"]`, `"generator":{"name":"splitmix64","kind":"odd","seed":"0123456789abcdef","n":1}`},
		{`"p":["3f800000"],"q":["3f000000"]`, `"generator":{"name":"splitmix64","kind":"even","seed":"123","n":1}`},
		{`"p":["3f800000"],"q":["3f000000"]`, `"generator":{"name":"mt19937","kind":"even","seed":"0123456789abcdef","n":1}`},
		{`"p":["3f800000"],"q"`, `"generator":{"name":"splitmix64","kind":"even","seed":"0123456789abcdef","n":1},"q"`},
		{`"p":["3f800000"],"q":["3f000000"]`, `"data":{"file":"smollm2-logits-4x49152.f32","p":[0],"q":[8]}`},
		{`"p":["3f800000"],"q":["3f000000"]`, `"data":{"file":"smollm2-logits-4x49152.f32","p":[0]}`},
		{`"p":["3f800000"],"q":["3f000000"]`, `"data":{"file":"another","p":[0],"q":[4]}`},
		{`"flags"`, `"mask":["01","01"],"flags"`},
		{`"flags"`, `"convention":{"base":"1"},"flags"`},
		{`"lo":"0x1.62p-1"`, `"lo":"0.5."`},
		{`"expected":{`, `"expected":[{`},
	} {
		bad := strings.Replace(good, c.from, c.to, 1)
		if bad == good {
			t.Fatalf("%s is not in the text", c.from)
		}
		if _, _, err := golden.Parse([]byte(bad)); err == nil {
			t.Errorf("with %s it was accepted", c.to)
		}
	}
}

// A vector from a public report names it, and the note of one of its flags
// links to it.
func TestReportsAreLinked(t *testing.T) {
	for _, v := range golden.Vectors() {
		for _, link := range regexp.MustCompile(`[^ ,]*#[0-9]+`).FindAllString(v.Source, -1) {
			if !slices.ContainsFunc(v.Flags, func(flag string) bool { return slices.Contains(golden.Notes()[flag].Links, link) }) {
				t.Errorf("%s comes from %s, and no note of it says so", v.ID, link)
			}
		}
	}
}

// Losing an element, the last lanes of a block, or a block, or counting
// something twice, must be far outside level L1: 2(n + 4)u of Σ|t| + P +
// Σ p(|ln p| + |ln q|).
func TestLengthsMissNothing(t *testing.T) {
	for _, c := range []struct {
		d      spec.DType
		margin float64
	}{{spec.F64, 1e8}, {spec.F32, 4}} {
		for n := 2; n <= 70; n++ {
			v, ok := golden.Lookup(fmt.Sprintf("golden/lengths/n-%02d/%s", n, c.d))
			if !ok {
				t.Fatalf("no vector of length %d", n)
			}
			a := v.Request().Arrays
			p, q := a[0].Floats(), a[1].Floats()
			terms := make([]float64, n)
			mass := 0.0
			for i := range p {
				terms[i] = p[i] * math.Log(p[i]/q[i])
				mass += math.Abs(terms[i]) + p[i] + p[i]*(math.Abs(math.Log(p[i]))+math.Abs(math.Log(q[i])))
			}
			bound := 2 * float64(n+4) * math.Ldexp(1, -limits[c.d].precision) * mass
			for from := range n {
				sum := 0.0
				for to := from; to < min(n, from+64); to++ {
					sum += terms[to]
					if math.Abs(sum) < c.margin*bound {
						t.Errorf("%s: elements %d to %d weigh %g, and L1 allows %g", v.ID, from, to, sum, bound)
					}
				}
			}
		}
	}
}

// Every flag that says something checkable about the value is checked.
func TestFlagsTellTheTruth(t *testing.T) {
	for _, v := range golden.Vectors() {
		for _, flag := range v.Flags {
			var err error
			switch flag {
			case "exact-zero":
				err = certifyZero(v)
			case "tie":
				err = atMiddle(v, true)
			case "near-tie":
				err = atMiddle(v, false)
			case "rows-rounded":
				err = rowsMatter(v)
			}
			if err != nil {
				t.Errorf("%s has the flag %q: %v", v.ID, flag, err)
			}
		}
	}
}

// atMiddle checks that a value is the middle of two neighbours, or that it is
// not and lies within 2^-20 of a step of it.
func atMiddle(v golden.Vector, exactly bool) error {
	for _, s := range v.Expected.Values {
		x := s.Intervals[0]
		f := limits[v.Expected.DType]
		step := max(x.Hi.MantExp(nil)-f.precision, f.least)
		distance := step - 20
		if exactly {
			if x.Lo.Cmp(x.Hi) != 0 {
				return fmt.Errorf("the value is not a point")
			}
			distance = step - 300
		}
		d := new(big.Float).SetMantExp(big.NewFloat(1), distance)
		wide := func() *big.Float { return new(big.Float).SetPrec(4096) }
		below, above := wide().Sub(x.Lo, d), wide().Add(x.Hi, d)
		// A middle of the least numbers has zero on one side, and either sign.
		if round(below, v.Expected.DType) == round(above, v.Expected.DType) {
			return fmt.Errorf("nothing changes 2^%d around it", distance)
		}
	}
	return nil
}

// rowsMatter checks that rounding the rows first gives another number.
func rowsMatter(v golden.Vector) error {
	if v.Options.Reduction == "" || strings.Contains(v.ID, "/cancel-") {
		return nil
	}
	whole, err := evaluate(v, 400)
	if err != nil {
		return err
	}
	p, columns := v.Expected.DType, v.Shape[1]
	sum := new(big.Rat)
	for _, row := range whole.rows {
		x := p.Widen(round(new(big.Float).SetPrec(2000).SetRat(row.value), p))
		if math.IsInf(x, 0) {
			return nil
		}
		sum.Add(sum, new(big.Rat).SetFloat64(x))
	}
	switch v.Options.Reduction {
	case "mean":
		sum.Quo(sum, big.NewRat(int64(columns*v.Shape[0]), 1))
	case "batchmean":
		sum.Quo(sum, big.NewRat(int64(v.Shape[0]), 1))
	}
	if got := spec.HexBits(p, round(new(big.Float).SetPrec(2000).SetRat(sum), p)); got == v.Expected.Values[0].RN {
		return fmt.Errorf("rounding the rows first gives %s too", got)
	}
	return nil
}

// A changed digit must be caught by the lint or by the second route: any
// digit of a rounded value, and of an enclosure the ones that say more than
// how wide it is. (That the last ones and every input are the generator's
// own, golden/make sees.)
func TestCorruptionIsCaught(t *testing.T) {
	count := 0
	for _, id := range []string{
		"golden/article/dice/f64", "golden/dtype/odd-weights/bf16", "golden/ties/base-10-up/f64", "golden/zero/q0/f64", "golden/special/nan-q-at-p0/f32",
		"golden/rows/four-none/f64", "golden/rows/rounded-once-mean/f64", "golden/quantities/js-3/f32", "golden/exact-zero/order-1/f64",
		"golden/mismatch/p-3-q-2/f64", "golden/special/negative-both/f64", "golden/result-dtype/f64-nine/f16", "golden/subnormal/q-least/f64",
		"golden/overflow/one/f64", "golden/base/half-q0/f64", "golden/near-equal/negative/f64",
		"golden/convention/clip-1e-7-lo-q-at/f32", "golden/convention/normalised-measure/f64", "golden/convention/generalised-measure/f16", "golden/convention/bits-q0/f64",
		"golden/convention/add-ratio-add-pq-above/f64", "golden/policy/plain-zero-q-reject-first/f64", "golden/policy/plain-mismatch-broadcast-rows-q/f64",
		"golden/policy/clip-1e-7-single-reduction-batchmean-rows/f64", "golden/boundaries/even-129/f32", "golden/hard/kl-3-middle-1/f64",
	} {
		v, ok := golden.Lookup(id)
		if !ok {
			t.Fatalf("no vector %s", id)
		}
		if err := sound(v); err != nil {
			t.Fatal(err)
		}
		for change, bad := range corrupt(v) {
			count++
			if sound(bad) == nil {
				t.Errorf("%s: %s is not noticed", id, change)
			}
		}
	}
	if count < 1000 {
		t.Errorf("only %d corruptions were tried", count)
	}
}

// sound is everything that can be said against one vector here.
func sound(v golden.Vector) error {
	if err := lint(v); err != nil {
		return err
	}
	return verify(v)
}

// corrupt returns copies of a vector with one thing changed, under a name for
// the change.
func corrupt(v golden.Vector) map[string]golden.Vector {
	all := map[string]golden.Vector{}
	add := func(change string, f func(e *spec.Expected)) {
		w := v
		w.Expected.Values = slices.Clone(v.Expected.Values)
		for i := range w.Expected.Values {
			s := &w.Expected.Values[i]
			s.Intervals = slices.Clone(s.Intervals)
		}
		f(&w.Expected)
		all[change] = w
	}
	if v.Expected.Whole != nil {
		add("an answer for a refusal", func(e *spec.Expected) { e.Whole, e.Values = nil, []spec.Set{{NaN: true}} })
		add("NaN beside a refusal", func(e *spec.Expected) { e.Whole = &spec.Set{NaN: true, Reject: true} })
		return all
	}
	add("a refusal for an answer", func(e *spec.Expected) { e.Whole, e.Values = &spec.Set{Reject: true}, nil })
	add("a value less", func(e *spec.Expected) { e.Values = e.Values[1:] })
	for i, s := range v.Expected.Values {
		add(fmt.Sprintf("nan of %d", i), func(e *spec.Expected) { e.Values[i].NaN = !s.NaN })
		add(fmt.Sprintf("reject of %d", i), func(e *spec.Expected) { e.Values[i].Reject = !s.Reject })
		for k, rn := range digits(s.RN, len(s.RN)) {
			add(fmt.Sprintf("digit %s of rn of %d", k, i), func(e *spec.Expected) { e.Values[i].RN = rn })
		}
		for j, x := range s.Intervals {
			if x.Lo.IsInf() {
				add("another infinity", func(e *spec.Expected) {
					inf := new(big.Float).Neg(x.Lo)
					e.Values[i].Intervals[j] = spec.Interval{Lo: inf, Hi: inf}
				})
				continue
			}
			for k, text := range digits(x.Lo.Text('x', -1), 18) {
				add(fmt.Sprintf("digit %s of lo of %d", k, i), func(e *spec.Expected) { e.Values[i].Intervals[j].Lo = parse(text, x.Lo) })
			}
			for k, text := range digits(x.Hi.Text('x', -1), 18) {
				add(fmt.Sprintf("digit %s of hi of %d", k, i), func(e *spec.Expected) { e.Values[i].Intervals[j].Hi = parse(text, x.Hi) })
			}
			add("lo and hi exchanged", func(e *spec.Expected) {
				e.Values[i].Intervals[j] = spec.Interval{Lo: new(big.Float).Add(x.Hi, one64), Hi: x.Lo}
			})
		}
	}
	return all
}

var one64 = big.NewFloat(1)

// digits returns the text with one of its hexadecimal digits changed, for
// those among the first n characters that stand before the exponent.
func digits(text string, n int) map[string]string {
	all := map[string]string{}
	start := strings.Index(text, "x") + 1
	for i := start; i < min(n, len(text)) && text[i] != 'p'; i++ {
		at := strings.IndexByte("0123456789abcdef", text[i])
		if at < 0 || start > 0 && i == start {
			continue // the point, or the leading 1, whose change would be another exponent
		}
		for _, by := range []int{1, 8, 15} {
			all[fmt.Sprintf("%d+%d", i, by)] = text[:i] + string("0123456789abcdef"[(at+by)%16]) + text[i+1:]
		}
	}
	return all
}

func parse(text string, like *big.Float) *big.Float {
	x, _, err := big.ParseFloat(text, 0, like.Prec()+64, big.ToNearestEven)
	if err != nil {
		panic(err)
	}
	return x
}

// What the prose cites must be there.
func TestProseCitesVectors(t *testing.T) {
	cited := regexp.MustCompile(`golden/[a-z0-9-]+/[a-z0-9.^-]+(/[a-z0-9]+)?`)
	for _, prose := range []string{"../spec/README.md", "../spec/article.md", "../README.md", "README.md"} {
		text, err := os.ReadFile(prose)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range cited.FindAllString(string(text), -1) {
			id = strings.TrimRight(id, ".-")
			file := strings.HasPrefix(id, "golden/vectors/") || strings.HasPrefix(id, "golden/make")
			made := id == "golden/zero-q/" // the example of a pattern
			if !file && !made && !slices.ContainsFunc(golden.Vectors(), func(v golden.Vector) bool { return strings.HasPrefix(v.ID, id) }) {
				t.Errorf("%s cites %s, which is no vector", prose, id)
			}
		}
	}
}

// Each element of "even", and each of the 17 that weigh in "tail", must be
// seen when it is lost or counted twice: by L1, or, where rounding errors of
// f32 may add up to more than one term, by L2.
func TestBoundariesMissNothing(t *testing.T) {
	seen := map[string]int{}
	for _, v := range golden.Vectors() {
		if v.Family() != "boundaries" || v.Op != "kl" {
			continue
		}
		a := v.Request().Arrays
		p, q := a[0].Floats(), a[1].Floats()
		n := float64(len(p))
		least, abs, mass := math.Inf(1), 0.0, 0.0
		for i := range p {
			x := math.Abs(p[i] * math.Log(p[i]/q[i]))
			abs += x
			mass += x + p[i] + p[i]*(math.Abs(math.Log(p[i]))+math.Abs(math.Log(q[i])))
			if x > 0 {
				least = min(least, x)
			}
		}
		u := math.Ldexp(1, -limits[v.Expected.DType].precision)
		l1, l2 := 2*(n+4)*u*mass, 4*(math.Sqrt(n)+4)*u*abs
		kind := v.Generator.Kind
		switch {
		case (v.Expected.DType == spec.F64 || kind == "tail" || n < 1500) && least > 2*l1:
			seen[kind+" L1"]++
		case kind == "even" && least > 8*l2:
			seen[kind+" L2"]++
		default:
			t.Errorf("%s: a term weighs %g; L1 allows %g, L2 %g", v.ID, least, l1, l2)
		}
	}
	if seen["even L1"] < 50 || seen["tail L1"] < 18 || seen["even L2"] == 0 {
		t.Errorf("seen: %v", seen)
	}
}

// What an adapter declares should have vectors: each field that departs from the
// definition is named by one that concerns the entry, in a format and for an
// op that it offers. testdata/lacking.txt lists what has none; all other vectors and random
// questions are asked of these entries too, under their conventions.
func TestDeclaredConventionsHaveVectors(t *testing.T) {
	ms, err := adapters.All()
	if err != nil {
		t.Fatal(err)
	}
	subjects := map[string]spec.Description{}
	for _, m := range ms {
		for _, e := range m.Entries {
			subjects[m.Name+"/"+e.ID] = spec.Description{Ops: e.Ops, DTypes: e.DTypes, Convention: e.Convention}
		}
	}
	subjects["gonum"], subjects["naive"] = gonum.New().Describe(), naive.New().Describe()
	var gaps strings.Builder
	for _, name := range slices.Sorted(maps.Keys(subjects)) {
		if d := subjects[name]; d.Convention != nil {
			if fields := lacking(d); len(fields) > 0 {
				fmt.Fprintf(&gaps, "%s: %s\n", name, strings.Join(fields, ", "))
			}
		}
	}
	known, err := os.ReadFile(filepath.Join("testdata", "lacking.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(known), gaps.String()); d != "" {
		t.Errorf("what departs without a vector about it is not what testdata/lacking.txt says: add vectors to golden/make/convention.go, or a line that says what is missing (-listed +is):\n%s", d)
	}
	strange := spec.Description{Convention: &spec.Convention{Base: "7", ZeroP: "reject"}}
	if got := lacking(strange); !slices.Equal(got, []string{"base", "zero_p"}) {
		t.Errorf("a convention without vectors lacks %v", got)
	}
}

// lacking lists the fields of a convention that departs from the definition
// for which there is no vector.
func lacking(d spec.Description) []string {
	c := *d.Convention
	var fields []string
	for _, field := range spec.Fields {
		if !departs(c, field, d) {
			continue
		}
		if !slices.ContainsFunc(golden.Vectors(), func(v golden.Vector) bool {
			return v.Convention != nil && v.Convention.Has(field) && d.Offers(v.Op, v.DType) && v.Concerns(c)
		}) {
			fields = append(fields, field)
		}
	}
	return fields
}

// departs reports whether a field answers with another number than the
// definition's in a format that is offered; refusals outside the pmfs do not.
func departs(c spec.Convention, field string, d spec.Description) bool {
	if !c.Has(field) || field == "requires_normalised" {
		return false
	}
	definition := spec.Definition()
	switch field {
	case "result_dtype":
		for from, to := range c.ResultDType {
			if to != from.ResultDType() && d.Offers("kl", from) {
				return true
			}
		}
		return false
	case "negative":
		return c.Negative == "inf" || c.Negative == "value"
	case "infinite":
		return c.Infinite == "value"
	case "nan":
		return c.NaN == "inf" || c.NaN == "ignore"
	case "empty":
		return c.Empty == "nan" || c.Empty == "inf"
	}
	return !c.Same(field, definition)
}

// A convention concerns those that compute the same number and agree in what
// it names.
func TestConcerns(t *testing.T) {
	parse := func(text string) (c spec.Convention) {
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, x := range []struct {
		vector, subject string
		dtype           spec.DType
		want            bool
	}{
		{`{"base":"2"}`, `{"base":"0x1p+1"}`, spec.F64, true},
		{`{"base":"2"}`, `{"base":"2","zero_q":"reject","steps":[]}`, spec.F64, true},
		{`{"base":"2"}`, `{}`, spec.F64, false},
		{`{"base":"2"}`, `{"base":"2","generalised":true}`, spec.F64, false},
		{`{"base":"2"}`, `{"base":"2","scale":"-1"}`, spec.F64, false},
		{`{"base":"2","zero_q":"reject"}`, `{"base":"2"}`, spec.F64, false},
		{`{"base":"2","zero_q":"inf"}`, `{"base":"2"}`, spec.F64, true},
		{`{"normalises":"both"}`, `{"steps":[{"do":"normalise","of":"both"}]}`, spec.F64, true},
		{`{"normalises":"both"}`, `{"normalises":"p"}`, spec.F64, false},
		{`{"epsilon":{"kind":"clip_both","value":"0x1p-23"}}`, `{"epsilon":{"kind":"clip_both","value":{"f64":"0x1p-52","f32":"0x1p-23"}}}`, spec.F32, true},
		{`{"epsilon":{"kind":"clip_both","value":"0x1p-23"}}`, `{"epsilon":{"kind":"clip_both","value":{"f64":"0x1p-52","f32":"0x1p-23"}}}`, spec.F64, false},
		{`{"epsilon":{"kind":"clip_both","value":"0x1p-23"}}`, `{"epsilon":{"kind":"clip_log","value":"0x1p-23"}}`, spec.F64, false},
		{`{"result_dtype":{"f16":"f16"}}`, `{"result_dtype":{"f16":"f16","bf16":"bf16"}}`, spec.F16, true},
		{`{"result_dtype":{"f16":"f16"}}`, `{}`, spec.F16, false},
		{`{"reduction":"mean"}`, `{"reduction":"batchmean"}`, spec.F64, false},
		{`{"subnormal":"flushed"}`, `{"subnormal":"kept"}`, spec.F64, false},
	} {
		c := parse(x.vector)
		v := golden.Vector{DType: x.dtype, Convention: &c}
		if got := v.Concerns(parse(x.subject)); got != x.want {
			t.Errorf("%s in %s concerns %s: %t", x.vector, x.dtype, x.subject, got)
		}
	}
}

// The condition number is (Σ|t| + P)/|K|, with P + Q for P and added to Σ|t|
// where a convention is generalised; factors cancel.
func TestCondition(t *testing.T) {
	count := 0
	for _, v := range golden.Vectors() {
		if _, domain, _, _ := v.Op.Split(); v.Len() > 300 || domain != spec.Probs || isElementwise(v) {
			continue
		}
		var answers [][]term
		var linear []*big.Rat // P + Q of a generalised convention
		if v.Convention == nil {
			a, err := evaluate(v, 0)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range a.rows {
				if i > 0 && len(v.Expected.Shape) == 0 {
					answers[0] = append(answers[0], r.terms...)
					continue
				}
				answers = append(answers, r.terms)
			}
		} else if r := v.Request(); v.Op == "kl" && len(v.Expected.Shape) == 0 && v.Convention.NaN == "" && v.Convention.Mismatch == "" {
			f := follower{*v.Convention, v.DType}
			answers = [][]term{f.row(r.Arrays[0].Floats(), r.Arrays[1].Floats()).terms}
			if g := v.Convention.Generalised; g != nil && *g {
				sum := new(big.Rat)
				for _, a := range r.Arrays {
					for _, x := range a.Floats() {
						if !math.IsInf(x, 0) && !math.IsNaN(x) && (v.Convention.Subnormal != "flushed" || x >= leastNormal[v.DType]) {
							sum.Add(sum, new(big.Rat).SetFloat64(x))
						}
					}
				}
				linear = []*big.Rat{sum}
			}
		}
		for i, terms := range answers {
			text := v.Cond[i]
			s := v.Expected.Values[i]
			if want := s.RN != "" && strings.Trim(s.RN, "0") != "" && !s.Intervals[0].Lo.IsInf() && (v.Convention == nil || !normalising(*v.Convention)); want != (text != "") {
				t.Errorf("%s: element %d has the condition number %q", v.ID, i, text)
			}
			if text == "" {
				continue
			}
			count++
			mass := new(big.Rat)
			for _, x := range terms {
				l := fixed(ln(x.x, 128), 128)
				mass.Add(mass, l.Abs(l.Mul(l, x.a)))
				mass.Add(mass, new(big.Rat).Abs(x.a))
			}
			if linear != nil { // P + Q twice in place of P
				for _, x := range terms {
					mass.Sub(mass, x.a)
				}
				mass.Add(mass, linear[0]).Add(mass, linear[0])
			}
			k, _ := s.Intervals[0].Hi.Rat(nil)
			if v.Convention != nil {
				k.Quo(k, follower{*v.Convention, v.DType}.scale())
			}
			base := v.Options.Base
			if v.Convention != nil && v.Convention.Base != "" {
				base = v.Convention.Base
			}
			if base != "" && base != "e" {
				k.Mul(k, fixed(ln(number(base), 192), 192))
			}
			if r := v.Options.Reduction; r != "" && v.Mask != nil {
				continue // the divisor is another
			} else if r != "" {
				k.Mul(k, big.NewRat(int64(divisor(r, v.Shape)), 1))
			} else if v.Convention != nil && v.Convention.Reduction != "" {
				k.Mul(k, big.NewRat(int64(divisor(v.Convention.Reduction, append([]int{1}, v.Shape...))), 1))
			}
			want := mass.Quo(mass, k.Abs(k))
			got, ok := new(big.Rat).SetString(text)
			if !ok {
				t.Fatalf("%s: %q", v.ID, text)
			}
			if ratio, _ := got.Quo(got, want).Float64(); math.Abs(ratio-1) > .006 {
				t.Errorf("%s: element %d has the condition number %s, %s is right", v.ID, i, text, want.FloatString(3))
			}
		}
	}
	if count < 1500 {
		t.Errorf("only %d condition numbers", count)
	}
}

func normalising(c spec.Convention) bool {
	return slices.ContainsFunc(c.Steps, func(s spec.Step) bool { return s.Do == "normalise" })
}

func divisor(reduction string, shape []int) int {
	switch reduction {
	case "mean":
		return shape[0] * shape[1]
	case "batchmean":
		return shape[0]
	}
	return 1
}

// checkHardness counts the equal bits after the round bit, from a value that
// is good to 64 bits more.
func checkHardness(v golden.Vector) error {
	f := limits[v.Expected.DType]
	x := v.Expected.Values[0].Intervals[0].Hi
	place := max(x.MantExp(nil)-f.precision, f.least) - 1 // of the round bit
	a, err := evaluate(v, v.Hardness+64-place)
	if err != nil {
		return err
	}
	r := new(big.Rat).Mul(a.rows[0].value, power(-place))
	nearest := new(big.Rat).Add(r, big.NewRat(1, 2))
	r.Sub(r, new(big.Rat).SetInt(new(big.Int).Div(nearest.Num(), nearest.Denom()))).Abs(r)
	if r.Cmp(power(-v.Hardness)) > 0 || r.Cmp(power(-v.Hardness-1)) <= 0 {
		off, _ := r.Float64()
		return fmt.Errorf("the hardness is %d, and the value is 2^%.2f half steps off", v.Hardness, math.Log2(off))
	}
	return nil
}

// The hardest values of each format and number of terms are as hard as the
// search is able to make them.
func TestHardness(t *testing.T) {
	hardest := map[string]int{}
	for _, v := range golden.Vectors() {
		if (v.Hardness > 0) != slices.Contains(v.Flags, "hard-to-round") {
			t.Errorf("%s has the hardness %d and the flags %v", v.ID, v.Hardness, v.Flags)
		}
		if v.Hardness == 0 {
			continue
		}
		if err := checkHardness(v); err != nil {
			t.Errorf("%s: %v", v.ID, err)
		}
		bad := v
		bad.Hardness++
		if checkHardness(bad) == nil {
			t.Errorf("%s: a hardness of %d is believed too", v.ID, bad.Hardness)
		}
		key := fmt.Sprintf("%s/%d", v.DType, v.Len())
		hardest[key] = max(hardest[key], v.Hardness)
	}
	for key, least := range map[string]int{"f64/1": 65, "f64/2": 100, "f64/3": 150, "f64/4": 195, "f32/1": 33, "f32/2": 44, "f32/3": 62, "f32/4": 84, "f16/1": 22, "bf16/1": 22} {
		if hardest[key] < least {
			t.Errorf("the hardest of %s has %d bits, not %d", key, hardest[key], least)
		}
	}
}
