package oci

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// annotationName is what tools call an image of a layout by.
const annotationName = "org.opencontainers.image.ref.name"

// Named is an image or artefact and the name it has in a layout.
type Named struct {
	Name  string
	Image v1.Image
}

// WriteLayout writes an OCI layout into dir, which must be new.
func WriteLayout(dir string, images ...Named) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("write OCI layout: %w", err)
	}
	at, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("write OCI layout: %w", err)
	}
	for _, n := range images {
		if err := at.AppendImage(n.Image, layout.WithAnnotations(map[string]string{annotationName: n.Name})); err != nil {
			return fmt.Errorf("write OCI layout: %s: %w", n.Name, err)
		}
	}
	return nil
}

// loadable is the part of an archive that Docker's own format has beside the
// OCI layout: one archive for both.
type loadable struct {
	Config   string   `json:"Config"`
	RepoTags []string `json:"RepoTags"`
	Layers   []string `json:"Layers"`
}

// WriteArchive writes one image as a tar archive that is an OCI layout and, by
// its manifest.json, one that Docker loads. The same image gives the same bytes.
func WriteArchive(w io.Writer, image Named, at time.Time) error {
	if err := writeArchive(w, image, at); err != nil {
		return fmt.Errorf("write OCI archive: %w", err)
	}
	return nil
}

func writeArchive(w io.Writer, image Named, at time.Time) error {
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: image.Image,
		Descriptor: v1.Descriptor{Annotations: map[string]string{annotationName: image.Name}}})
	indexBody, err := index.RawManifest()
	if err != nil {
		return err
	}
	blobs, load, err := blobsOf(image)
	if err != nil {
		return err
	}
	loadBody, err := json.Marshal([]loadable{load})
	if err != nil {
		return err
	}
	fixed := map[string][]byte{"index.json": indexBody, "manifest.json": loadBody, "oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)}
	for name, body := range fixed {
		blobs = append(blobs, content{name, int64(len(body)), func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(body))), nil }})
	}
	slices.SortFunc(blobs, func(a, b content) int { return strings.Compare(a.path, b.path) })
	archive := tar.NewWriter(w)
	for _, b := range blobs {
		if err := b.addTo(archive, at); err != nil {
			return fmt.Errorf("%s: %w", b.path, err)
		}
	}
	return archive.Close()
}

// content is a file of an archive.
type content struct {
	path string
	size int64
	open func() (io.ReadCloser, error)
}

func (c content) addTo(archive *tar.Writer, at time.Time) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: c.path, Size: c.size, Mode: 0o644, ModTime: at.UTC().Truncate(time.Second)}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	body, err := c.open()
	if err != nil {
		return err
	}
	defer body.Close()
	_, err = io.Copy(archive, body)
	return err
}

// blobsOf are manifest, configuration and layers of an image.
func blobsOf(image Named) ([]content, loadable, error) {
	load := loadable{RepoTags: []string{image.Name}}
	head, err := image.Image.RawManifest()
	if err != nil {
		return nil, load, err
	}
	config, err := image.Image.RawConfigFile()
	if err != nil {
		return nil, load, err
	}
	var all []content
	seen := map[string]bool{}
	add := func(digest v1.Hash, size int64, open func() (io.ReadCloser, error)) string {
		name := "blobs/" + digest.Algorithm + "/" + digest.Hex
		if !seen[name] {
			all = append(all, content{name, size, open})
		}
		seen[name] = true
		return name
	}
	for i, body := range [][]byte{head, config} {
		b := blob{body: body}
		name := add(b.descriptor().Digest, int64(len(body)), b.Compressed)
		if i == 1 {
			load.Config = name
		}
	}
	layers, err := image.Image.Layers()
	if err != nil {
		return nil, load, err
	}
	for _, l := range layers {
		digest, err := l.Digest()
		if err != nil {
			return nil, load, err
		}
		size, err := l.Size()
		if err != nil {
			return nil, load, err
		}
		load.Layers = append(load.Layers, add(digest, size, l.Compressed))
	}
	return all, load, nil
}
