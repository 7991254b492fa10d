package main

import "math"

// An Image has grey values from 0 to 255, row after row.
type Image struct {
	Width, Height int
	Grey          []uint8
}

// made returns an image of size × size whose grey values are a rule's, from 0 to 1, of
// places from −1 to 1.
func made(size int, rule func(x, y float64) float64) Image {
	m := Image{size, size, make([]uint8, size*size)}
	at := func(i int) float64 { return float64(2*i+1)/float64(size) - 1 }
	for j := range size {
		for i := range size {
			m.Grey[j*size+i] = uint8(math.Round(255 * min(max(rule(at(i), at(j)), 0), 1)))
		}
	}
	return m
}

// Mirrored exchanges left and right.
func (m Image) Mirrored() Image {
	grey := make([]uint8, len(m.Grey))
	for i, g := range m.Grey {
		row, column := i/m.Width, i%m.Width
		grey[row*m.Width+m.Width-1-column] = g
	}
	return Image{m.Width, m.Height, grey}
}

// Histogram returns the share of each grey value after add has been added to its count:
// exactly, if that is 0 and the number of pixels is a power of two.
func (m Image) Histogram(add float64) []float64 {
	h := make([]float64, 256)
	for i := range h {
		h[i] = add
	}
	for _, g := range m.Grey {
		h[g]++
	}
	total := float64(len(m.Grey)) + 256*add
	for i := range h {
		h[i] /= total
	}
	return h
}
