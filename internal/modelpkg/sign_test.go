package modelpkg_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"puenktlich/internal/modelpkg"
)

// The signature is taken apart by hand, as the specifications of DSSE, in-toto
// and OpenSSF Model Signing say.
func TestSignatureFollowsTheSpecifications(t *testing.T) {
	t.Parallel()
	dir, digest, key := signed(t)
	var b struct {
		MediaType            string
		VerificationMaterial struct{ PublicKey struct{ Hint string } }
		DsseEnvelope         struct {
			Payload, PayloadType string
			Signatures           []struct{ Sig, KeyID string }
		}
	}
	must(t, json.Unmarshal(read(t, dir, "signature.json"), &b))
	payload, err := base64.StdEncoding.DecodeString(b.DsseEnvelope.Payload)
	must(t, err)
	sig, err := base64.StdEncoding.DecodeString(b.DsseEnvelope.Signatures[0].Sig)
	must(t, err)
	signedText := fmt.Sprintf("DSSEv1 28 application/vnd.in-toto+json %d %s", len(payload), payload)
	hash := sha256.Sum256([]byte(signedText))
	block, _ := pem.Decode(key.Public().PEM())
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	must(t, err)
	if !ecdsa.VerifyASN1(public.(*ecdsa.PublicKey), hash[:], sig) {
		t.Error("the signature does not hold over the DSSE encoding")
	}
	if b.VerificationMaterial.PublicKey.Hint != sha(key.Public().PEM()) || b.MediaType != "application/vnd.dev.sigstore.bundle.v0.3+json" {
		t.Errorf("hint %q, type %q", b.VerificationMaterial.PublicKey.Hint, b.MediaType)
	}
	checkStatement(t, dir, payload, digest)
}

func checkStatement(t *testing.T, dir string, payload []byte, digest string) {
	t.Helper()
	var s struct {
		Type    string `json:"_type"`
		Subject []struct {
			Name   string
			Digest map[string]string
		}
		PredicateType string
		Predicate     struct {
			Resources []struct{ Name, Algorithm, Digest string }
		}
	}
	must(t, json.Unmarshal(payload, &s))
	root, found := sha256.New(), false
	for i, r := range s.Predicate.Resources {
		if r.Digest != sha(read(t, dir, r.Name)) || r.Algorithm != "sha256" {
			t.Errorf("resource %+v", r)
		}
		if i > 0 && r.Name <= s.Predicate.Resources[i-1].Name {
			t.Errorf("%s is out of order", r.Name)
		}
		raw, _ := hex.DecodeString(r.Digest)
		root.Write(raw)
		found = found || r.Name == "manifest.json" && r.Digest == digest
	}
	if !found || len(s.Predicate.Resources) != 22 {
		t.Errorf("%d resources, manifest among them: %v", len(s.Predicate.Resources), found)
	}
	if s.Type != "https://in-toto.io/Statement/v1" || s.PredicateType != "https://model_signing/signature/v1.0" ||
		len(s.Subject) != 1 || s.Subject[0].Name != "punctuality@7" || s.Subject[0].Digest["sha256"] != hex.EncodeToString(root.Sum(nil)) {
		t.Errorf("statement %+v", s)
	}
}

func TestLoadOrCreateKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "made", "key.pem")
	ids := make([]string, 8)
	var wait sync.WaitGroup
	for i := range ids {
		wait.Go(func() {
			key, err := modelpkg.LoadOrCreateKey(path)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = key.KeyID()
		})
	}
	wait.Wait()
	for _, id := range ids {
		if id != ids[0] || len(id) != 64 {
			t.Errorf("key %q beside %q", id, ids[0])
		}
	}
	info, err := os.Stat(path)
	must(t, err)
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if info.Mode().Perm() != 0o600 || len(entries) != 1 {
		t.Errorf("mode %v beside %d files, want 0600 alone", info.Mode(), len(entries))
	}
}

func TestLoadOrCreateKeyNeverReplacesAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key.pem")
	must(t, os.WriteFile(path, []byte("secret words"), 0o600))
	_, err := modelpkg.LoadOrCreateKey(path)
	if err == nil || !strings.Contains(err.Error(), "no PEM block") || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	sec1, err := x509.MarshalECPrivateKey(p256)
	must(t, err)
	text := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		must(t, err)
		return text("PRIVATE KEY", der)
	}
	tests := map[string]struct {
		text    []byte
		message string
	}{
		"PKCS 8":    {pkcs8(p256), ""},
		"Ed25519":   {pkcs8(edwards), ""},
		"SEC 1":     {text("EC PRIVATE KEY", sec1), ""},
		"P-384":     {pkcs8(p384), "curve P-384"},
		"RSA":       {pkcs8(large), "it is a *rsa.PublicKey"},
		"encrypted": {text("ENCRYPTED PRIVATE KEY", sec1), "not encrypted"},
		"broken":    {text("PRIVATE KEY", []byte{1}), "parse signing key"},
		"nothing":   {nil, "no PEM block"},
	}
	for name, test := range tests {
		key, err := modelpkg.ParseKey(test.text)
		switch {
		case test.message == "" && err != nil, test.message != "" && (err == nil || !strings.Contains(err.Error(), test.message)):
			t.Errorf("%s: error %v, want %q", name, err, test.message)
		case err == nil:
			public, err := modelpkg.ParsePublicKey(key.Public().PEM())
			if err != nil || public.KeyID() != key.KeyID() {
				t.Errorf("%s: public key %v %v", name, public, err)
			}
		}
	}
	if _, err := modelpkg.ParsePublicKey(pkcs8(p256)); err == nil {
		t.Error("a private key was taken for a public one")
	}
}

// Ed25519 signs the text itself, and the same text gives the same signature.
func TestEd25519Signs(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	key, err := modelpkg.ParseKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	must(t, err)
	dir, _, other := signed(t)
	must(t, modelpkg.Sign(dir, key))
	first := read(t, dir, "signature.json")
	must(t, modelpkg.Verify(dir, key.Public()))
	wantIntegrity(t, modelpkg.Verify(dir, other.Public()), "signature.json", "none of the 1 trusted keys")
	wantIntegrity(t, modelpkg.Verify(dir, modelpkg.PublicKey{}), "signature.json", "none of the 1 trusted keys")
	var b struct {
		DsseEnvelope struct {
			Payload    []byte
			Signatures []struct{ Sig []byte }
		}
	}
	must(t, json.Unmarshal(first, &b))
	text := fmt.Sprintf("DSSEv1 28 application/vnd.in-toto+json %d %s", len(b.DsseEnvelope.Payload), b.DsseEnvelope.Payload)
	if !ed25519.Verify(public, []byte(text), b.DsseEnvelope.Signatures[0].Sig) {
		t.Error("the signature does not hold over the DSSE encoding")
	}
	must(t, modelpkg.Sign(dir, key))
	if string(read(t, dir, "signature.json")) != string(first) {
		t.Error("signed again, the signature is another one")
	}
}

func TestParsePublicKeys(t *testing.T) {
	t.Parallel()
	a, b := newKey(t).Public(), newKey(t).Public()
	found, err := modelpkg.ParsePublicKeys(append(a.PEM(), b.PEM()...))
	must(t, err)
	if len(found) != 2 || found[0].KeyID() != a.KeyID() || found[1].KeyID() != b.KeyID() {
		t.Errorf("keys %v", found)
	}
	if _, err := modelpkg.ParsePublicKey(append(a.PEM(), b.PEM()...)); err == nil || !strings.Contains(err.Error(), "there are 2") {
		t.Errorf("two for one: %v", err)
	}
	if _, err := modelpkg.ParsePublicKeys([]byte("ssh-ed25519 AAAA")); err == nil || !strings.Contains(err.Error(), "no PEM block PUBLIC KEY") {
		t.Errorf("no PEM: %v", err)
	}
}
