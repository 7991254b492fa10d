package golden_test

import (
	"fmt"
	"io/fs"
	"math"
	"math/big"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

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
		} else if known.Since > spec.Version {
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

var id = regexp.MustCompile(`^golden/[a-z][a-z0-9-]*/[a-z0-9][a-z0-9-]*/(f64|f32|f16|bf16)$`)

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
