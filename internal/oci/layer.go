package oci

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// node is a file or a directory of an image.
type node struct {
	path  string // absolute
	mode  int64
	owner int // user and group
	dir   bool
	body  []byte
}

// layer makes a gzip layer of files and all directories above them.
func layer(nodes []node, at time.Time) (v1.Layer, error) {
	var buf bytes.Buffer
	archive := tar.NewWriter(&buf)
	for _, n := range withParents(nodes) {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(n.path, "/"), Size: int64(len(n.body)), Mode: n.mode,
			Uid: n.owner, Gid: n.owner, ModTime: at.UTC().Truncate(time.Second)}
		if n.dir {
			header.Typeflag, header.Name = tar.TypeDir, header.Name+"/"
		}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write(n.body); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil },
		tarball.WithCompressionLevel(gzip.BestSpeed), tarball.WithCompressedCaching, tarball.WithMediaType(types.OCILayer))
}

// withParents adds the directories above, and sorts: each comes before what is
// in it.
func withParents(nodes []node) []node {
	all := map[string]node{}
	for _, n := range nodes {
		for dir := path.Dir(n.path); dir != "/"; dir = path.Dir(dir) {
			if _, known := all[dir]; !known {
				all[dir] = node{path: dir, mode: 0o755, dir: true}
			}
		}
	}
	for _, n := range nodes {
		all[n.path] = n
	}
	var sorted []node
	for _, n := range all {
		sorted = append(sorted, n)
	}
	slices.SortFunc(sorted, func(a, b node) int { return strings.Compare(a.path, b.path) })
	return sorted
}
