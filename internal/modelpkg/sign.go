package modelpkg

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Formats of a signature, outermost first. Sources: Sigstore bundle v0.3
// (sigstore/protobuf-specs), DSSE v1 (secure-systems-lab/dsse), in-toto
// Statement v1, OpenSSF Model Signing v1.0 (sigstore/model-transparency).
const (
	bundleType    = "application/vnd.dev.sigstore.bundle.v0.3+json"
	payloadType   = "application/vnd.in-toto+json"
	statementType = "https://in-toto.io/Statement/v1"
	predicateType = "https://model_signing/signature/v1.0"
)

// bundle is signature.json.
type bundle struct {
	MediaType string   `json:"mediaType"`
	Material  material `json:"verificationMaterial"`
	Envelope  envelope `json:"dsseEnvelope"`
}

type material struct {
	PublicKey struct {
		Hint string `json:"hint"` // KeyID
	} `json:"publicKey"`
	TlogEntries []struct{} `json:"tlogEntries"`
}

type envelope struct {
	Payload     []byte      `json:"payload"`
	PayloadType string      `json:"payloadType"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	Sig   []byte `json:"sig"`
	KeyID string `json:"keyid"`
}

// statement says which files make up a model.
type statement struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"` // one: the model
	PredicateType string    `json:"predicateType"`
	Predicate     predicate `json:"predicate"`
}

type subject struct {
	Name   string `json:"name"`
	Digest struct {
		SHA256 string `json:"sha256"` // of the resources' raw digests, one after another
	} `json:"digest"`
}

type predicate struct {
	Serialization serialization `json:"serialization"`
	Resources     []resource    `json:"resources"`
}

type serialization struct {
	Method        string   `json:"method"`
	HashType      string   `json:"hash_type"`
	AllowSymlinks bool     `json:"allow_symlinks"`
	IgnorePaths   []string `json:"ignore_paths"`
}

type resource struct {
	Name      string `json:"name"`
	Algorithm string `json:"algorithm"`
	Digest    string `json:"digest"`
}

// newStatement names every file of the manifest, and the manifest.
func newStatement(m Manifest, digest string) statement {
	s := statement{Type: statementType, Subject: []subject{{Name: m.String()}}, PredicateType: predicateType}
	s.Predicate.Serialization = serialization{"files", "sha256", false, []string{SignatureFile}}
	s.Predicate.Resources = []resource{{ManifestFile, "sha256", digest}}
	for _, f := range m.Files {
		s.Predicate.Resources = append(s.Predicate.Resources, resource{f.Path, "sha256", f.SHA256})
	}
	slices.SortFunc(s.Predicate.Resources, func(a, b resource) int { return strings.Compare(a.Name, b.Name) })
	s.Subject[0].Digest.SHA256 = rootDigest(s.Predicate.Resources)
	return s
}

// rootDigest is over the raw digests in the order of the resources.
func rootDigest(resources []resource) string {
	sum := sha256.New()
	for _, r := range resources {
		raw, _ := hex.DecodeString(r.Digest) // was checked with the manifest
		sum.Write(raw)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// preAuthEncoding is what DSSE signs: "DSSEv1", type and body with their
// lengths in bytes, joined by spaces.
func preAuthEncoding(kind string, body []byte) []byte {
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(kind), kind, len(body)), body...)
}

// Sign writes the signature of the package in dir, which must hold, over one
// that may be there.
func Sign(dir string, key *Key) error {
	m, digest, err := verifyFiles(dir)
	if err != nil {
		return fmt.Errorf("sign package %s: %w", dir, err)
	}
	payload, err := json.Marshal(newStatement(m, digest))
	if err != nil {
		return fmt.Errorf("sign package %s: %w", dir, err)
	}
	sig, err := key.sign(preAuthEncoding(payloadType, payload))
	if err != nil {
		return fmt.Errorf("sign package %s: %w", dir, err)
	}
	b := bundle{MediaType: bundleType, Envelope: envelope{payload, payloadType, []signature{{sig, key.KeyID()}}}}
	b.Material.PublicKey.Hint, b.Material.TlogEntries = key.KeyID(), []struct{}{}
	body, err := encode(b)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, SignatureFile), body, 0o644)
	}
	if err != nil {
		return fmt.Errorf("sign package %s: %w", dir, err)
	}
	return nil
}

// signedPayload is the statement inside a signature, never empty, not verified.
func signedPayload(body []byte) ([]byte, error) {
	var b bundle
	if err := json.Unmarshal(body, &b); err != nil {
		return nil, fmt.Errorf("is not a Sigstore bundle: %w", err)
	}
	if len(b.Envelope.Payload) == 0 {
		return nil, errors.New("signs nothing")
	}
	return b.Envelope.Payload, nil
}

// checkSignature accepts a bundle in which one of the keys signed a statement
// about exactly this manifest and its files.
func checkSignature(body []byte, m Manifest, digest string, keys []PublicKey) error {
	var b bundle
	if err := json.Unmarshal(body, &b); err != nil {
		return fmt.Errorf("is not a Sigstore bundle: %w", err)
	}
	if b.MediaType != bundleType || b.Envelope.PayloadType != payloadType {
		return fmt.Errorf("is %q of %q, %q of %q is needed", b.MediaType, b.Envelope.PayloadType, bundleType, payloadType)
	}
	if !signedByOne(b.Envelope, keys) {
		return fmt.Errorf("is of the key %q and by none of the %d trusted keys", b.Material.PublicKey.Hint, len(keys))
	}
	var got statement
	if err := json.Unmarshal(b.Envelope.Payload, &got); err != nil {
		return fmt.Errorf("signs no in-toto statement: %w", err)
	}
	if got.Type != statementType || got.PredicateType != predicateType {
		return fmt.Errorf("signs a statement %q about %q", got.Type, got.PredicateType)
	}
	return got.about(newStatement(m, digest))
}

// about compares the files that were signed with those that are there.
func (s statement) about(want statement) error {
	if len(s.Subject) != 1 || s.Subject[0].Digest != want.Subject[0].Digest || s.Subject[0].Name != want.Subject[0].Name {
		return fmt.Errorf("is that of another package than %s", want.Subject[0].Name)
	}
	if !slices.Equal(s.Predicate.Resources, want.Predicate.Resources) {
		return errors.New("lists other files than the manifest")
	}
	return nil
}

func signedByOne(e envelope, keys []PublicKey) bool {
	text := preAuthEncoding(e.PayloadType, e.Payload)
	for _, s := range e.Signatures {
		for _, k := range keys {
			if k.verifies(text, s.Sig) {
				return true
			}
		}
	}
	return false
}
