package conform

import (
	"slices"
	"strings"

	"klconf/spec"
)

// shrinkAsks is how many smaller questions are put about one that failed.
const shrinkAsks = 48

// shrink returns the result of the smallest question found that breaks the requirement
// that q broke: rows and then columns of its arrays are left out, halves first, as long as
// it still does (delta debugging: Zeller and Hildebrandt, 2002). It is counted nowhere. A
// failure that is listed as known is left as it is.
func (r *run) shrink(q question, req spec.Request, failed spec.Result) (spec.Result, spec.Request) {
	if slices.ContainsFunc(r.target.Known, func(k spec.Known) bool { return Match(k.ID, q.id) }) {
		return failed, req
	}
	broken := brokenBy(failed)
	q.stratum, q.class = "", "other"
	asks := 0
	try := func(smaller spec.Request) bool {
		if asks == shrinkAsks || r.ctx.Err() != nil || r.asker.ended() != "" {
			return false
		}
		asks++
		q.request = func() spec.Request { return smaller }
		e, err := r.expect(q)
		if err != nil {
			return false
		}
		res := r.gradeAnswer(q, smaller, e, r.put(q.id, smaller))
		if res.Status != spec.Fail || brokenBy(res) != broken {
			return false
		}
		failed, req = res, smaller
		return true
	}
	for axis := range len(req.Arrays[0].Shape) {
		for size := req.Arrays[0].Shape[axis] / 2; size > 0; size /= 2 {
			for from := 0; from+size <= req.Arrays[0].Shape[axis] && size < req.Arrays[0].Shape[axis]; {
				if !try(without(req, axis, from, size)) {
					from += size
				}
			}
		}
	}
	return failed, req
}

// brokenBy is the requirement that a failed result is about.
func brokenBy(r spec.Result) string {
	id, _, _ := strings.Cut(r.Message, ":")
	return id
}

// without returns the request with so many rows (axis 0 of two) or elements left out of
// each of its arrays.
func without(req spec.Request, axis, from, size int) spec.Request {
	req.Arrays = slices.Clone(req.Arrays)
	for i, a := range req.Arrays {
		inner := a.DType.Size()
		for _, n := range a.Shape[axis+1:] {
			inner *= n
		}
		outer := a.Shape[axis] * inner
		var data []byte
		for at := 0; at < len(a.Data); at += outer {
			block := a.Data[at:][:outer]
			data = append(append(data, block[:from*inner]...), block[(from+size)*inner:]...)
		}
		a.Shape = slices.Clone(a.Shape)
		a.Shape[axis] -= size
		a.Data = data
		req.Arrays[i] = a
	}
	return req
}
