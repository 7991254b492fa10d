package main

import (
	"time"

	"klconf/bench"
)

// A plan says how much is measured.
type plan struct {
	processes int
	sizes     []int
	rounds    int
	sample    time.Duration
}

var (
	full  = plan{3, bench.Sizes, 15, 1500 * time.Microsecond}
	quick = plan{2, []int{1024, 128256}, 7, time.Millisecond}
)

// A cell is what one process measured of all subjects on one pair of vectors.
type cell struct {
	DType, Data string
	N           int
	Subjects    []timed
}

type timed struct {
	Name  string
	Kind  kind
	Width int
	Times bench.Times // of a call
}

// measure times everything once, in this process.
func (p plan) measure() ([]cell, error) {
	s64, err := subjects64()
	if err != nil {
		return nil, err
	}
	s32, err := subjects32()
	if err != nil {
		return nil, err
	}
	var cells []cell
	for _, f := range bench.Families {
		for _, n := range p.sizes {
			c64, err := cellOf(p, s64, "f64", f, n)
			if err != nil {
				return nil, err
			}
			c32, err := cellOf(p, s32, "f32", f, n)
			if err != nil {
				return nil, err
			}
			cells = append(cells, c64, c32)
		}
	}
	return cells, nil
}

var sink float64

// draws is the number of pairs of vectors that a cell is measured on: one may need more than
// the first tier, which is a matter of chance (bench counts how often).
const draws = 3

func cellOf[F float](pl plan, subjects []subject[F], dtype string, family bench.Family, n int) (cell, error) {
	c := cell{DType: dtype, Data: family.Name, N: n}
	for _, s := range subjects {
		c.Subjects = append(c.Subjects, timed{s.name, s.kind, s.width, nil})
	}
	loop := bench.Loop{Rounds: (pl.rounds + draws - 1) / draws, Sample: pl.sample}
	if n > 1<<20 {
		loop.Rounds = (loop.Rounds + 2) / 3 // a call takes up to a tenth of a second
	}
	for draw := range draws {
		p, q := pair[F](family, n, draw)
		var fs []func(iters int)
		for _, s := range subjects {
			if draw == 0 {
				if err := check(s, p, q); err != nil {
					return c, err
				}
			}
			fs = append(fs, func(iters int) { sink += s.f(p, q, iters) })
		}
		for i, t := range loop.Run(fs...) {
			c.Subjects[i].Times = append(c.Subjects[i].Times, t...)
		}
	}
	return c, nil
}
