package exact

import (
	"math/big"
	"slices"
	"testing"
)

// TestLimbsAgreeWithBig draws limbs that are often 0 or all ones, where carries run.
func TestLimbsAgreeWithBig(t *testing.T) {
	r := generator(41)
	for range 5000 {
		n := 1 + r.IntN(6)
		draw := func() []uint64 {
			x := make([]uint64, n)
			for i := range x {
				x[i] = []uint64{0, 1, ^uint64(0), 1<<64 - 2, r.Uint64(), r.Uint64()}[r.IntN(6)]
			}
			return x
		}
		x, y, scratch := draw(), draw(), make([]uint64, 2*n)
		modulus := new(big.Int).Lsh(big.NewInt(1), uint(64*n))
		check := func(name string, got []uint64, want *big.Int) {
			t.Helper()
			if bigInt(got).Cmp(want.Mod(want, modulus)) != 0 {
				t.Fatalf("%s of %x and %x: %x", name, x, y, got)
			}
		}
		product := new(big.Int).Mul(bigInt(x), bigInt(y))
		product.Rsh(product, uint(64*n))
		z := make([]uint64, n)
		mulTop(z, x, y, scratch)
		check("mulTop", z, product)
		z = slices.Clone(x)
		mulTop(z, z, y, scratch) // aliased
		check("mulTop", z, product)
		z = slices.Clone(x)
		add(z, y)
		check("add", z, new(big.Int).Add(bigInt(x), bigInt(y)))
		z = slices.Clone(x)
		sub(z, y)
		check("sub", z, new(big.Int).Sub(bigInt(x), bigInt(y)))
		z = slices.Clone(x)
		negate(z)
		check("negate", z, new(big.Int).Neg(bigInt(x)))
		if got, want := leadingZeros(x), 64*n-bigInt(x).BitLen(); got != want {
			t.Fatalf("leadingZeros of %x is %d, want %d", x, got, want)
		}

		m, s := draw()[0], uint(r.IntN(64))
		z = make([]uint64, n+1)
		shiftLeft(z, x, s)
		if bigInt(z).Cmp(new(big.Int).Lsh(bigInt(x), s)) != 0 {
			t.Fatalf("%x shifted by %d: %x", x, s, z)
		}
		z = append(slices.Clone(y), ^uint64(0), ^uint64(0), 0)
		want := new(big.Int).Mul(bigInt(x), new(big.Int).SetUint64(m))
		want.Add(want, bigInt(z))
		if addMul(z, x, m); bigInt(z).Cmp(want) != 0 {
			t.Fatalf("addMul of %x, %x and %x: %x", y, x, m, z)
		}
	}
}
