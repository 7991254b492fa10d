package conform

import (
	"fmt"
	"math"

	"klconf/conform/judge"
	"klconf/spec"
)

// floatTypes are the formats that questions are asked in.
var floatTypes = []spec.DType{spec.F64, spec.F32, spec.F16, spec.BF16}

// planIO adds the checks of behaviour: bits, memory, state, refusals.
func (r *run) planIO(add func(string, func())) {
	for _, d := range floatTypes {
		if !r.desc.Offers("kl", d) {
			continue
		}
		add(fmt.Sprintf("io/echo/%s", d), func() { r.echo(d) })
		add(fmt.Sprintf("io/mutation/%s", d), func() { r.mutation(d) })
		add(fmt.Sprintf("io/alias/%s", d), func() { r.alias(d) })
		add(fmt.Sprintf("io/state/%s", d), func() { r.state(d) })
	}
	add("io/unknown-op", r.unknownOp)
	if r.target.Impl != nil {
		add("io/environment", r.environment)
	}
}

// sample returns a pair of pmfs of format d.
func sample(d spec.DType) []spec.Array {
	p := []float64{.25, .25, .125, .0625, .0625, .0625, .0625, .0625, .0625}
	q := []float64{.125, .25, .25, .125, .0625, .0625, .0625, .03125, .03125}
	return []spec.Array{floats("p", d, p), floats("q", d, q)}
}

func floats(name string, d spec.DType, x []float64) spec.Array {
	bits := make([]uint64, len(x))
	for i, v := range x {
		bits[i] = judge.Bits(d, v)
	}
	return spec.FromBits(name, d, bits)
}

// tell records a check that is not about a number.
func (r *run) tell(id, requirement string, a spec.Answer, ok bool, why string, req spec.Request) {
	res := spec.Result{ID: id, Requirements: []string{requirement}, Status: spec.Pass}
	switch {
	case a.Status != spec.OK && a.Status != spec.Rejected:
		res.Status, res.Message = statusOf(a)
	case !ok:
		res.Status, res.Message = spec.Fail, requirement+": "+why
	}
	r.record(res, req)
}

// echo sends bit patterns that decimal text, sign handling or flushing would
// change.
func (r *run) echo(d spec.DType) {
	least := uint64(1)
	sign := uint64(1) << (8*d.Size() - 1)
	bits := []uint64{0, sign, least, sign | least, judge.Bits(d, 1), judge.Bits(d, -1), judge.Bits(d, 1) + 1,
		judge.Bits(d, math.Inf(1)), judge.Bits(d, math.Inf(-1)), judge.Bits(d, math.NaN()), judge.Bits(d, math.Inf(1)) - 1}
	req := spec.Request{Op: spec.OpEcho, Arrays: []spec.Array{spec.FromBits("x", d, bits)}}
	a := r.asker.ask(r.ctx, "io/echo", req)
	back, ok := a.Result()
	why := "echo did not return one buffer"
	if ok {
		back.Name = "x"
		ok, why = sameAnswer(a, spec.Answer{Status: spec.OK, Arrays: req.Arrays}), "echo changed the bits: sent "+fmt.Sprint(hex(req.Arrays[0]))+", got back "+fmt.Sprint(hex(back))
	}
	r.tell(fmt.Sprintf("io/echo/%s", d), "IO-5", a, ok, why, req)
}

func hex(a spec.Array) []string {
	if a.Check() != nil {
		return nil
	}
	return spec.InputsOf([]spec.Array{a})[0].Hex
}

// loaded stores the sample as a and b; it returns the first answer that is
// not ok.
func (r *run) loaded(id string, arrays []spec.Array) spec.Answer {
	for i, key := range []string{"a", "b"} {
		x := arrays[i].Clone()
		if a := r.asker.ask(r.ctx, id, spec.Request{Op: spec.OpLoad, Key: key, Arrays: []spec.Array{x}}); a.Status != spec.OK {
			return a
		}
	}
	return spec.Answer{Status: spec.OK}
}

func (r *run) drop(id string) {
	for _, key := range []string{"a", "b"} {
		r.asker.ask(r.ctx, id, spec.Request{Op: spec.OpDrop, Key: key})
	}
}

// mutation asks on loaded buffers and looks at them afterwards.
func (r *run) mutation(d spec.DType) {
	id := fmt.Sprintf("io/mutation/%s", d)
	arrays := sample(d)
	req := spec.Request{Op: "kl", Arrays: arrays}
	if a := r.loaded(id, arrays); a.Status != spec.OK {
		r.tell(id, "IO-1", a, false, "load was refused", req)
		return
	}
	defer r.drop(id)
	a := r.asker.ask(r.ctx, id, spec.Request{Op: "kl", Keys: []string{"a", "b"}})
	if a.Status != spec.OK {
		r.tell(id, "IO-1", a, false, "loaded buffers were refused: "+a.Message, req)
		return
	}
	for i, key := range []string{"a", "b"} {
		e := r.asker.ask(r.ctx, id, spec.Request{Op: spec.OpEcho, Key: key})
		if !sameAnswer(e, spec.Answer{Status: spec.OK, Arrays: arrays[i : i+1]}) {
			name := []string{"P", "Q"}[i]
			r.tell(id, "IO-1", spec.Answer{Status: spec.OK}, false, name+" was changed by the call: "+text(e), req)
			return
		}
	}
	r.tell(id, "IO-1", a, true, "", req)
}

// alias passes one buffer as both arguments.
func (r *run) alias(d spec.DType) {
	id := fmt.Sprintf("io/alias/%s", d)
	arrays := sample(d)
	arrays[0].Data = arrays[1].Data
	q := question{id: id, requirements: []string{"IO-3"}, request: func() spec.Request {
		return spec.Request{Op: "kl", Arrays: []spec.Array{named("p", arrays[1]), named("q", arrays[1])}}
	}, class: "pmf"}
	if a := r.loaded(id, arrays); a.Status != spec.OK {
		r.tell(id, "IO-3", a, false, "load was refused", q.request())
		return
	}
	defer r.drop(id)
	e, err := r.expect(q)
	if err != nil {
		return
	}
	a := r.asker.ask(r.ctx, id, spec.Request{Op: "kl", Keys: []string{"b", "b"}})
	r.record(r.gradeAnswer(q, q.request(), e, a), q.request())
}

func named(name string, a spec.Array) spec.Array {
	a = a.Clone()
	a.Name = name
	return a
}

// state asks A, and A again after each of some questions that leave traces: a
// NaN, zeros, nothing, a long vector, an infinity, another answer of A's length.
func (r *run) state(d spec.DType) {
	id := fmt.Sprintf("io/state/%s", d)
	req := spec.Request{Op: "kl", Arrays: sample(d)}
	first := r.put(id, req)
	long := make([]float64, 70)
	for i := range long {
		long[i] = 0x1p-6
	}
	other := sample(d)
	second, ok := first, true
	for _, trace := range [][]spec.Array{
		{floats("p", d, []float64{math.NaN()}), floats("q", d, []float64{1})},
		{floats("p", d, []float64{0}), floats("q", d, []float64{0})},
		{floats("p", d, nil), floats("q", d, nil)},
		{floats("p", d, long), floats("q", d, long)},
		{floats("p", d, []float64{1}), floats("q", d, []float64{0})},
		{named("p", other[1]), named("q", other[0])},
	} {
		r.put(id, spec.Request{Op: "kl", Arrays: trace})
		second = r.put(id, spec.Request{Op: "kl", Arrays: sample(d)})
		if ok = sameAnswer(first, second); !ok {
			break
		}
	}
	if det := r.desc.Deterministic; det != nil && !*det {
		ok = true // each answer is graded by itself elsewhere
	}
	r.tell(id, "IO-7", second, ok, "the same question gave "+text(first)+" first and "+text(second)+" after other questions", req)
}

// unknownOp asks for something that does not exist: the answer is
// unsupported, not a crash and not a number.
func (r *run) unknownOp() {
	req := spec.Request{Op: "no_such_quantity", Arrays: sample(spec.F64)}
	a := r.asker.ask(r.ctx, "io/unknown-op", req)
	res := spec.Result{ID: "io/unknown-op", Requirements: []string{"IO-6"}, Status: spec.Pass}
	if a.Status != spec.Unsupported {
		res.Status, res.Message = spec.Fail, fmt.Sprintf("IO-6: an unknown op was answered %q, not unsupported", a.Status)
		switch a.Status {
		case spec.Crashed, spec.TimedOut, spec.ProtocolError, spec.NotRun:
			res.Status, res.Message = statusOf(a)
		}
	}
	r.record(res, req)
}

// environment asks one question with subnormals in it; the asker looks at
// the floating-point environment after every question.
func (r *run) environment() {
	req := spec.Request{Op: "kl", Arrays: []spec.Array{spec.Float64s("p", []float64{5e-324, 1}), spec.Float64s("q", []float64{.5, .5})}}
	r.tell("io/environment", "IO-8", r.put("io/environment", req), true, "", req)
}
