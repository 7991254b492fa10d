package golden

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"

	"klconf/spec"
)

// Data names rows of the stored logits: next-token logits of a language model
// for four positions of a text (rows 0 to 3), and of the same model with its
// linear layers quantised further (rows 4 to 7). A vector takes the first
// numbers of each row, as many as its shape says, rounded to its format, to
// nearest with ties to even.
type Data struct {
	File string `json:"file"` // DataFile
	P    []int  `json:"p"`    // rows
	Q    []int  `json:"q,omitempty"`
}

// The stored file: float32, little-endian, row after row.
const (
	DataFile    = "smollm2-logits-4x49152.f32"
	DataRows    = 8
	DataColumns = 49152

	dataSum = "4fda3b05d1574a9367e44e2379d7d607f7aa0a40355ff62a80b4b29abe324ae5"
)

//go:embed data/smollm2-logits-4x49152.f32.gz
var packed []byte

var logits = sync.OnceValues(func() ([]byte, error) { return unpack(packed, dataSum) })

// unpack returns the content of a gzip file after comparing its SHA-256.
func unpack(gz []byte, sum string) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(gz))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", DataFile, err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", DataFile, err)
	}
	if got := sha256.Sum256(b); hex.EncodeToString(got[:]) != sum {
		return nil, fmt.Errorf("%s has the SHA-256 %x, not %s", DataFile, got, sum)
	}
	if len(b) != 4*DataRows*DataColumns {
		return nil, fmt.Errorf("%s has %d bytes, not %d rows of %d numbers", DataFile, len(b), DataRows, DataColumns)
	}
	return b, nil
}

// Logits returns the stored rows.
func Logits() ([][]float32, error) {
	b, err := logits()
	if err != nil {
		return nil, err
	}
	rows := make([][]float32, DataRows)
	for i := range rows {
		rows[i] = make([]float32, DataColumns)
		for j := range rows[i] {
			rows[i][j] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*(i*DataColumns+j):]))
		}
	}
	return rows, nil
}

func (x Data) check(d spec.DType, shape []int, arity int) error {
	if x.File != DataFile {
		return fmt.Errorf("%q is not stored here", x.File)
	}
	if !slices.Contains([]spec.DType{spec.F64, spec.F32, spec.F16, spec.BF16}, d) {
		return fmt.Errorf("vectors of %s are not in this schema", d)
	}
	rows, columns := 1, shape[len(shape)-1]
	if len(shape) == 2 {
		rows = shape[0]
	}
	if (x.Q != nil) != (arity == 2) || len(x.P) != rows || x.Q != nil && len(x.Q) != rows {
		return fmt.Errorf("rows %v and %v for %d arrays of shape %v", x.P, x.Q, arity, shape)
	}
	if columns > DataColumns {
		return fmt.Errorf("%d columns, a row has %d", columns, DataColumns)
	}
	for _, i := range slices.Concat(x.P, x.Q) {
		if i < 0 || i >= DataRows {
			return fmt.Errorf("row %d is none of 0 … %d", i, DataRows-1)
		}
	}
	_, err := logits()
	return err
}

// arrays returns whole rows for a vector of the given shape; the caller has
// checked them.
func (x Data) arrays(d spec.DType, shape []int) (p, q spec.Array) {
	b, err := logits()
	if err != nil {
		panic("golden: " + err.Error())
	}
	columns := shape[len(shape)-1]
	rows := func(name string, list []int) spec.Array {
		a := spec.NewArray(name, d, shape...)
		if list == nil {
			return a
		}
		for i := range a.Len() {
			at := list[i/columns]*DataColumns + i%columns
			a.SetBits(i, Narrow(d, math.Float32frombits(binary.LittleEndian.Uint32(b[4*at:]))))
		}
		return a
	}
	return rows("p", x.P), rows("q", x.Q)
}

// Narrow returns the bits of the number of float64, float32, float16 or bfloat16 nearest to x, ties to
// even, for an x far inside the range of the format, as every stored value is.
func Narrow(d spec.DType, x float32) uint64 {
	switch d {
	case spec.F64:
		return math.Float64bits(float64(x))
	case spec.F32:
		return uint64(math.Float32bits(x))
	}
	y := math.Abs(float64(x))
	w, least := digits[d], leasts[d]
	if y == 0 {
		return uint64(math.Float32bits(x) >> 16)
	}
	place := max(math.Ilogb(y)-w+1, least)
	m := math.RoundToEven(math.Ldexp(y, -place)) // exact scaling
	bits := word(d, uint64(m), place)
	if x < 0 {
		bits |= 0x8000
	}
	return bits
}
