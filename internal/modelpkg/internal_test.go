package modelpkg

import "testing"

// The vector is that of the DSSE protocol specification.
func TestPreAuthEncoding(t *testing.T) {
	t.Parallel()
	got := string(preAuthEncoding("http://example.com/HelloWorld", []byte("hello world")))
	if want := "DSSEv1 29 http://example.com/HelloWorld 11 hello world"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := string(preAuthEncoding("é", nil)); got != "DSSEv1 2 é 0 " {
		t.Errorf("%q: lengths count bytes", got)
	}
}
