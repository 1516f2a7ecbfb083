package oci

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"puenktlich/internal/modelpkg"
)

// Media types and annotations of the CNCF ModelPack specification, v1.
const (
	modelArtefact  = "application/vnd.cncf.model.manifest.v1+json"
	modelConfig    = "application/vnd.cncf.model.config.v1+json"
	modelLayer     = "application/vnd.cncf.model.%s.v1.raw"
	annotationPath = "org.cncf.model.filepath"
)

// kindOf is the kind of layer a file of a package is.
func kindOf(path string) string {
	switch {
	case path == "buckets.json" || path == "cancel.json":
		return "weight"
	case strings.HasSuffix(path, ".md"):
		return "doc"
	case strings.HasPrefix(path, "code/") || slices.Contains([]string{"requirements.txt", "conda.yaml", "python_env.yaml"}, path):
		return "code"
	case strings.HasSuffix(path, ".parquet"):
		return "dataset"
	}
	return "weight.config"
}

// modelDescription is the artefact's configuration.
type modelDescription struct {
	Descriptor struct {
		CreatedAt   time.Time `json:"createdAt"`
		Family      string    `json:"family"`
		Name        string    `json:"name"`
		Version     string    `json:"version"`
		Title       string    `json:"title"`
		Description string    `json:"description"`
	} `json:"descriptor"`
	Config struct {
		Architecture string `json:"architecture"`
		Format       string `json:"format"`
		Precision    string `json:"precision"`
		Capabilities struct {
			InputTypes  []string `json:"inputTypes"`
			OutputTypes []string `json:"outputTypes"`
		} `json:"capabilities"`
	} `json:"config"`
	ModelFS struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diffIds"`
	} `json:"modelfs"`
}

// artefact is a ModelPack artefact in memory.
type artefact struct {
	config, manifest []byte
	blobs            map[v1.Hash]blob
}

// ModelPack makes the artefact of the package in dir, which must hold: one layer
// a file, as it is, so that writing the layers to their paths gives the package.
func ModelPack(dir string) (v1.Image, error) {
	m, entries, err := modelpkg.Entries(dir)
	if err != nil {
		return nil, err
	}
	digest, err := modelpkg.Digest(dir)
	if err != nil {
		return nil, err
	}
	a := &artefact{blobs: map[v1.Hash]blob{}}
	about := describe(m)
	head := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: modelArtefact, Annotations: map[string]string{
		"org.opencontainers.image.title": m.String(), "org.opencontainers.image.version": strconv.Itoa(m.Version),
		"org.opencontainers.image.created": m.Created.UTC().Format(time.RFC3339), LabelPackageDigest: digest, LabelFeatureVersion: m.FeatureVersion}}
	for _, e := range entries {
		b := blob{e.Body, types.MediaType(fmt.Sprintf(modelLayer, kindOf(e.Path)))}
		d := b.descriptor()
		d.Annotations = map[string]string{annotationPath: e.Path, "org.opencontainers.image.title": e.Path}
		a.blobs[d.Digest] = b
		head.Layers = append(head.Layers, d)
		about.ModelFS.DiffIDs = append(about.ModelFS.DiffIDs, d.Digest.String())
	}
	if a.config, err = json.Marshal(about); err != nil {
		return nil, fmt.Errorf("ModelPack artefact of %s: %w", m, err)
	}
	head.Config = blob{a.config, modelConfig}.descriptor()
	if a.manifest, err = json.Marshal(head); err != nil {
		return nil, fmt.Errorf("ModelPack artefact of %s: %w", m, err)
	}
	return partial.CompressedToImage(a)
}

func describe(m modelpkg.Manifest) modelDescription {
	var about modelDescription
	about.Descriptor.CreatedAt, about.Descriptor.Family = m.Created.UTC(), m.Name
	about.Descriptor.Name, about.Descriptor.Version, about.Descriptor.Title = m.Name, strconv.Itoa(m.Version), m.String()
	about.Descriptor.Description = "Chance that a train is on time or cancelled, and the distribution of its delay"
	about.Config.Architecture, about.Config.Format, about.Config.Precision = "gradient boosted trees", "xgboost", "fp32"
	about.Config.Capabilities.InputTypes, about.Config.Capabilities.OutputTypes = []string{"other"}, []string{"other"}
	about.ModelFS.Type = "layers"
	return about
}

// MediaType of the manifest.
func (a *artefact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// RawConfigFile is the configuration as it is stored.
func (a *artefact) RawConfigFile() ([]byte, error) { return a.config, nil }

// RawManifest is the manifest as it is stored.
func (a *artefact) RawManifest() ([]byte, error) { return a.manifest, nil }

// LayerByDigest answers a file, or the configuration.
func (a *artefact) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	if b, found := a.blobs[digest]; found {
		return b, nil
	}
	if b := (blob{a.config, modelConfig}); b.descriptor().Digest == digest {
		return b, nil
	}
	return nil, fmt.Errorf("the artefact has no layer %s", digest)
}

// blob is a layer as it is.
type blob struct {
	body  []byte
	media types.MediaType
}

func (b blob) descriptor() v1.Descriptor {
	sum := sha256.Sum256(b.body)
	return v1.Descriptor{MediaType: b.media, Size: int64(len(b.body)), Digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}}
}

// Digest is the SHA-256.
func (b blob) Digest() (v1.Hash, error) { return b.descriptor().Digest, nil }

// Compressed is the file, which is not.
func (b blob) Compressed() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.body)), nil }

// Size in bytes.
func (b blob) Size() (int64, error) { return int64(len(b.body)), nil }

// MediaType says what kind of file it is.
func (b blob) MediaType() (types.MediaType, error) { return b.media, nil }
