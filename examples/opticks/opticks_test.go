package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"klconf/adapters"
	"klconf/examples/readme"
	"klconf/impl"
)

// Studies of the text with the cut-offs 1 and 2.
var studies = sync.OnceValues(func() (s [3]*Study, err error) {
	text, err := opticks("")
	if err != nil {
		return s, err
	}
	return [3]*Study{1: newStudy(text, 1), 2: newStudy(text, 2)}, nil
})

// study returns one of them, or skips the test.
func study(t *testing.T, cutoff int) *Study {
	t.Helper()
	s, err := studies()
	if errors.Is(err, errText) {
		t.Skipf("not tested here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s[cutoff]
}

func TestOutput(t *testing.T) {
	study(t, 2) // or skip
	svg := filepath.Join(t.TempDir(), "gamma.svg")
	var b bytes.Buffer
	if err := run(&b, "", 2, svg); err != nil {
		t.Fatal(err)
	}
	readme.Check(t, "go run ./examples/opticks", b.String())
	if picture, err := os.ReadFile(svg); err != nil || !bytes.HasSuffix(picture, []byte("</svg>\n")) {
		t.Errorf("the picture: %v, %d bytes", err, len(picture))
	}
}

// What the walk says holds of the numbers.
func TestFindings(t *testing.T) {
	s := study(t, 2)
	for i, c := range s.Contexts {
		p := s.Model.Lidstone(c, gamma)
		if kl := impl.KL(p, s.Empirical[i]); !math.IsInf(kl, 1) {
			t.Errorf("%s: KL(model‖text) is %v, want +Inf", s.Model.Words[c], kl)
		}
		if kl := impl.KL(s.Empirical[i], p); math.IsInf(kl, 0) || kl <= 0 {
			t.Errorf("%s: KL(text‖model) is %v", s.Model.Words[c], kl)
		}
	}
	forward, reverse := best(s.sweep(10))
	if forward.Gamma >= reverse.Gamma || forward.Reverse <= reverse.Reverse || reverse.Forward <= forward.Forward {
		t.Errorf("forward is least at %+v, reverse at %+v: want different ones", forward, reverse)
	}

	// Without a cut-off nothing was seen before the unknown word, which Kneser and Ney then
	// give no probability.
	all := study(t, 1)
	for _, x := range []struct {
		name string
		n    int
		want int
	}{{"Kneser-Ney", all.refused(all.kneserNey), 18}, {"Lidstone", all.refused(all.lidstone(gamma)), 0}, {"Kneser-Ney with a cut-off", s.refused(s.kneserNey), 0}} {
		if x.n != x.want {
			t.Errorf("%s: KL(text‖model) is +Inf at %d contexts, want %d", x.name, x.n, x.want)
		}
	}
}

// Models are distributions: V terms within 6u, and a sum of V of them.
func TestModelsSumToOne(t *testing.T) {
	s := study(t, 2)
	bound := (6 + float64(len(s.Model.Words))) * 0x1p-53
	for _, c := range s.Contexts {
		for name, p := range map[string][]float64{"Lidstone": s.Model.Lidstone(c, gamma), "Kneser-Ney": s.kneserNey(c), "raised": s.Seen.Lidstone(c, half)} {
			var sum float64
			for _, x := range p {
				sum += x
			}
			if math.Abs(sum-1) > bound {
				t.Errorf("%s, %s: the sum is 1%+.1e", name, s.Model.Words[c], sum-1)
			}
		}
	}
}

func TestSentences(t *testing.T) {
	const text = "OPTICKS. The Rays are _refracted_, or reflected; see 3.5 here! Is it so? All the rays that differ in colour: yes"
	want := [][]string{
		strings.Fields("the rays are refracted , or reflected ; see . here !"),
		strings.Fields("all the rays that differ in colour : yes"),
	}
	if got := sentences(text); !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	train, heldOut := split(sentences(strings.Repeat(text+". ", 10)), seed)
	if len(train) != 18 || len(heldOut) != 2 {
		t.Errorf("%d and %d sentences, want 18 and 2", len(train), len(heldOut))
	}
}

func TestBigrams(t *testing.T) {
	train := [][]string{{"a", "b", "a"}, {"a", "c"}}
	b := count(vocabulary(train, 2), train) // a, <UNK> for b and c
	a := b.place["a"]
	want := map[string]float64{"a": 0 + .5, unknown: 2 + .5, end: 1 + .5, begin: 0 + .5}
	p, kn := b.Lidstone(a, .5), b.KneserNey(a, .75)
	// Pairs: <s>a a<UNK> <UNK>a a</s> <UNK></s>.
	pairs := map[string]float64{"a": 2, unknown: 1, end: 2, begin: 0}
	for i, w := range b.Words {
		if got, want := p[i], want[w]/5; math.Abs(got-want) > 1e-15 {
			t.Errorf("Lidstone, %s: %v, want %v", w, got, want)
		}
		wantKN := max(want[w]-.5-.75, 0)/3 + .75*2/3*pairs[w]/5
		if math.Abs(kn[i]-wantKN) > 1e-15 {
			t.Errorf("Kneser-Ney, %s: %v, want %v", w, kn[i], wantKN)
		}
	}
	if len(p) != 4 {
		t.Errorf("the vocabulary is %q", b.Words)
	}
}

func TestOtherTexts(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other.txt")
	if err := os.WriteFile(other, []byte("Gettysburg."), 0o666); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{other: "has the SHA-256", filepath.Join(dir, "none.txt"): "there is no"} {
		err := run(io.Discard, file, 2, "")
		if !errors.Is(err, errText) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestPicture(t *testing.T) {
	points := []Point{{.001, 1, .9}, {.1, .5, .6}, {10, 2, .1}}
	var b bytes.Buffer
	if err := picture(&b, points); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(b.Bytes())); ; {
		_, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"currentColor", "forward, KL(text‖model)", "reverse, KL(model‖text+½)"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the picture has no %q", want)
		}
	}
	if strings.Contains(b.String(), "#000000") {
		t.Error("the picture has black ink, which is not seen on dark ground")
	}
}

// NLTK's models of the same sentences have the same probabilities. Ours are within 6u of the
// real numbers, u = 2⁻⁵³, and so are NLTK's, which takes as many operations.
const agreement = 12 * 0x1p-53

// disagreements compares probabilities of words in contexts.
func disagreements(ours, theirs [][]float64) (found []string) {
	if len(ours) != len(theirs) {
		return []string{fmt.Sprintf("%d contexts and %d", len(ours), len(theirs))}
	}
	for i := range ours {
		if len(ours[i]) != len(theirs[i]) {
			return []string{fmt.Sprintf("context %d: %d words and %d", i, len(ours[i]), len(theirs[i]))}
		}
		for j, x := range ours[i] {
			if y := theirs[i][j]; !(math.Abs(x-y) <= agreement*x) {
				found = append(found, fmt.Sprintf("context %d, word %d: %v and %v", i, j, x, y))
			}
		}
	}
	return found
}

func TestNLTK(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: no foreign tool is started")
	}
	if _, err := os.ReadFile("nltk_model.py"); err != nil { // so that go test knows when its result is out of date
		t.Fatal(err)
	}
	s := study(t, 2)
	few := []string{unknown, "light"}
	asked := map[string]any{"train": s.Train, "cutoff": 2, "gamma": gamma, "discount": discount, "few": few}
	var names []string
	var lidstone, spoilt, kneserNey [][]float64
	for _, c := range s.Contexts {
		names = append(names, s.Model.Words[c])
		lidstone = append(lidstone, s.Model.Lidstone(c, gamma))
		spoilt = append(spoilt, s.Model.Lidstone(c, gamma*(1+1e-9)))
		var row []float64
		p := s.kneserNey(c)
		for _, w := range few {
			row = append(row, p[s.Model.place[w]])
		}
		kneserNey = append(kneserNey, row)
	}
	asked["contexts"] = names

	var said struct {
		Words     []string    `json:"words"`
		Lidstone  [][]float64 `json:"lidstone"`
		KneserNey [][]float64 `json:"kneser_ney"`
	}
	ask(t, asked, &said)

	if !slices.Equal(said.Words, s.Model.Words) {
		t.Fatalf("NLTK has %d words, we have %d", len(said.Words), len(s.Model.Words))
	}
	for _, d := range append(disagreements(lidstone, said.Lidstone), disagreements(kneserNey, said.KneserNey)...) {
		t.Error(d)
	}
	if n := len(disagreements(spoilt, said.Lidstone)); n == 0 {
		t.Error("a γ that is off by 1e-9 of it is not noticed")
	}
	t.Logf("%d probabilities by Lidstone and %d by Kneser and Ney agree within 12u", len(names)*len(said.Words), len(names)*len(few))
}

// ask lets nltk_model.py answer. Unless KLCONF_FULL is set, nothing is fetched.
func ask(t *testing.T, question, answer any) {
	t.Helper()
	full := os.Getenv("KLCONF_FULL") != ""
	unable := func(err error, said *bytes.Buffer) {
		t.Helper()
		if full || strings.Contains(said.String(), "Traceback") {
			t.Fatalf("NLTK does not answer: %v\n%s", err, said)
		}
		t.Skipf("not compared with NLTK here, which klconf setup nltk or KLCONF_FULL=1 fetches: %v\n%s", err, said)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var out, said bytes.Buffer
	uv, err := adapters.UV(ctx, &said, adapters.Options{Offline: !full})
	if err != nil {
		unable(err, &said)
	}
	words := []string{"run", "--quiet", "--script", "nltk_model.py"}
	if !full {
		words = slices.Insert(words, 1, "--offline")
	}
	in, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, uv, words...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &said
	if err := cmd.Run(); err != nil {
		unable(err, &said)
	}
	if err := json.Unmarshal(out.Bytes(), answer); err != nil {
		t.Fatalf("%v: %.200s", err, &out)
	}
}
