package property
import ("testing";"klconf/spec")
func TestZ(t *testing.T) {
	for _, d := range formatsDrawn {
	for _, text := range append(conventions, `{"result_dtype":{"f32":"f64","f16":"f16","bf16":"bf16"}}`, `{"result_dtype":{"f32":"f16","f16":"f64","bf16":"f16"}}`,`{"subnormal":"flushed","zero_zero":"inf","zero_p":"nan","zero_q":"drop","generalised":true,"scale":"-0x1p-1","base":"0x1p-2"}`,`{"requires_normalised":"0x1p-5","reduction":"mean","steps":[{"do":"normalise","of":"p"}]}`,`{"generalised":true,"steps":[{"do":"normalise","of":"p"}]}`,`{"generalised":true,"steps":[{"do":"normalise","of":"q"}]}`,`{"generalised":true,"steps":[{"do":"normalise","of":"both"},{"do":"add_ratio","value":"1"}]}`,`{"generalised":true,"steps":[{"do":"drop_term","where":"p","at_or_below":"0"}]}`,`{"base":"0x1.000001p0","reduction":"mean"}`) {
		c := conventionOf(t, text)
		for _, l := range Laws() {
			for _, lv := range []spec.Level{spec.L5, spec.L4, spec.L3, spec.L2, spec.L1} {
			if o := Run(t.Context(), l, Subject{oracle(c), c, lv, d, offersAll}, Options{5, 40}); o.Status != spec.Pass && o.Message != l.ID + " does not hold under this convention" {
				t.Errorf("%s %s %s under %s: %s: %s", lv, d, l.ID, text, o.Status, o.Message)
			}
		}}
	}
	}
}
