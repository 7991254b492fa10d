package adapters

import (
	"math"
	"os"
	"testing"

	"klconf/spec"
)

// The rude adapters of helpers_test.go, in Rust, C and C++.

var rust = helper{
	language: "Rust", file: "rust/klap.rs", adapter: "adapter.rs",
	needs: []string{"rustc", "cc"},
	setup: []string{"rustc", "--edition", "2021", "-C", "debuginfo=0", "-o", "{dir}/program", "{file}"},
	start: []string{"{dir}/program", "{dir}"},
	program: `
#[path = "../rust/klap.rs"]
mod klap;
use klap::Call::{F32, F64};

fn kl(p: &[f64], q: &[f64]) -> Result<f64, String> {
    println!("a stray print");
    if p.len() != q.len() {
        return Err("lengths\n differ".into());
    }
    let s = p.iter().zip(q).map(|(p, q)| p * (p / q).ln()).sum::<f64>() + 0.0;
    if p.len() == 1 {
        unsafe { (p.as_ptr() as *mut f64).write_volatile(7.0) } // as a library in C would
    }
    Ok(s)
}

fn main() {
    eprintln!("loading");
    klap::serve(
        "rude",
        &[
            ("f", "kl", F64(kl)),
            ("f", "kl", F32(|p, q| Ok(p.iter().zip(q).map(|(p, q)| p * (p / q).ln()).sum::<f32>() + 0.0))),
            ("f", "entropy", F64(|p, _| Ok(*p.first().expect("surprise")))),
            ("f", "entropy", F32(|p, _| Ok(p[0]))),
        ],
    );
}
`}

const rudeC = `
#include "../c/klap.h"
#include <math.h>

static double kl(double *p, size_t n, double *q, size_t m) {
  puts("a stray print");
  fflush(stdout);
  if (n != m) return klap_refuse("length", "lengths\n differ");
  double s = 0;
  for (size_t i = 0; i < n; i++) s += p[i] * log(p[i] / q[i]);
  if (n == 1) p[0] = 7;
  return s;
}

static float kl32(float *p, size_t n, float *q, size_t m) {
  float s = 0;
  for (size_t i = 0; i < n && i < m; i++) s += p[i] * logf(p[i] / q[i]);
  return s;
}

static double entropy(double *p, size_t n, double *q, size_t m) {
  (void)q, (void)m;
  if (!n) SURPRISE;
  return p[0];
}

static float entropy32(float *p, size_t n, float *q, size_t m) {
  (void)q, (void)m;
  return n ? p[0] : 0;
}

int main(int argc, char **argv) {
  static const klap_row table[] = {{"f", "kl", kl, kl32, NULL}, {"f", "entropy", entropy, entropy32, NULL}, {NULL, NULL, NULL, NULL, NULL}};
  fputs("loading\n", stderr);
  klap_package("rude", "1");
  return klap_serve(argc, argv, table);
}
`

var c = helper{
	language: "C", file: "c/klap.h", adapter: "adapter.c",
	needs:   []string{"cc"},
	setup:   []string{"cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-o", "{dir}/program", "{file}", "-lm"},
	start:   []string{"{dir}/program", "{dir}"},
	program: "#define SURPRISE return klap_refuse(NULL, \"surprise\")\n" + rudeC,
}

var cplusplus = helper{
	language: "C++", file: "c/klap.h", adapter: "adapter.cpp",
	needs:   []string{"c++"},
	setup:   []string{"c++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-o", "{dir}/program", "{file}"},
	start:   []string{"{dir}/program", "{dir}"},
	program: "#include <stdexcept>\n#define SURPRISE throw std::runtime_error(\"surprise\")\n" + rudeC,
}

func TestRustHelper(t *testing.T) {
	rust.test(t, []change{
		{"(0..size).rev()", "0..size", "the value of f64 in hex"},
		{`"[]", &x.to_le_bytes()`, `"[]", &(x + 0.0).to_le_bytes()`, "-0 of f64 in frame"},
		{"Some(Call::F64(f)) => repeat(|| f(p.slice(), q.slice())", "Some(Call::F64(f)) => repeat(|| f(&p.slice::<f64>().to_vec(), q.slice())", "a change of the argument does not show"},
		{`Rejected(if arity == 2 && p.shape != q.shape { "length" } else { "domain" }, e)`, "Error(e)", "a refusal: error"},
	})
}

func TestCHelper(t *testing.T) {
	changes := []change{
		{"b->data[b->bytes + size - 1 - i]", "b->data[b->bytes + i]", "the value of f64 in hex"},
		{"double d = wide;", "double d = wide + 0.0;", "-0 of f64 in frame"},
		{"void *x = p->data", "void *x = memcpy(klap_alloc(p->bytes), p->data, p->bytes)", "a change of the argument does not show"},
		{`kind ? "rejected" : "error"`, `"error"`, "a refusal: error"},
	}
	c.test(t, changes)
}

func TestCPlusPlusHelper(t *testing.T) {
	cplusplus.test(t, []change{
		{"catch (const std::exception &e) {\n    return klap_refuse(NULL, \"%s\", e.what());", "catch (const std::exception &e) {\n    return klap_refuse(NULL, \"caught\") + 0 * !e.what();", "a surprise: error"},
	})
}

// What the libraries answer, as measured once by programs of other authors.
func TestRustAndCLibraries(t *testing.T) {
	if os.Getenv("KLCONF_FULL") == "" {
		t.Skip("it installs and builds the libraries, which takes minutes the first time: KLCONF_FULL=1, as make test-full has it")
	}
	for _, c := range []struct {
		entry string
		dtype spec.DType
		seed  float64
		file  string // of what must be installed
	}{
		{"ndarray-stats/kl_divergence", spec.F64, 0x1.84dcfd8f12612p-5, ""},
		{"logp/kl_divergence", spec.F64, 0x1.84dcfd8f12612p-5, ""},
		{"ml-distance-rust/kullback_leibler", spec.F64, 0x1.84dcfd8f12612p-5, ""},
		{"ruvector-math/kl_divergence", spec.F64, 0x1.84dcfd8f12612p-5, ""},
		{"cmsis-dsp-c/arm_kullback_leibler", spec.F64, 0x1.84dcfd8f12612p-5, ""},
		{"cmsis-dsp-c/arm_kullback_leibler", spec.F32, 0x1.84dcf4p-5, ""},
		{"numkong-c/nk_kld_serial", spec.F64, 0x1.84dcfd8f12596p-5, ""},
		{"numkong-c/nk_kld_haswell", spec.F64, 0x1.84dcfd8f12579p-5, ""},
		{"libmvec/loop", spec.F64, 0x1.84dcfd8f12612p-5, "/lib64/ld-linux-x86-64.so.2"},
		{"flann/KL_Divergence", spec.F64, 0x1.84dcfd8f12612p-5, "/usr/include/flann/config.h"},
		{"opencv-cpp/compareHist.HISTCMP_KL_DIV", spec.F32, 0x1.84dcf400517a0p-5, "/usr/include/opencv4/opencv2/imgproc.hpp"},
	} {
		t.Run(c.entry+"/"+string(c.dtype), func(t *testing.T) {
			var l *live
			if c.file == "" {
				l = startByName(t, c.entry)
			} else {
				if _, err := os.Stat(c.file); err != nil {
					t.Skipf("not tested here: %s is not installed", c.file)
				}
				m, entries, err := Find(all(t), c.entry)
				if err != nil {
					t.Fatal(err)
				}
				l = start(t, m, entries[0], Options{})
			}
			x, ok := l.ask(pair("kl", c.dtype, seedP, seedQ)).Result()
			if !ok || math.Abs(x.Float(0)-c.seed) > 0x1p-50*c.seed {
				t.Errorf("%x, want %x", x.Floats(), c.seed)
			}
		})
	}
}

// A C compiler goes on after its error; the linker's stands before that of gcc.
func TestComplaintOfCompilers(t *testing.T) {
	for said, want := range map[string]string{
		"adapter.cpp:3:2: error: #error \"the headers of FLANN are not installed; in Debian: apt-get install libflann-dev\"\n    3 | #error \"the headers\"\n      |  ^~~~~\ncompilation terminated due to -Wfatal-errors.\n": "the headers of FLANN are not installed; in Debian: apt-get install libflann-dev",
		"In file included from adapter.c:3:\na.h:1:10: fatal error: numkong/numkong.h: No such file or directory\n    1 | #include\ncompilation terminated.\n":                                                                "numkong/numkong.h: No such file or directory",
		"/usr/bin/ld: cannot find -lopencv_imgproc: No such file or directory\ncollect2: error: ld returned 1 exit status\n":                                                                                                  "/usr/bin/ld: cannot find -lopencv_imgproc: No such file or directory",
	} {
		if got := complaint(said); got != want {
			t.Errorf("%q: %q", said, got)
		}
	}
}
