package main

import (
	"cmp"
	"slices"
)

// What stands for the ends of a sentence and for words that are not in the vocabulary.
const (
	begin, end = "<s>", "</s>"
	unknown    = "<UNK>"
)

// Bigrams counts pairs of words of a vocabulary. The first word of a pair is its context.
type Bigrams struct {
	Words []string // the vocabulary, in order
	place map[string]int
	count []map[int]int // of the words that follow a context
	total []int         // of all of them
}

// vocabulary returns the words that the sentences have cutoff times at least, the ends of
// sentences and the unknown word, in order.
func vocabulary(sentences [][]string, cutoff int) []string {
	count := map[string]int{}
	for _, s := range sentences {
		for _, w := range s {
			count[w]++
		}
	}
	words := []string{begin, end, unknown}
	for w, n := range count {
		if n >= cutoff {
			words = append(words, w)
		}
	}
	slices.Sort(words)
	return words
}

// count counts the pairs of the sentences, from begin to end.
func count(words []string, sentences [][]string) *Bigrams {
	b := &Bigrams{Words: words, place: map[string]int{}, count: make([]map[int]int, len(words)), total: make([]int, len(words))}
	for i, w := range words {
		b.place[w] = i
		b.count[i] = map[int]int{}
	}
	for _, s := range sentences {
		context := b.place[begin]
		for _, w := range append(slices.Clone(s), end) {
			i, known := b.place[w]
			if !known {
				i = b.place[unknown]
			}
			b.count[context][i]++
			b.total[context]++
			context = i
		}
	}
	return b
}

// frequent returns the n contexts with the most pairs.
func (b *Bigrams) frequent(n int) []int {
	contexts := make([]int, len(b.Words))
	for i := range contexts {
		contexts[i] = i
	}
	slices.SortStableFunc(contexts, func(i, j int) int { return cmp.Compare(b.total[j], b.total[i]) })
	return contexts[:n]
}

// Lidstone returns the distribution of the word after a context with gamma added to every
// count,
//
//	P(w|c) = (n(c, w) + γ)/(n(c) + γV),
//
// each within 4u of the real number, u = 2⁻⁵³: four roundings. With γ = 0 it is the empirical
// distribution, of a context that occurs.
func (b *Bigrams) Lidstone(context int, gamma float64) []float64 {
	p := make([]float64, len(b.Words))
	total := float64(b.total[context]) + float64(gamma*float64(len(p))) // two roundings
	for w := range p {
		p[w] = (float64(b.count[context][w]) + gamma) / total
	}
	return p
}

// KneserNey returns the interpolated estimate of Kneser and Ney with a discount d,
//
//	P(w|c) = max(n(c, w) − d, 0)/n(c) + d·N(c·)/n(c)·N(·w)/N(··),
//
// where N counts different pairs: with the context c, with the word w, and all. A context
// without pairs has the last factor alone. All terms are positive and every one is within 5u:
// the sum is within 6u.
func (b *Bigrams) KneserNey(context int, d float64) []float64 {
	before, pairs := make([]int, len(b.Words)), 0
	for _, after := range b.count {
		for w := range after {
			before[w]++
		}
		pairs += len(after)
	}
	p := make([]float64, len(b.Words))
	n, rest := float64(b.total[context]), 1.0
	if n > 0 {
		rest = d * float64(len(b.count[context])) / n
	}
	for w := range p {
		p[w] = float64(rest * (float64(before[w]) / float64(pairs)))
		if c := float64(b.count[context][w]); c > 0 {
			p[w] += max(c-d, 0) / n
		}
	}
	return p
}
