package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"klconf/conform/judge"
	"klconf/impl/exact"
	"klconf/spec"
)

func klCommand() *cobra.Command {
	var dtype, base, normalise, temperature string
	var enclosure, logprobs bool
	var k rowsCommand
	var top truncatedFlags
	cmd := &cobra.Command{
		Use:   "kl P Q",
		Short: "Print the divergence of two vectors in files, correctly rounded, or of rows of logits",
		Long: `Kl prints KL(P‖Q) = Σ p ln(p/q) of the weights in two files, the exact real value
rounded once to float64, as the shortest decimal that reads back as that number.

Files are .npy (float16, float32, float64 or integers), .csv and .txt (decimals or
hexadecimal floats, separated by commas, white space and line ends), .json (an array of
numbers or of hexadecimal floats in quotes), or raw little-endian numbers with --dtype.
A decimal means the float64 nearest to it. - is standard input.

With --logits the numbers are arguments of a softmax, and with --logprobs natural
logarithms of weights; -inf stands for probability 0.

Rows of logits. With --logits a file may hold many rows, such as one for each position
of a text: .npy of shape (rows, n), .safetensors (F64, F32, F16, BF16, F8_E4M3,
F8_E5M2), or raw numbers with --dtype and --columns. Leading axes are taken for rows,
which are counted from 1. Each row is the exact divergence of the stored numbers,
rounded once. What is printed are the statistics that llama.cpp's llama-perplexity
--kl-divergence prints: the mean of the rounded rows, from their exact sum, and its
standard error; quantiles, interpolated between rows as NumPy and llama.cpp do; how
often the largest logit of P and Q is at the same place, the first of equal ones; and a
histogram. Up to ten rows are also listed. A row with a NaN or +Inf logit, or with all
logits -Inf, has no divergence: it is counted and left out. A row where Q is -Inf and P
is not is +Inf, and so is the mean then.

Files are read row by row; 16 bytes of each row are kept, 56 with --arithmetic. A row of
50,000 logits takes less than a millisecond, unless its quotients by the temperature are
no numbers of float32 (all are at 1, 0.5, 2 and other powers of two): then exact
arithmetic takes about 4 microseconds for each element, a fifth of a second a row.

--arithmetic llama.cpp also prints what llama.cpp computes: log-probabilities of P in 16
bits, those below -16 dropped, sums in float32 and float64; how far that is off; and what
it gives for two equal rows.

--top-logprobs prints bounds of the divergence of rows of which a serving API returned the
most probable tokens only: one row a line, as {"top_logprobs":[{"token":"a","logprob":-0.1},…]},
that array alone, or an object {"a":-0.1,…} or {"17":{"logprob":-0.1},…}. The bounds hold whatever the
tokens have that are not listed, of so many as --vocabulary says, each at most as probable
as the least that is. The upper bound is +Inf unless Q lists what P does, or --floor says
how small a log-probability of Q can be.`,
		Example: `  klconf kl p.npy q.npy
  klconf kl --base 2 --enclosure p.csv q.csv
  klconf kl --dtype f32 p.bin q.bin
  klconf kl --logits --temperature 0.7 --dtype bf16 teacher.bin student.bin
  klconf kl --logits --rows rows.csv --svg kl.svg teacher.npy student.npy
  klconf kl --logits --dtype bf16 --columns 49152 --mask keep.npy teacher.bin student.bin
  klconf kl --logits --tensor logits --arithmetic llama.cpp p.safetensors q.safetensors
  klconf kl --top-logprobs --vocabulary 49152 --floor -40 teacher.jsonl student.jsonl`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("kl takes two files, P and Q; %d given", len(args))
			}
			if args[0] == "-" && args[1] == "-" {
				return errors.New("standard input can be one of the two vectors, not both")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if top.wanted {
				return top.run(cmd, args)
			}
			if cmd.Flags().Changed("vocabulary") || cmd.Flags().Changed("floor") {
				return errors.New("--vocabulary and --floor are for --top-logprobs")
			}
			b, err := parseBase(base)
			if err != nil {
				return err
			}
			c := spec.Convention{Base: b}
			op, domain, options := spec.Op("kl"), spec.Probs, spec.Options{}
			switch {
			case k.logits:
				op, domain = "kl_logits", spec.Logits
			case logprobs:
				op, domain = "kl_logprobs", spec.LogProbs
			}
			k.temperature = 1
			if temperature != "" {
				t, err := parseNumber(temperature)
				if err != nil || !(t > 0) || math.IsInf(t, 0) || !k.logits {
					return fmt.Errorf("--temperature is a number above 0, such as 0.7, that logits are divided by (--logits), not %q", temperature)
				}
				k.temperature = t
				options.Temperature = spec.Real(strconv.FormatFloat(t, 'x', -1, 64))
			}
			switch normalise {
			case "", "none":
			case "both":
				c.Steps = []spec.Step{{Do: "normalise", Of: "both"}}
			default:
				return fmt.Errorf("--normalise is both or none, not %q", normalise)
			}
			if err := k.check(cmd, spec.DType(dtype)); err != nil {
				return err
			}
			var vectors [2][]float64
			if k.logits {
				files, mask, err := k.open(args, cmd.InOrStdin())
				if err != nil {
					return err
				}
				defer files[0].close()
				defer files[1].close()
				defer mask.close()
				if files[0].vector == nil || files[1].vector == nil || k.wantsRows() {
					if base != "e" || enclosure {
						return errors.New("--base and --enclosure are for one vector, not for rows")
					}
					return k.run(cmd, files, mask)
				}
				vectors = [2][]float64{files[0].vector, files[1].vector}
				if vectors[0], vectors[1], err = mask.keep(vectors[0], vectors[1]); err != nil {
					return err
				}
				for i, x := range vectors {
					if err := checkVector(x, domain, files[i].name); err != nil {
						return err
					}
				}
			} else {
				for i := range vectors {
					if vectors[i], err = readVector(args[i], domain, spec.DType(dtype), cmd.InOrStdin()); err != nil {
						return err
					}
				}
				if n, m := len(vectors[0]), len(vectors[1]); n != m {
					return fmt.Errorf("%s has %d elements and %s has %d; both need the same number", shown(args[0]), n, shown(args[1]), m)
				}
			}
			arrays := []spec.Array{spec.Float64s("p", vectors[0]), spec.Float64s("q", vectors[1])}
			for i, a := range arrays {
				if domain != spec.Probs {
					break
				}
				total := sumOf(a)
				if normalise == "both" && total.Sign() == 0 {
					return fmt.Errorf("%s sums to 0 and cannot be normalised", shown(args[i]))
				}
				if normalise == "" && !judge.IsPMF(a) {
					fmt.Fprintf(cmd.ErrOrStderr(), "klconf: %s sums to %s, not 1, and is taken as it is; --normalise both divides by the sums\n", shown(args[i]), total.Text('g', 17))
				}
			}
			if k.reverse {
				arrays[0], arrays[1] = arrays[1], arrays[0]
				arrays[0].Name, arrays[1].Name = "p", "q"
			}
			e, err := judge.Expect(spec.Request{Op: op, Arrays: arrays, Options: options}, c)
			if err != nil {
				return fmt.Errorf("the divergence cannot be computed: %w", err)
			}
			return printSet(cmd.OutOrStdout(), e.Values[0], enclosure)
		},
	}
	f := cmd.Flags()
	f.StringVar(&dtype, "dtype", "", "the files hold raw little-endian numbers of this format: f64, f32, f16, bf16, f8e4m3, f8e5m2, i64, i32 or u8")
	f.StringVar(&base, "base", "e", "base of the logarithm: e, 2, 10 or a hexadecimal float")
	f.BoolVar(&enclosure, "enclosure", false, "also print the certified enclosure, in decimal and in hexadecimal")
	f.BoolVar(&k.logits, "logits", false, "the numbers are logits: each vector or row is the argument of a softmax")
	f.BoolVar(&logprobs, "logprobs", false, "the numbers are log-probabilities, taken as they are")
	f.StringVar(&temperature, "temperature", "", "divide the logits by this number, exactly; slow for many rows unless it is a power of two")
	f.StringVar(&normalise, "normalise", "", "both divides each vector by its exact sum; none takes them as they are without a word")
	k.flags(f)
	f.BoolVar(&top.wanted, "top-logprobs", false, "the files hold the most probable tokens of rows, as JSON lines; print bounds")
	f.IntVar(&top.vocabulary, "vocabulary", 0, "with --top-logprobs, how many tokens there are in all")
	f.Float64Var(&top.floor, "floor", math.Inf(-1), "with --top-logprobs, a log-probability that no token of Q is below")
	cmd.MarkFlagsMutuallyExclusive("logits", "logprobs", "normalise", "top-logprobs")
	for _, flag := range []string{"dtype", "base", "enclosure", "temperature", "reverse"} {
		cmd.MarkFlagsMutuallyExclusive("top-logprobs", flag)
	}
	return cmd
}

// parseBase checks the base of a logarithm.
func parseBase(s string) (spec.Real, error) {
	c := spec.Convention{Base: spec.Real(s)}
	if s == "" || c.Check() != nil {
		return "", fmt.Errorf("--base is e, 2, 10 or a hexadecimal float above 0 other than 1, such as 0x1.8p+1, not %q", s)
	}
	return c.Base, nil
}

// shown is what a file is called in a sentence.
func shown(file string) string {
	if file == "-" {
		return "standard input"
	}
	return file
}

// sumOf returns the exact sum.
func sumOf(a spec.Array) *big.Float {
	var n []exact.Num
	for _, v := range a.Floats() {
		n = append(n, exact.Float(v))
	}
	return exact.Sum(n).Float()
}

// printSet prints the correctly rounded number, and the enclosure behind it.
func printSet(w io.Writer, s spec.Set, enclosure bool) error {
	v := s.Intervals[0]
	x, _ := v.Lo.Float64()
	if s.RN != "" {
		var bits uint64
		if _, err := fmt.Sscanf(s.RN, "%x", &bits); err != nil {
			return err
		}
		x = math.Float64frombits(bits)
	}
	fmt.Fprintln(w, spec.Decimal(x))
	if !enclosure || math.IsInf(x, 0) {
		return nil
	}
	lo, hi := outward(v)
	_, err := fmt.Fprintf(w, "[%s,\n %s]\n[%s,\n %s]\n", lo, hi, v.Lo.Text('x', -1), v.Hi.Text('x', -1))
	return err
}

// outward writes an interval in decimal: digits to where its ends differ and
// a few more, the lower end rounded down and the upper end up.
func outward(v spec.Interval) (lo, hi string) {
	const extra = 3
	digits := 20
	if width := new(big.Float).Sub(v.Hi, v.Lo); width.Sign() > 0 && v.Hi.Sign() != 0 {
		bits := max(v.Hi.MantExp(nil), v.Lo.MantExp(nil)) - width.MantExp(nil)
		digits = max(17, int(float64(bits)*math.Log10(2))+extra)
	}
	return decimal(v.Lo, digits, -1), decimal(v.Hi, digits, +1)
}

// decimal writes x with that many digits, rounded down or up.
func decimal(x *big.Float, digits, direction int) string {
	s := x.Text('e', digits-1)
	y, _, err := big.ParseFloat(s, 10, x.MinPrec()+4*uint(digits)+64, big.ToNearestEven)
	if err != nil || y.Cmp(x) == 0 || y.Cmp(x) == direction {
		return s
	}
	// One unit of the last digit further.
	mantissa, exponent, _ := strings.Cut(s, "e")
	unit := "0." + strings.Repeat("0", digits-2) + "1e" + exponent
	u, _, err := big.ParseFloat(unit, 10, y.Prec(), big.ToNearestEven)
	if err != nil || mantissa == "" {
		return s
	}
	if direction < 0 {
		u.Neg(u)
	}
	return new(big.Float).SetPrec(y.Prec()).Add(y, u).Text('e', digits-1)
}
