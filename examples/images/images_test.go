package main

import (
	"bytes"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"klconf/examples/readme"
	"klconf/impl/exact"
)

func TestOutput(t *testing.T) {
	var b bytes.Buffer
	if err := run(&b); err != nil {
		t.Fatal(err)
	}
	readme.Check(t, "go run ./examples/images", b.String())
}

var half = big.NewRat(1, 2)

// ofSigma is the exact divergence, from rational numbers and logarithms.
func ofSigma(mu, sigma []float64) *exact.Form {
	f, one := new(exact.Form), exact.Int(1)
	for i := range mu {
		m, s := exact.Float(mu[i]), exact.Float(sigma[i])
		f.AddRat(m.Mul(m).Add(s.Mul(s)).Sub(one).Half().Rat())
		f.AddLog(one.Neg(), s, one) // −½ ln σ²
	}
	return f
}

// ofLambda is the same of λ = ln σ², from exponentials.
func ofLambda(mu, lambda []float64) *exact.Form {
	f := new(exact.Form)
	for i := range mu {
		m, l := exact.Float(mu[i]), exact.Float(lambda[i])
		rest := m.Mul(m).Sub(exact.Int(1)).Sub(l)
		g, _ := exact.LogSum([]exact.Num{l, exact.Int(0)}, []exact.Num{exact.Int(1), rest})
		f.AddScaled(half, g)
	}
	return f
}

// within reports whether x is as near to the value of f as Gaussian promises for n
// components. The value stands here for its nearest float64, which is u off at most.
func within(t *testing.T, x float64, f *exact.Form, n int) bool {
	t.Helper()
	r, err := f.Round(exact.Float64)
	if err != nil {
		t.Fatal(err)
	}
	value := exact.Float64.Value(r.Bits)
	return math.Abs(x-value) <= float64(13+n)*0x1p-53*value+float64(n)*0x1p-1073
}

// draw returns components of one kind.
func draw(rng *rand.Rand, kind string, n int) (mu, sigma, lambda []float64) {
	for range n {
		m, z := rng.NormFloat64(), rng.NormFloat64()
		tiny := math.Ldexp(1, -rng.IntN(50)-1)
		switch kind {
		case "wide": // σ from e^-6 to e^6
			mu, lambda = append(mu, 3*m), append(lambda, 4*z)
		case "near": // both parts down to 2⁻¹⁰⁰
			mu, lambda = append(mu, m*tiny), append(lambda, z*tiny)
		case "unit": // σ = 1 or one of its neighbours
			mu, lambda = append(mu, m*tiny*tiny), append(lambda, math.Copysign(0x1p-51, z))
		case "ends": // of the intervals of phi and of excess
			mu = append(mu, m*tiny)
			edge := []float64{1, -1, 2 * math.Ln2, -2 * math.Ln2}[rng.IntN(4)]
			lambda = append(lambda, edge*(1+0x1p-52*float64(rng.IntN(9)-4)))
		}
		sigma = append(sigma, math.Exp(lambda[len(lambda)-1]/2))
	}
	return mu, sigma, lambda
}

var kinds = []string{"wide", "near", "unit", "ends"}

// The oracle finds no error above the bound.
func TestGaussianIsWithinItsBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, kind := range kinds {
		for k := range 300 {
			n := 1 + k%3*7
			mu, sigma, lambda := draw(rng, kind, n)
			if x := Gaussian(mu, sigma); !within(t, x, ofSigma(mu, sigma), n) {
				t.Errorf("%s: Gaussian(%v, %v) = %v", kind, mu, sigma, x)
			}
			if x := GaussianLog(mu, lambda); !within(t, x, ofLambda(mu, lambda), n) {
				t.Errorf("%s: GaussianLog(%v, %v) = %v", kind, mu, lambda, x)
			}
		}
	}
	for _, tiny := range []float64{1e-100, 1e-160, 1e-200, 5e-324} {
		mu, zero, one := []float64{tiny}, []float64{0}, []float64{1}
		if x := Gaussian(mu, one); !within(t, x, ofSigma(mu, one), 1) {
			t.Errorf("Gaussian(%v, 1) = %v", tiny, x)
		}
		if x := GaussianLog(zero, mu); !within(t, x, ofLambda(zero, mu), 1) {
			t.Errorf("GaussianLog(0, %v) = %v", tiny, x)
		}
	}
}

// The usual formulas are found wrong by the same oracle: near the standard distribution they
// have lost digits or give 0.
func TestNaiveFormulasFail(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	for _, kind := range []string{"near", "unit"} {
		var zero, wrong, wrongLog int
		for range 300 {
			mu, sigma, lambda := draw(rng, kind, 1)
			x, y := Naive(mu, sigma), NaiveLog(mu, lambda)
			if !within(t, x, ofSigma(mu, sigma), 1) {
				wrong++
			}
			if !within(t, y, ofLambda(mu, lambda), 1) {
				wrongLog++
			}
			if y == 0 {
				zero++
			}
		}
		t.Logf("%s: of 300 from σ %d are wrong, from λ %d are, %d of them 0", kind, wrong, wrongLog, zero)
		if wrong == 0 || wrongLog == 0 || zero == 0 {
			t.Errorf("%s: of 300 from σ %d are wrong, from λ %d are, %d of them 0; want some of each", kind, wrong, wrongLog, zero)
		}
	}
	// The case of torch.distributions.kl_divergence in float32, whose formula this is.
	if x := Naive([]float32{2e-4}, []float32{1}); x != 0 {
		t.Errorf("in float32, μ = 2e-4: %v, want the wrong 0", x)
	}
	if x := Naive([]float64{1e-9}, []float64{1}); x != 0 {
		t.Errorf("in float64, μ = 1e-9: %v, want the wrong 0", x)
	}
	if x := Gaussian([]float64{1e-9}, []float64{1}); x != 5e-19 {
		t.Errorf("Gaussian(1e-9, 1) = %v", x)
	}
}

func TestGaussianSpecialValues(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, x := range []struct{ mu, sigma, want float64 }{
		{0, 1, 0}, {nan, 1, nan}, {0, nan, nan}, {0, -1, nan}, {0, math.Inf(-1), nan},
		{inf, 1, inf}, {-inf, 1, inf}, {0, 0, inf}, {0, inf, inf}, {1e200, 1, inf}, {0, 1e200, inf},
	} {
		got := Gaussian([]float64{x.mu}, []float64{x.sigma})
		if got != x.want && !(math.IsNaN(got) && math.IsNaN(x.want)) {
			t.Errorf("Gaussian(%v, %v) = %v, want %v", x.mu, x.sigma, got, x.want)
		}
	}
	for _, x := range []struct{ mu, lambda, want float64 }{
		{0, 0, 0}, {nan, 0, nan}, {0, nan, nan}, {inf, 0, inf}, {0, inf, inf}, {0, -inf, inf}, {0, 800, inf},
	} {
		got := GaussianLog([]float64{x.mu}, []float64{x.lambda})
		if got != x.want && !(math.IsNaN(got) && math.IsNaN(x.want)) {
			t.Errorf("GaussianLog(%v, %v) = %v, want %v", x.mu, x.lambda, got, x.want)
		}
	}
	for name, f := range map[string]func(a, b []float64) float64{"Gaussian": Gaussian, "GaussianLog": GaussianLog} {
		if f(nil, nil) != 0 {
			t.Errorf("%s of nothing is not 0", name)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s takes different lengths", name)
				}
			}()
			f([]float64{1}, nil)
		}()
	}
}

func TestHistogram(t *testing.T) {
	m := Image{2, 2, []uint8{0, 7, 7, 255}}
	h := m.Histogram(0)
	if len(h) != 256 || h[0] != .25 || h[7] != .5 || h[255] != .25 || h[8] != 0 {
		t.Errorf("%v", h)
	}
	var sum float64
	for _, x := range m.Histogram(0.5) {
		sum += x
	}
	if math.Abs(sum-1) > 256*0x1p-53 || m.Histogram(0.5)[8] != 0.5/132 {
		t.Errorf("with ½ added the sum is %v", sum)
	}
	if got := m.Mirrored().Grey; !bytes.Equal(got, []uint8{7, 0, 255, 7}) {
		t.Errorf("mirrored: %v", got)
	}
}
