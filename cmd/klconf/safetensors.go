package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"klconf/spec"
)

// A tensor is one entry of the header of a safetensors file.
type tensor struct {
	DType   string   `json:"dtype"`
	Shape   []int64  `json:"shape"`
	Offsets []uint64 `json:"data_offsets"` // first and behind the last byte, counted from the end of the header
}

// safetensorsFormats are the names of what logits may be stored in.
var safetensorsFormats = map[string]spec.DType{"F64": spec.F64, "F32": spec.F32, "F16": spec.F16, "BF16": spec.BF16, "F8_E4M3": spec.F8E4M3, "F8_E5M2": spec.F8E5M2}

// mostHeader is the largest header that the format allows.
const mostHeader = 100_000_000

var errNoSafetensors = errors.New("its header is damaged or it is no safetensors file; save it again with safetensors")

// readSafetensors reads the header of a safetensors file, which is the length of a JSON object
// in 8 bytes, little-endian, and the object: of each tensor the format, the shape and the
// place (huggingface/safetensors, README.md, "Format"). size is the number of bytes of the
// file, or -1. It returns where the data begin.
//
// The header is read here because the Go packages for it, which have no release, want the
// whole file in memory.
func readSafetensors(r io.Reader, size int64) (list map[string]tensor, data int64, err error) {
	var word [8]byte
	if _, err := io.ReadFull(r, word[:]); err != nil {
		return nil, 0, errNoSafetensors
	}
	length := binary.LittleEndian.Uint64(word[:])
	if length > mostHeader || size >= 0 && length > uint64(max(size-8, 0)) {
		return nil, 0, errNoSafetensors
	}
	var text bytes.Buffer // it grows with what comes, not with what is announced
	if n, err := io.Copy(&text, io.LimitReader(r, int64(length))); err != nil || uint64(n) != length {
		return nil, 0, errNoSafetensors
	}
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(text.Bytes(), &entries); err != nil || entries == nil {
		return nil, 0, errNoSafetensors
	}
	delete(entries, "__metadata__")
	list, data = map[string]tensor{}, 8+int64(length)
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		var t tensor
		if err := json.Unmarshal(entries[name], &t); err != nil {
			return nil, 0, fmt.Errorf("the header does not describe tensor %q; save it again with safetensors", abridged(name))
		}
		if err := t.check(); err != nil {
			return nil, 0, fmt.Errorf("tensor %q: %w; save it again with safetensors", abridged(name), err)
		}
		if size >= 0 && t.Offsets[1] > uint64(size-data) {
			return nil, 0, fmt.Errorf("tensor %q ends after %d bytes of data and the file has %d; it is cut", abridged(name), t.Offsets[1], size-data)
		}
		list[name] = t
	}
	return list, data, nil
}

// check finds what contradicts itself. Formats that are not known here have no size.
func (t tensor) check() error {
	if len(t.Offsets) != 2 || t.Offsets[0] > t.Offsets[1] || t.Offsets[1] > math.MaxInt64-mostHeader-8 {
		return fmt.Errorf("its place %v is none", t.Offsets)
	}
	elements := int64(1)
	for _, d := range t.Shape {
		if d < 0 || d > 0 && elements > math.MaxInt64/8/d {
			return fmt.Errorf("its shape %v is none", t.Shape)
		}
		elements *= d
	}
	size := int64(safetensorsFormats[t.DType].Size())
	if bytes := t.Offsets[1] - t.Offsets[0]; size > 0 && bytes != uint64(elements*size) {
		return fmt.Errorf("shape %v of %s needs %d bytes and has %d", t.Shape, t.DType, elements*size, bytes)
	}
	return nil
}

// pick returns the tensor of a name, or the only one.
func pick(list map[string]tensor, name string) (t tensor, err error) {
	names := slices.Sorted(maps.Keys(list))
	switch {
	case len(names) == 0:
		return t, errors.New("there is no tensor in it")
	case name == "" && len(names) > 1:
		few, more := names, ""
		if len(few) > 10 {
			few, more = few[:10], " …"
		}
		return t, fmt.Errorf("there are %d tensors in it, %q%s; say which with --tensor", len(names), few, more)
	case name == "":
		name = names[0]
	}
	t, ok := list[name]
	if !ok {
		return t, unknown("tensor", name, names)
	}
	if safetensorsFormats[t.DType] == "" {
		return t, fmt.Errorf("tensor %q has dtype %q; logits are %v", abridged(name), abridged(t.DType), slices.Sorted(maps.Keys(safetensorsFormats)))
	}
	return t, nil
}
