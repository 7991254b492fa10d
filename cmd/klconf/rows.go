package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/sbinet/npyio/npy"

	"klconf/spec"
)

// A rowFile is a file of logits, of which one row is in memory at a time.
type rowFile struct {
	name    string // as sentences call it
	dtype   spec.DType
	rows, n int       // rows is -1 where the end of a pipe will tell
	vector  []float64 // the row, if there is only one; the rest is of no use then

	order binary.ByteOrder
	in    *bufio.Reader
	file  *os.File  // nil for standard input
	data  []byte    // one row
	table []float32 // the numbers of a format of 8 or 16 bits
	read  int       // rows
}

// A rowFormat is what the command line says of files.
type rowFormat struct {
	dtype   spec.DType
	columns int    // of raw files, 0 for one vector
	tensor  string // of a safetensors file
}

// openRows opens a file, "-" for in. The leading axes of a shape are taken for rows. A file
// that says no shape, or that of a vector, is one row.
func openRows(file string, f rowFormat, in io.Reader) (*rowFile, error) {
	s := &rowFile{name: shown(file), order: binary.LittleEndian}
	size := int64(-1)
	if file == "-" {
		s.in = bufio.NewReaderSize(in, 1<<16)
	} else {
		x, err := os.Open(file)
		if err != nil {
			return nil, fileError(err)
		}
		s.file, s.in = x, bufio.NewReaderSize(x, 1<<16)
		if info, err := x.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
	}
	ext := strings.ToLower(filepath.Ext(file))
	head, _ := s.in.Peek(len(npy.Magic))
	isNPY := f.dtype == "" && (ext == ".npy" || ext != ".safetensors" && bytes.Equal(head, npy.Magic[:]))
	isTensors := f.dtype == "" && ext == ".safetensors"
	var err error
	switch {
	case f.columns != 0 && f.dtype == "":
		err = errors.New("--columns is the length of a row of raw numbers, and needs --dtype")
	case f.tensor != "" && !isTensors:
		err = errors.New("--tensor names one of a .safetensors file, which this is not")
	case f.dtype != "" && f.columns != 0:
		err = s.openRaw(f, size)
	case isTensors:
		err = s.openSafetensors(f.tensor, size)
	case isNPY:
		err = s.openNPY(size)
	default:
		var in io.Reader = s.in
		if s.file != nil {
			s.close()
		}
		if s.vector, err = readNumbers(file, f.dtype, in); err != nil {
			return nil, err
		}
		s.dtype, s.rows, s.n = spec.F64, 1, len(s.vector)
		return s, nil
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	if s.vector == nil {
		s.data = make([]byte, s.n*s.dtype.Size())
		if bits := 8 * s.dtype.Size(); bits <= 16 {
			s.table = make([]float32, 1<<bits)
			for i := range s.table {
				s.table[i] = float32(s.dtype.Widen(uint64(i)))
			}
		}
	}
	if s.rows == 1 && s.vector == nil {
		defer s.close()
		x := make([]float64, s.n)
		if err := readRow(s, x); err != nil {
			return nil, err
		}
		s.vector = x
	}
	return s, nil
}

func (s *rowFile) close() {
	if s.file != nil {
		s.file.Close()
	}
}

// shape sets the number of rows and their length.
func (s *rowFile) shape(d spec.DType, shape []int64) error {
	s.dtype, s.rows, s.n = d, 1, 1
	if len(shape) > 0 {
		s.n = int(shape[len(shape)-1])
		for _, d := range shape[:len(shape)-1] {
			s.rows *= int(d)
		}
	}
	switch {
	case s.rows == 0 || s.n == 0:
		return errors.New("there is no number in it")
	case s.n > mostColumns:
		return errTooLong(s.n)
	}
	return nil
}

// mostColumns bounds the memory that a damaged header can ask for.
const mostColumns = 1 << 28

func errTooLong(n int) error {
	return fmt.Errorf("a row of %d elements is longer than %d", n, mostColumns)
}

func (s *rowFile) openRaw(f rowFormat, size int64) error {
	width := int64(f.dtype.Size())
	if !f.dtype.Float() {
		return unknown("dtype of logits", string(f.dtype), []string{"f64", "f32", "f16", "bf16", "f8e4m3", "f8e5m2"})
	}
	if f.columns > mostColumns {
		return errTooLong(f.columns)
	}
	s.dtype, s.rows, s.n = f.dtype, -1, f.columns
	if size < 0 {
		return nil
	}
	row := int64(f.columns) * width
	if size == 0 {
		return errors.New("there is no number in it")
	}
	if size%row != 0 {
		return fmt.Errorf("%d bytes are no whole number of rows of %d %s elements, which have %d bytes", size, f.columns, f.dtype, row)
	}
	s.rows = int(size / row)
	return nil
}

func (s *rowFile) openSafetensors(name string, size int64) error {
	list, data, err := readSafetensors(s.in, size)
	if err != nil {
		return err
	}
	t, err := pick(list, name)
	if err != nil {
		return err
	}
	if err := s.shape(safetensorsFormats[t.DType], t.Shape); err != nil {
		return err
	}
	if size < 0 {
		_, err = io.CopyN(io.Discard, s.in, int64(t.Offsets[0]))
	} else {
		_, err = s.file.Seek(data+int64(t.Offsets[0]), io.SeekStart)
		s.in.Reset(s.file)
	}
	return err
}

func (s *rowFile) openNPY(size int64) error {
	head, _ := s.in.Peek(s.in.Size())
	header, begin, err := npyHead(head)
	if err != nil {
		return err
	}
	shape, elements, isVector, err := npyShape(header)
	if err != nil {
		return err
	}
	dtype, order, err := npyType(header)
	if err != nil {
		return err
	}
	left := size - int64(begin)
	if size >= 0 && left != elements*int64(dtype.Size()) {
		return errLength(elements, dtype, left)
	}
	if isVector {
		data, err := io.ReadAll(s.in)
		if err != nil {
			return fileError(err)
		}
		if s.vector, err = parseNPY(data); err != nil {
			return err
		}
		if len(s.vector) == 0 {
			return errors.New("there is no number in it")
		}
		s.dtype, s.rows, s.n = spec.F64, 1, len(s.vector)
		return nil
	}
	switch {
	case len(shape) == 0:
		return fmt.Errorf("the array has shape %v; save rows of logits, or one vector", header.Descr.Shape)
	case header.Descr.Fortran && len(shape) > 1:
		return errors.New("its columns come one after another (Fortran order); save numpy.ascontiguousarray(a)")
	case !dtype.Float():
		return fmt.Errorf("the array has dtype %q; rows of logits are float64, float32 or float16", header.Descr.Type)
	}
	s.order = order
	if _, err := s.in.Discard(begin); err != nil {
		return err
	}
	return s.shape(dtype, shape)
}

// readRow reads the next row, or io.EOF after the last. F is float64 where the format is f64.
func readRow[F float32 | float64](s *rowFile, dst []F) error {
	if s.read == s.rows {
		return io.EOF
	}
	s.read++
	if s.vector != nil {
		for i, v := range s.vector {
			dst[i] = F(v)
		}
		return nil
	}
	if n, err := io.ReadFull(s.in, s.data); err != nil {
		switch {
		case s.rows < 0 && n == 0 && err == io.EOF && s.read > 1:
			return io.EOF
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return fmt.Errorf("%s ends in row %d%s; it is cut", s.name, s.read, ofRows(s.rows))
		}
		return fileError(err)
	}
	switch s.dtype {
	case spec.F64:
		for i := range dst {
			dst[i] = F(math.Float64frombits(s.order.Uint64(s.data[8*i:])))
		}
	case spec.F32:
		if s.order == binary.LittleEndian { // without a call for each
			for i := range dst {
				dst[i] = F(math.Float32frombits(binary.LittleEndian.Uint32(s.data[4*i:])))
			}
			break
		}
		for i := range dst {
			dst[i] = F(math.Float32frombits(s.order.Uint32(s.data[4*i:])))
		}
	case spec.F16, spec.BF16:
		for i := range dst {
			dst[i] = F(s.table[s.order.Uint16(s.data[2*i:])])
		}
	default:
		for i, b := range s.data {
			dst[i] = F(s.table[b])
		}
	}
	return nil
}

func ofRows(rows int) string {
	if rows < 0 {
		return ""
	}
	return fmt.Sprintf(" of %d", rows)
}

// size says the shape of a file in a sentence.
func (s *rowFile) size() string {
	switch {
	case s.rows < 0:
		return fmt.Sprintf("rows of %d", s.n)
	case s.rows == 1:
		return fmt.Sprintf("1 row of %d", s.n)
	}
	return fmt.Sprintf("%d rows of %d", s.rows, s.n)
}

// A rowMask says what of the rows counts: nil parts keep everything.
type rowMask struct {
	rows    []byte // one for each row
	columns []byte // one for each column, of all rows
	all     *rowFile
	buf     []byte
}

// openMask opens a mask, a NumPy file of uint8 or bool or raw bytes, for rows of n elements.
func openMask(file string, rows, n int) (*rowMask, error) {
	fail := func(err error) (*rowMask, error) { return nil, fmt.Errorf("%s: %w", shown(file), err) }
	if rows < 0 {
		return fail(errors.New("a mask needs to know how many rows there are, which standard input does not tell; give files"))
	}
	x, err := os.Open(file)
	if err != nil {
		return nil, fileError(err)
	}
	info, err := x.Stat()
	if err != nil {
		x.Close()
		return nil, fileError(err)
	}
	in := bufio.NewReaderSize(x, 1<<16)
	size := info.Size()
	shape := []int64{size}
	if head, _ := in.Peek(in.Size()); bytes.HasPrefix(head, npy.Magic[:]) || strings.EqualFold(filepath.Ext(file), ".npy") {
		header, begin, err := npyHead(head)
		var elements int64
		if err == nil {
			shape, elements, _, err = npyShape(header)
		}
		switch t := header.Descr.Type; {
		case err != nil:
		case t != "|u1" && t != "|b1":
			err = fmt.Errorf("the mask has dtype %q; save it as uint8 or bool", abridged(t))
		case header.Descr.Fortran && len(shape) > 1:
			err = errors.New("its columns come one after another (Fortran order); save numpy.ascontiguousarray(a)")
		case elements != size-int64(begin):
			err = errLength(elements, spec.U8, size-int64(begin))
		default:
			_, err = in.Discard(begin)
		}
		if err != nil {
			x.Close()
			return fail(err)
		}
	}
	total, last := int64(1), int64(0)
	for _, d := range shape {
		total, last = total*d, d
	}
	var m rowMask
	all, oneRow := int64(rows)*int64(n), len(shape) > 1 && total == int64(n) && last == int64(n)
	switch {
	case len(shape) > 1 && total == all && last == int64(n):
		m.all = &rowFile{name: shown(file), rows: rows, n: n, in: in, file: x}
		m.buf = make([]byte, n)
		return &m, nil
	case len(shape) == 1 && total == all && rows > 1 && n > 1:
		m.all = &rowFile{name: shown(file), rows: rows, n: n, in: in, file: x}
		m.buf = make([]byte, n)
		return &m, nil
	case len(shape) == 1 && rows == n && rows > 1 && total == int64(n):
		x.Close()
		return fail(fmt.Errorf("%d numbers could be for rows or for columns; save the mask in the shape (%d, 1) or (1, %d)", n, rows, n))
	case oneRow || len(shape) == 1 && total == int64(n):
		m.columns = make([]byte, n)
		_, err = io.ReadFull(in, m.columns)
		err = errors.Join(err, checkMask(m.columns, 0))
	case total == int64(rows) && (len(shape) == 1 || last == 1):
		m.rows = make([]byte, rows)
		_, err = io.ReadFull(in, m.rows)
		err = errors.Join(err, checkMask(m.rows, 0))
	default:
		err = fmt.Errorf("the mask has shape %v; for %d rows of %d it is (%d, %d), (%d) for columns or (%d) for rows", shape, rows, n, rows, n, n, rows)
	}
	x.Close()
	if err != nil {
		return fail(err)
	}
	return &m, nil
}

// checkMask wants zeros and ones; first is the number of elements before these.
func checkMask(m []byte, first int) error {
	for i, v := range m {
		if v > 1 {
			return fmt.Errorf("element %d is %d; 1 keeps and 0 leaves out", first+i+1, v)
		}
	}
	return nil
}

// hide makes what the mask leaves out of the next row -Inf on both sides, which a softmax and
// its divergence do not see.
func hide[F float32 | float64](m *rowMask, row int, a, b []F) error {
	if m == nil {
		return nil
	}
	columns := m.columns
	if m.all != nil {
		if _, err := io.ReadFull(m.all.in, m.buf); err != nil {
			return fmt.Errorf("%s ends in row %d of %d; it is cut", m.all.name, row+1, m.all.rows)
		}
		if err := checkMask(m.buf, row*len(m.buf)); err != nil {
			return fmt.Errorf("%s: %w", m.all.name, err)
		}
		columns = m.buf
	}
	for i, keep := range columns {
		if keep == 0 {
			a[i], b[i] = F(math.Inf(-1)), F(math.Inf(-1))
		}
	}
	return nil
}

// keeps reports whether a row counts.
func (m *rowMask) keeps(row int) bool { return m == nil || m.rows == nil || m.rows[row] == 1 }

func (m *rowMask) close() {
	if m != nil && m.all != nil {
		m.all.close()
	}
}

// keep returns what the mask leaves of two vectors.
func (m *rowMask) keep(a, b []float64) (x, y []float64, err error) {
	if m == nil {
		return a, b, nil
	}
	columns := m.columns
	if m.all != nil {
		columns = m.buf
		if _, err := io.ReadFull(m.all.in, columns); err != nil {
			return nil, nil, fmt.Errorf("%s is cut", m.all.name)
		}
		if err := checkMask(columns, 0); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", m.all.name, err)
		}
	}
	for i, k := range columns {
		if k == 1 {
			x, y = append(x, a[i]), append(y, b[i])
		}
	}
	if len(x) == 0 {
		return nil, nil, errors.New("the mask leaves nothing; 1 keeps and 0 leaves out")
	}
	return x, y, nil
}
