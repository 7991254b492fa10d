package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sbinet/npyio/npy"

	"klconf/spec"
)

// readVector reads a vector of weights, logits or log-probabilities and checks it.
func readVector(file string, domain spec.Domain, dtype spec.DType, in io.Reader) ([]float64, error) {
	x, err := readNumbers(file, dtype, in)
	if err == nil {
		err = checkVector(x, domain, shown(file))
	}
	return x, err
}

// readNumbers reads the numbers of a file, or of in for "-". With a dtype the file is raw;
// otherwise its name or, failing that, its first bytes say what it is. Every error names the
// file, the place and what to do.
func readNumbers(file string, dtype spec.DType, in io.Reader) ([]float64, error) {
	var data []byte
	var err error
	if file == "-" {
		data, err = io.ReadAll(in)
	} else {
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, fileError(err)
	}
	var x []float64
	switch {
	case dtype != "":
		x, err = parseRaw(data, dtype, binary.LittleEndian)
	default:
		x, err = parserOf(file, data)(data)
	}
	if err == nil && len(x) == 0 {
		err = errors.New("there is no number in it")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown(file), err)
	}
	return x, nil
}

// checkVector finds numbers that are outside the domain.
func checkVector(x []float64, domain spec.Domain, name string) error {
	masked := 0
	for i, v := range x {
		switch {
		case domain == spec.Probs && (math.IsNaN(v) || math.IsInf(v, 0) || v < 0):
			return fmt.Errorf("%s: element %d is %s; a weight is a finite number ≥ 0", name, i+1, spec.Decimal(v))
		case math.IsNaN(v) || math.IsInf(v, 1):
			return fmt.Errorf("%s: element %d is %s; a logit or a log-probability is a finite number, or -Inf for probability 0", name, i+1, spec.Decimal(v))
		case math.IsInf(v, -1):
			masked++
		}
	}
	if domain == spec.Logits && masked == len(x) {
		return fmt.Errorf("%s: all logits are -Inf, which is no distribution; at least one must be finite", name)
	}
	return nil
}

// parserOf chooses by name, else by content.
func parserOf(file string, data []byte) func([]byte) ([]float64, error) {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".npy":
		return parseNPY
	case ".json":
		return parseJSON
	case ".csv", ".txt", ".tsv":
		return parseText
	}
	switch {
	case bytes.HasPrefix(data, npy.Magic[:]):
		return parseNPY
	case bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")):
		return parseJSON
	case bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data):
		return func([]byte) ([]float64, error) {
			return nil, errors.New("neither .npy, .json nor text; for raw little-endian numbers say which with --dtype")
		}
	}
	return parseText
}

// parseText reads numbers separated by commas, white space and line ends. An
// empty field between commas is an error: it would shift what follows.
func parseText(data []byte) ([]float64, error) {
	if bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data) {
		return nil, errors.New("it is not text; for raw little-endian numbers say which with --dtype")
	}
	var x []float64
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		number++
		if strings.TrimSpace(line) == "" {
			continue
		}
		for _, field := range strings.Split(line, ",") {
			words := strings.Fields(field)
			if len(words) == 0 {
				return nil, fmt.Errorf("line %d has an empty field; write 0 where the weight is 0", number)
			}
			for _, w := range words {
				v, err := parseNumber(w)
				if err != nil {
					return nil, fmt.Errorf("line %d: %w", number, err)
				}
				x = append(x, v)
			}
		}
	}
	return x, nil
}

// parseNumber reads a decimal as the float64 nearest to it, or a hexadecimal
// float. A number that is beyond float64 on either side is an error.
func parseNumber(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%s is too large for float64", s)
	case err != nil:
		return 0, fmt.Errorf("%q is not a number; write a decimal such as 0.25 or a hexadecimal float such as 0x1p-2", abridged(s))
	case v == 0 && vanishes(s):
		return 0, fmt.Errorf("%s is too small for float64 and would become 0", s)
	}
	return v, nil
}

// vanishes reports whether a number that was read as 0 has another digit than
// 0 before its exponent.
func vanishes(s string) bool {
	s = strings.ToLower(s)
	digits, exponent := "123456789", "e"
	if t, hex := strings.CutPrefix(strings.TrimLeft(s, "+-"), "0x"); hex {
		s, digits, exponent = t, "123456789abcdef", "p"
	}
	mantissa, _, _ := strings.Cut(s, exponent)
	return strings.ContainsAny(mantissa, digits)
}

func abridged(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// parseJSON reads an array of numbers, or of numbers in quotes.
func parseJSON(data []byte) ([]float64, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line := 1 + bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
			return nil, fmt.Errorf("line %d is not JSON (%w)", line, err)
		}
		return nil, errors.New("it is not one JSON array of numbers")
	}
	x := make([]float64, len(list))
	for i, raw := range list {
		text := string(raw)
		if strings.HasPrefix(text, `"`) {
			if err := json.Unmarshal(raw, &text); err != nil {
				return nil, fmt.Errorf("element %d: %w", i+1, err)
			}
		}
		var err error
		if x[i], err = parseNumber(text); err != nil {
			return nil, fmt.Errorf("element %d: %w", i+1, err)
		}
	}
	return x, nil
}

// parseNPY reads a NumPy file of one vector.
func parseNPY(data []byte) (x []float64, err error) {
	header, begin, err := npyHead(data)
	if err != nil {
		return nil, err
	}
	_, elements, isVector, err := npyShape(header)
	if err != nil {
		return nil, err
	}
	if !isVector {
		return nil, fmt.Errorf("the array has shape %v; save one vector, such as a[0]", header.Descr.Shape)
	}
	dtype, order, err := npyType(header)
	if err != nil {
		return nil, err
	}
	if data = data[begin:]; elements*int64(dtype.Size()) != int64(len(data)) {
		return nil, errLength(elements, dtype, int64(len(data)))
	}
	return parseRaw(data, dtype, order)
}

// npyHead reads the header at the beginning of a NumPy file and returns where the data begin.
func npyHead(data []byte) (h npy.Header, begin int, err error) {
	// Version 2 announces up to 4 GiB of header, which the library would allocate.
	if v2 := append(npy.Magic[:], 2); bytes.HasPrefix(data, v2) && len(data) >= 12 && uint64(binary.LittleEndian.Uint32(data[8:])) > uint64(len(data)-12) {
		return h, 0, errDamaged
	}
	r := bytes.NewReader(data)
	h, err = npyHeader(r)
	return h, len(data) - r.Len(), err
}

// npyShape returns the shape, the number of elements, and whether they are one vector: at most
// one axis is longer than 1.
func npyShape(h npy.Header) (shape []int64, elements int64, isVector bool, err error) {
	elements = 1
	long := 0
	for _, d := range h.Descr.Shape {
		if d < 0 || d > 0 && elements > math.MaxInt64/8/int64(d) {
			return nil, 0, false, fmt.Errorf("the header announces shape %v, which no file can hold", h.Descr.Shape)
		}
		if d != 1 {
			long++
		}
		elements *= int64(d)
		shape = append(shape, int64(d))
	}
	return shape, elements, long <= 1 && len(shape) > 0, nil
}

// npyType returns the format of the elements and the order of their bytes.
func npyType(h npy.Header) (spec.DType, binary.ByteOrder, error) {
	descr := h.Descr.Type
	order := binary.ByteOrder(binary.LittleEndian)
	if strings.HasPrefix(descr, ">") {
		order = binary.BigEndian
	}
	if len(descr) > 1 && strings.Contains("<>|", descr[:1]) {
		if d, ok := map[string]spec.DType{"f8": spec.F64, "f4": spec.F32, "f2": spec.F16, "i8": spec.I64, "i4": spec.I32, "u1": spec.U8}[descr[1:]]; ok {
			return d, order, nil
		}
	}
	return "", nil, fmt.Errorf("the array has dtype %q; save it as float64, float32 or float16", abridged(descr))
}

// errLength says that a NumPy file has not what its header announces.
func errLength(elements int64, d spec.DType, follow int64) error {
	return fmt.Errorf("the header announces %d elements of %d bytes, but %d bytes follow; the file is cut or damaged", elements, d.Size(), follow)
}

var errDamaged = errors.New("its header is damaged; save it again with numpy.save")

// npyHeader reads up to the data. The library panics where a header is cut.
func npyHeader(r io.Reader) (h npy.Header, err error) {
	defer func() {
		if recover() != nil {
			err = errDamaged
		}
	}()
	reader, err := npy.NewReader(r)
	if err != nil {
		return h, fmt.Errorf("it is not a NumPy file (%s); save it with numpy.save", strings.Join(strings.Fields(err.Error()), " ")) // it may quote the file
	}
	return reader.Header, nil
}

// parseRaw reads numbers of one format.
func parseRaw(data []byte, dtype spec.DType, order binary.ByteOrder) ([]float64, error) {
	size := dtype.Size()
	if size == 0 {
		return nil, unknown("dtype", string(dtype), []string{"f64", "f32", "f16", "bf16", "f8e4m3", "f8e5m2", "i64", "i32", "u8"})
	}
	if len(data)%size != 0 {
		return nil, fmt.Errorf("%d bytes are no whole number of %s elements, which have %d bytes", len(data), dtype, size)
	}
	x := make([]float64, len(data)/size)
	for i := range x {
		word := data[i*size : (i+1)*size]
		var bits uint64
		switch size {
		case 8:
			bits = order.Uint64(word)
		case 4:
			bits = uint64(order.Uint32(word))
		case 2:
			bits = uint64(order.Uint16(word))
		default:
			bits = uint64(word[0])
		}
		if dtype.Float() {
			x[i] = dtype.Widen(bits)
			continue
		}
		v := int64(bits)
		if dtype == spec.I32 {
			v = int64(int32(bits))
		}
		if v > 1<<53 || v < -1<<53 {
			return nil, fmt.Errorf("element %d is %d, which float64 does not hold exactly", i+1, v)
		}
		x[i] = float64(v)
	}
	return x, nil
}
