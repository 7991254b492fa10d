package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"klconf/golden"
	"klconf/spec"
)

// layout writes one file: a field a line, an array of words on one line.
func layout(name string, vectors []golden.Vector) []byte {
	var flags []string
	for _, v := range vectors {
		flags = append(flags, v.Flags...)
	}
	slices.Sort(flags)
	flags = slices.Compact(flags)

	var b strings.Builder
	fmt.Fprintf(&b, "{\n  \"schema\": %s,\n  \"family\": %s,\n", compact(golden.Schema), compact(name))
	b.WriteString("  \"notes\": {")
	for i, flag := range flags {
		note := notes[flag]
		lines := []string{field("bug_type", note.BugType), field("effect", note.Effect)}
		if len(note.Victims) > 0 {
			lines = append(lines, field("victims", note.Victims))
		}
		if len(note.Links) > 0 {
			lines = append(lines, field("links", note.Links))
		}
		fmt.Fprintf(&b, "%s\n    %s: {\n      %s\n    }", comma(i), compact(flag), strings.Join(lines, ",\n      "))
	}
	if len(flags) > 0 {
		b.WriteString("\n  ")
	}
	b.WriteString("},\n  \"vectors\": [")
	for i, v := range vectors {
		fmt.Fprintf(&b, "%s\n    {\n      %s\n    }", comma(i), strings.Join(fields(v), ",\n      "))
	}
	b.WriteString("\n  ]\n}\n")
	return []byte(b.String())
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

func fields(v golden.Vector) []string {
	lines := []string{
		field("id", v.ID),
		field("comment", v.Comment),
		field("op", v.Op),
		field("dtype", v.DType),
		field("shape", v.Shape),
	}
	if v.QShape != nil {
		lines = append(lines, field("q_shape", v.QShape))
	}
	switch {
	case v.Generator != nil:
		lines = append(lines, field("generator", v.Generator))
	case v.Data != nil:
		lines = append(lines, field("data", v.Data))
	default:
		lines = append(lines, field("p", v.P))
		if v.Q != nil {
			lines = append(lines, field("q", v.Q))
		}
	}
	if v.Mask != nil {
		lines = append(lines, field("mask", v.Mask))
	}
	if options := compact(v.Options); options != "{}" {
		lines = append(lines, `"options": `+options)
	}
	if v.Convention != nil {
		lines = append(lines, field("convention", v.Convention))
	}
	lines = append(lines,
		field("stratum", v.Stratum),
		field("class", v.Class),
		field("requirements", v.Requirements),
		field("flags", nonNil(v.Flags)),
		field("source", v.Source))
	if v.Hardness > 0 {
		lines = append(lines, field("hardness", v.Hardness))
	}

	switch e := v.Expected; {
	case e.Whole != nil:
		lines = append(lines, `"expected": `+value(*e.Whole, ""))
	case len(e.Shape) == 0:
		lines = append(lines, `"expected": `+value(e.Values[0], v.Cond[0]))
	case len(e.Values) == 0:
		lines = append(lines, `"expected": []`)
	default:
		list := make([]string, len(e.Values))
		for i, s := range e.Values {
			list[i] = value(s, v.Cond[i])
		}
		lines = append(lines, "\"expected\": [\n        "+strings.Join(list, ",\n        ")+"\n      ]")
	}
	return lines
}

// value writes what one number may be, its condition number, and how an
// enclosure was proved: from logarithms with w fractional bits, errs units of
// 2^-w to both sides. An exact number needs no proof.
func value(s spec.Set, cond string) string {
	var out struct {
		Set    []spec.Interval `json:"set"`
		NaN    bool            `json:"nan"`
		Reject bool            `json:"reject"`
		RN     string          `json:"rn,omitempty"`
		W      *int            `json:"w,omitempty"`
		Errs   *big.Int        `json:"errs,omitempty"`
		Cond   string          `json:"cond,omitempty"`
	}
	out.Set, out.NaN, out.Reject, out.RN = nonNil(s.Intervals), s.NaN, s.Reject, s.RN
	out.Cond = cond
	for _, v := range s.Intervals {
		if _, ok := golden.Width(v); ok {
			out.W, out.Errs = &v.W, v.Err
		}
	}
	return compact(out)
}

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func field(name string, x any) string { return compact(name) + ": " + compact(x) }

// compact is JSON on one line, with <, > and & as themselves.
func compact(x any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(x); err != nil {
		panic("golden/make: " + err.Error())
	}
	return strings.TrimSuffix(b.String(), "\n")
}
