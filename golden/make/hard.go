package main

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"klconf/spec"
)

//go:generate sh -c "go run ./search > hard.txt"

// hardTable is what search found.
//
//go:embed hard.txt
var hardTable string

// hard has values that are hard to round, found by searching.
func hard() family {
	var qs []question
	for line := range strings.Lines(hardTable) {
		q, err := hardCase(line)
		if err != nil {
			panic(fmt.Sprintf("golden/make: hard.txt: %q: %v", line, err))
		}
		qs = append(qs, q)
	}
	return family{"hard", "p-ne-q", "golden/make/search", qs}
}

// hardCase reads HARDNESS NAME DTYPE OP BASE P Q.
func hardCase(line string) (question, error) {
	f := strings.Fields(line)
	if len(f) != 7 {
		return question{}, fmt.Errorf("%d words, not 7", len(f))
	}
	hardness, err := strconv.Atoi(f[0])
	if err != nil || hardness < 1 {
		return question{}, fmt.Errorf("%q is no hardness", f[0])
	}
	d := spec.DType(f[2])
	q := question{name: f[1], f: formats[d], op: spec.Op(f[3]), hard: hardness, flags: "hard-to-round",
		req: map[string]string{"kl": "DEF-1", "entropy": "DEF-5", "cross_entropy": "DEF-6"}[f[3]] + " DEF-9"}
	if f[4] != "e" {
		q.opt.Base = spec.Real(f[4])
		q.req += " DEF-4"
	}
	where := "a number"
	if strings.Contains(f[1], "-middle-") {
		where, q.flags = "the middle of two numbers", q.flags+" near-tie"
	}
	q.comment = fmt.Sprintf("%d bits after the round bit are equal: next to %s of the result format", hardness, where)
	for i, side := range []*[]uint64{&q.pw, &q.qw} {
		if f[5+i] == "-" {
			continue
		}
		for w := range strings.SplitSeq(f[5+i], ",") {
			b, err := strconv.ParseUint(w, 16, 8*d.Size())
			if err != nil {
				return q, err
			}
			*side = append(*side, b)
		}
	}
	if n := len(q.pw); n == 1 {
		q.req += " VAL-18"
	}
	if d == spec.F16 || d == spec.BF16 {
		q.stratum = "low-precision"
	}
	return q, nil
}
