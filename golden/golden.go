// Package golden is the suite's permanent questions: inputs as bits, and
// everything that a right answer may be, proved and stored.
//
// A vector's inputs never change once it is released, and neither does its
// id; what was wrong gets a new name. The files under vectors/ are written by
// golden/make from the tables there and are meant to be read by other
// languages too: README.md in this folder describes them.
package golden

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/big"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"klconf/spec"
)

//go:generate go run klconf/golden/make

// Version is the version of the set of vectors.
const Version = "0.2"

// Schema is the schema name of a file of vectors.
const Schema = "klconf-vectors/1"

// The dot file in the folder lets golden/make be built when every vector is gone.
//
//go:embed all:vectors
var files embed.FS

// Files returns the stored files, one for each family, named FAMILY.json.
func Files() fs.FS {
	f, err := fs.Sub(files, "vectors")
	if err != nil {
		panic("golden: " + err.Error())
	}
	return f
}

// The classes of inputs. An implementation is compared with the definition on
// pmfs and on measures apart.
const (
	PMF     = "pmf"     // finite weights ≥ 0 with exact totals within n·u of 1, u the format's
	Measure = "measure" // finite weights ≥ 0 with other totals
	Other   = "other"   // a NaN, an infinity or a negative weight is present
)

// Strata lists the strata that a vector may belong to.
var Strata = []string{"special", "zero", "generic", "near-equal", "huge-ratio", "subnormal", "large-n", "p-ne-q",
	"softmax", "low-precision"}

// A Vector is one question with its right answer: under the definition, or
// under Convention where there is one.
//
// The numbers come from P and Q, from Generator or from Data, and from
// exactly one of the three.
type Vector struct {
	ID           string // golden/FAMILY/NAME/DTYPE, permanent
	Comment      string
	Op           spec.Op
	DType        spec.DType // format of P and Q
	Shape        []int      // of P: [n], or [rows, n]
	QShape       []int      // of Q, where it is not Shape; nil for one array
	P, Q         []string   // hexadecimal words, most significant digit first
	Generator    *Generator // a rule in place of words
	Data         *Data      // rows of a stored file in place of words
	Mask         []string   // u8 words with the shape of P, 01 keeps; nil without a mask
	Options      spec.Options
	Convention   *spec.Convention // nil is the definition
	Stratum      string
	Class        string // PMF, Measure or Other, from the exact totals
	Requirements []string
	Flags        []string // keys of Notes
	Source       string
	// Hardness is, for an input found by searching, how many bits after the
	// round bit of the exact value are equal: how close it is to a number of
	// the result format or to the middle of two. 0 says nothing.
	Hardness int
	Expected spec.Expected // without masses: conform/judge adds them
	// Cond has, for each value, the condition number (Σ|t| + P)/|K| in
	// decimal, rounded to three digits, or "" where K is 0 or not finite.
	Cond []string
}

// A Note says what kind of bug a flag stands for, what it does to a user, and
// who has had it.
type Note struct {
	BugType string   `json:"bug_type"`
	Effect  string   `json:"effect"`
	Victims []string `json:"victims,omitempty"`
	Links   []string `json:"links,omitempty"` // owner/repository#number
}

// Family returns the second part of the id.
func (v Vector) Family() string {
	f, _, _ := strings.Cut(strings.TrimPrefix(v.ID, "golden/"), "/")
	return f
}

// Len returns the number of elements of the longer array.
func (v Vector) Len() int { return max(count(v.Shape), count(v.QShape)) }

// count is the number of elements of a shape, 0 for none.
func count(shape []int) int {
	if shape == nil {
		return 0
	}
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Request returns the question. It shares no memory with v.
func (v Vector) Request() spec.Request {
	r := spec.Request{Op: v.Op, Options: v.Options}
	quantity, _, _, _ := v.Op.Split()
	switch {
	case v.Generator != nil:
		p, q := v.Generator.Arrays(v.DType)
		p.Shape, q.Shape = slices.Clone(v.Shape), slices.Clone(v.Shape)
		r.Arrays = []spec.Array{p, q}[:quantity.Arity()]
	case v.Data != nil:
		p, q := v.Data.arrays(v.DType, v.Shape)
		r.Arrays = []spec.Array{p, q}[:quantity.Arity()]
	default:
		r.Arrays = append(r.Arrays, array("p", v.DType, v.Shape, v.P))
		if quantity.Arity() == 2 {
			shape := v.Shape
			if v.QShape != nil {
				shape = v.QShape
			}
			r.Arrays = append(r.Arrays, array("q", v.DType, shape, v.Q))
		}
	}
	if v.Mask != nil {
		r.Arrays = append(r.Arrays, array("mask", spec.U8, v.Shape, v.Mask))
	}
	return r
}

// array decodes words. They were checked when the file was read.
func array(name string, d spec.DType, shape []int, words []string) spec.Array {
	a := spec.NewArray(name, d, shape...)
	for i, w := range words {
		bits, err := parseWord(d, w)
		if err != nil {
			panic("golden: " + err.Error())
		}
		a.SetBits(i, bits)
	}
	return a
}

func parseWord(d spec.DType, w string) (uint64, error) {
	bits, err := strconv.ParseUint(w, 16, 8*d.Size())
	if err != nil || len(w) != 2*d.Size() {
		return 0, fmt.Errorf("%q is not a word of %d hexadecimal digits", w, 2*d.Size())
	}
	return bits, nil
}

// Vectors returns all vectors: families in alphabetic order, each in the
// order of its file. The slice is shared: do not modify it.
func Vectors() []Vector { return load().vectors }

// Lookup returns the vector with that id.
func Lookup(id string) (Vector, bool) {
	i, ok := load().byID[id]
	if !ok {
		return Vector{}, false
	}
	return load().vectors[i], true
}

// Notes returns what the flags mean. The map is shared: do not modify it.
func Notes() map[string]Note { return load().notes }

// Width returns the largest w with Hi − Lo ≤ 2^-w. ok is false for a single
// point and for an infinity.
func Width(v spec.Interval) (w int, ok bool) {
	if v.Lo.IsInf() || v.Hi.IsInf() {
		return 0, false
	}
	d := new(big.Float).SetPrec(64).SetMode(big.ToPositiveInf)
	d.Sub(v.Hi, v.Lo)
	if d.Sign() == 0 {
		return 0, false
	}
	w = -d.MantExp(nil)
	if d.MinPrec() == 1 {
		w++
	}
	return w, true
}

type set struct {
	vectors []Vector
	byID    map[string]int
	notes   map[string]Note
}

var load = sync.OnceValue(func() set {
	names, err := fs.Glob(files, "vectors/*.json")
	if err != nil {
		panic("golden: " + err.Error())
	}
	s := set{byID: map[string]int{}, notes: map[string]Note{}}
	for _, name := range names { // sorted
		b, err := files.ReadFile(name)
		if err != nil {
			panic("golden: " + err.Error())
		}
		vectors, notes, err := Parse(b)
		if err != nil {
			panic("golden: " + path.Base(name) + ": " + err.Error())
		}
		for _, v := range vectors {
			s.byID[v.ID] = len(s.vectors)
			s.vectors = append(s.vectors, v)
		}
		maps.Copy(s.notes, notes)
	}
	return s
})

// The stored form. Order and names of the fields are those of the files.
type (
	file struct {
		Schema  string          `json:"schema"`
		Family  string          `json:"family"`
		Notes   map[string]Note `json:"notes"`
		Vectors []stored        `json:"vectors"`
	}
	stored struct {
		ID           string           `json:"id"`
		Comment      string           `json:"comment"`
		Op           spec.Op          `json:"op"`
		DType        spec.DType       `json:"dtype"`
		Shape        []int            `json:"shape"`
		QShape       []int            `json:"q_shape"`
		P            []string         `json:"p"`
		Q            []string         `json:"q"`
		Generator    *Generator       `json:"generator"`
		Data         *Data            `json:"data"`
		Mask         []string         `json:"mask"`
		Options      spec.Options     `json:"options"`
		Convention   *spec.Convention `json:"convention"`
		Stratum      string           `json:"stratum"`
		Class        string           `json:"class"`
		Requirements []string         `json:"requirements"`
		Flags        []string         `json:"flags"`
		Source       string           `json:"source"`
		Hardness     int              `json:"hardness"`
		Expected     json.RawMessage  `json:"expected"`
	}
	value struct {
		spec.Set
		W    *int     `json:"w"`
		Errs *big.Int `json:"errs"`
		Cond string   `json:"cond"`
	}
)

// Parse reads one file of vectors. It refuses unknown fields, words of the
// wrong width, and arrays that do not have the announced shape.
func Parse(b []byte) ([]Vector, map[string]Note, error) {
	var f file
	if err := strict(b, &f); err != nil {
		return nil, nil, err
	}
	if f.Schema != Schema {
		return nil, nil, fmt.Errorf("the schema is %q, not %q", f.Schema, Schema)
	}
	vectors := make([]Vector, len(f.Vectors))
	for i, s := range f.Vectors {
		v, err := s.vector()
		if err != nil {
			return nil, nil, fmt.Errorf("vector %q: %w", s.ID, err)
		}
		if v.Family() != f.Family {
			return nil, nil, fmt.Errorf("vector %q is not of the family %q", s.ID, f.Family)
		}
		vectors[i] = v
	}
	return vectors, f.Notes, nil
}

func strict(b []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(to)
}

func (s stored) vector() (Vector, error) {
	v := Vector{s.ID, s.Comment, s.Op, s.DType, s.Shape, s.QShape, s.P, s.Q, s.Generator, s.Data, s.Mask, s.Options, s.Convention,
		s.Stratum, s.Class, s.Requirements, s.Flags, s.Source, s.Hardness, spec.Expected{}, nil}
	_, _, rows, ok := s.Op.Split()
	if !ok {
		return v, fmt.Errorf("%q is not a question", s.Op)
	}
	if err := s.checkArrays(); err != nil {
		return v, err
	}

	e := &v.Expected
	e.DType = s.DType.ResultDType()
	if s.Convention != nil && s.Convention.ResultDType[s.DType] != "" {
		e.DType = s.Convention.ResultDType[s.DType]
	}
	if s.Options.ResultDType != "" {
		e.DType = s.Options.ResultDType
	}
	each := s.Options.Grad != "" || s.Op == spec.Op(spec.KLEstimate) // one number for each element
	one := !each && (!rows || s.Options.Reduction != "") || s.Convention != nil && s.Convention.Reduction != "" && s.Convention.Reduction != "none"
	if bytes.HasPrefix(s.Expected, []byte("[")) {
		var list []value
		if err := strict(s.Expected, &list); err != nil {
			return v, fmt.Errorf("expected: %w", err)
		}
		want := s.Shape[0]
		e.Shape = []int{len(list)}
		if each {
			want = count(s.Shape)
			e.Shape = s.Shape
		}
		e.Values = make([]spec.Set, len(list))
		for i := range list {
			if err := list[i].check(); err != nil {
				return v, fmt.Errorf("expected: element %d: %w", i, err)
			}
			e.Values[i] = list[i].Set
			v.Cond = append(v.Cond, list[i].Cond)
		}
		if broadcast := s.QShape != nil; one || !broadcast && len(list) != want {
			return v, fmt.Errorf("expected: %d values for %s of shape %v", len(list), s.Op, s.Shape)
		}
		return v, nil
	}
	var x value
	if err := strict(s.Expected, &x); err != nil {
		return v, fmt.Errorf("expected: %w", err)
	}
	if err := x.check(); err != nil {
		return v, fmt.Errorf("expected: %w", err)
	}
	switch {
	case x.Reject && !x.NaN && len(x.Intervals) == 0 && (s.Convention == nil || s.QShape != nil):
		e.Whole = &x.Set
	case !one:
		return v, fmt.Errorf("expected: one value for the rows of %v", s.Shape)
	default:
		e.Values = []spec.Set{x.Set}
		v.Cond = []string{x.Cond}
	}
	return v, nil
}

// checkArrays compares what the numbers come from with the shapes.
func (s stored) checkArrays() error {
	quantity, _, _, _ := s.Op.Split()
	if len(s.Shape) == 0 {
		return fmt.Errorf("the shape is empty")
	}
	if s.Mask != nil {
		if err := check(spec.U8, s.Mask, s.Shape); err != nil {
			return fmt.Errorf("mask: %w", err)
		}
	}
	switch {
	case s.Generator != nil && s.Data != nil, (s.Generator != nil || s.Data != nil) && (s.P != nil || s.Q != nil || s.QShape != nil):
		return fmt.Errorf("the numbers come from words, a generator or data, and from one of them")
	case s.Generator != nil:
		if err := s.Generator.check(s.DType); err != nil {
			return fmt.Errorf("generator: %w", err)
		}
		if s.Generator.N != count(s.Shape) {
			return fmt.Errorf("generator: %d elements for the shape %v", s.Generator.N, s.Shape)
		}
		return nil
	case s.Data != nil:
		if err := s.Data.check(s.DType, s.Shape, quantity.Arity()); err != nil {
			return fmt.Errorf("data: %w", err)
		}
		return nil
	}
	if (s.Q != nil) != (quantity.Arity() == 2) {
		return fmt.Errorf("%s has %d arrays", s.Op, quantity.Arity())
	}
	if !s.DType.Float() {
		return fmt.Errorf("vectors of %s are not in this schema", s.DType)
	}
	if err := check(s.DType, s.P, s.Shape); err != nil {
		return fmt.Errorf("p: %w", err)
	}
	if s.Q != nil {
		shape := s.Shape
		if s.QShape != nil {
			shape = s.QShape
		}
		if err := check(s.DType, s.Q, shape); err != nil {
			return fmt.Errorf("q: %w", err)
		}
	}
	return nil
}

// check compares w and errs with the enclosure, which takes them over: it is
// errs units of 2^-w to both sides of its middle, rounded up.
func (x *value) check() error {
	wide := -1
	for i, v := range x.Intervals {
		if _, ok := Width(v); ok {
			wide = i
		}
	}
	if (wide >= 0) != (x.W != nil) || (wide >= 0) != (x.Errs != nil) {
		return fmt.Errorf("w and errs go with an enclosure that is wider than a point, and only with that")
	}
	if wide < 0 {
		return nil
	}
	v := &x.Intervals[wide]
	v.W, v.Err = *x.W, x.Errs
	if half := halfWidth(*v, v.W); half.Cmp(v.Err) != 0 {
		return fmt.Errorf("errs is %s, and the enclosure says %s units of 2^-%d", v.Err, half, v.W)
	}
	return nil
}

// halfWidth returns half of Hi − Lo in units of 2^-w, rounded up.
func halfWidth(v spec.Interval, w int) *big.Int {
	lo, _ := v.Lo.Rat(nil)
	hi, _ := v.Hi.Rat(nil)
	r := new(big.Rat).Sub(hi, lo)
	num, den := new(big.Int).Set(r.Num()), new(big.Int).Set(r.Denom())
	if k := w - 1; k >= 0 {
		num.Lsh(num, uint(k))
	} else {
		den.Lsh(den, uint(-k))
	}
	num.Neg(num)
	num.Div(num, den) // Euclidean, and den > 0: the floor
	return num.Neg(num)
}

// check compares words with the shape that they are meant to fill.
func check(d spec.DType, words []string, shape []int) error {
	a := spec.Array{DType: d, Shape: shape, Data: make([]byte, d.Size()*len(words))}
	if len(shape) == 0 {
		return fmt.Errorf("the shape is empty")
	}
	if err := a.Check(); err != nil {
		return err
	}
	for _, w := range words {
		if _, err := parseWord(d, w); err != nil {
			return err
		}
	}
	return nil
}
