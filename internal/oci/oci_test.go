package oci_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"puenktlich/internal/modelpkg"
	"puenktlich/internal/oci"
	"puenktlich/internal/serving/servingtest"
)

// made is a package, its key, and image and artefact of it.
type made struct {
	dir, digest     string
	key             *modelpkg.Key
	image, artefact v1.Image
}

// program stands for the program in images that are not run: a shell is linked
// with the C library too, and smaller.
const program = "/bin/sh"

func newMade(t *testing.T) made {
	t.Helper()
	root := t.TempDir()
	m := made{dir: filepath.Join(root, "package")}
	var err error
	m.key, err = modelpkg.LoadOrCreateKey(filepath.Join(root, "key.pem"))
	require.NoError(t, err)
	contents, err := servingtest.Contents(3)
	require.NoError(t, err)
	m.digest, err = modelpkg.Build(m.dir, contents)
	require.NoError(t, err)
	require.NoError(t, modelpkg.Sign(m.dir, m.key))
	m.image, m.artefact = images(t, m.dir, m.key)
	return m
}

func images(t *testing.T, dir string, key *modelpkg.Key) (image, artefact v1.Image) {
	t.Helper()
	p, err := oci.ReadProgram(program)
	require.NoError(t, err)
	image, err = oci.Image(oci.ImageOptions{Program: p, Dir: dir, Keys: []modelpkg.PublicKey{key.Public()}, CodeVersion: "v1"})
	require.NoError(t, err)
	artefact, err = oci.ModelPack(dir)
	require.NoError(t, err)
	return image, artefact
}

func digestOf(t *testing.T, image v1.Image) string {
	t.Helper()
	digest, err := image.Digest()
	require.NoError(t, err)
	return digest.String()
}

func TestReadProgramFindsTheLoaderAndTheCLibrary(t *testing.T) {
	t.Parallel()
	p, err := oci.ReadProgram(program)
	require.NoError(t, err)
	var names []string
	for at := range p.Libraries {
		names = append(names, filepath.Base(at))
	}
	require.Contains(t, names, "libc.so.6")
	require.True(t, slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "ld-linux") }), names)
	script := filepath.Join(t.TempDir(), "script")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755))
	_, err = oci.ReadProgram(script)
	require.ErrorContains(t, err, "is no Linux executable")
}

// The same package, from another directory and at another time, gives the same
// digests; another package others.
func TestImagesAreReproducible(t *testing.T) {
	t.Parallel()
	m := newMade(t)
	copied := filepath.Join(t.TempDir(), "copied")
	require.NoError(t, os.CopyFS(copied, os.DirFS(m.dir)))
	require.NoError(t, os.Chtimes(filepath.Join(copied, "CARD.md"), time.Unix(1, 0), time.Unix(1, 0)))
	image, artefact := images(t, copied, m.key)
	require.Equal(t, digestOf(t, m.image), digestOf(t, image))
	require.Equal(t, digestOf(t, m.artefact), digestOf(t, artefact))
	var first, second bytes.Buffer
	at := time.Date(2024, 10, 29, 3, 0, 0, 0, time.UTC)
	require.NoError(t, oci.WriteArchive(&first, oci.Named{Name: "punctuality:3", Image: m.image}, at))
	require.NoError(t, oci.WriteArchive(&second, oci.Named{Name: "punctuality:3", Image: image}, at))
	require.True(t, bytes.Equal(first.Bytes(), second.Bytes()), "the archives differ")
	require.NoError(t, modelpkg.Sign(copied, m.key)) // ECDSA signs with a random number
	other, _ := images(t, copied, m.key)
	require.NotEqual(t, digestOf(t, m.image), digestOf(t, other))
}

func TestImageRunsAsNobodyInParticular(t *testing.T) {
	t.Parallel()
	m := newMade(t)
	config, err := m.image.ConfigFile()
	require.NoError(t, err)
	require.Equal(t, "10001:10001", config.Config.User)
	require.Equal(t, []string{"/usr/local/bin/puenktlich", "serve", "--package", "/package"}, config.Config.Entrypoint)
	require.Equal(t, m.digest, config.Config.Labels["puenktlich.package.digest"])
	require.Equal(t, "punctuality@3", config.Config.Labels["org.opencontainers.image.title"])
	require.Equal(t, time.Date(2024, 10, 29, 3, 0, 0, 0, time.UTC), config.Created.Time)
	owners := map[string]int{}
	layers, err := m.image.Layers()
	require.NoError(t, err)
	for _, l := range layers {
		body, err := l.Uncompressed()
		require.NoError(t, err)
		archive := tar.NewReader(body)
		previous := ""
		for {
			header, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			require.Less(t, previous, header.Name, "entries ascend")
			require.Equal(t, config.Created.Unix(), header.ModTime.Unix(), header.Name)
			previous, owners[header.Name] = header.Name, header.Uid
		}
		require.NoError(t, body.Close())
	}
	require.Equal(t, 10001, owners["data/"], "the program may write here")
	require.Zero(t, owners["package/manifest.json"], "and not here")
	require.Contains(t, owners, "keys/trusted.pem")
	require.Contains(t, owners, "usr/local/bin/puenktlich")
}

// The artefact is as the specification has it, and its layers under their paths
// are the package.
func TestModelPackArtefactIsThePackage(t *testing.T) {
	t.Parallel()
	m := newMade(t)
	raw, err := m.artefact.RawManifest()
	require.NoError(t, err)
	var head struct {
		MediaType, ArtifactType string
		Config                  struct{ MediaType string }
		Layers                  []struct {
			MediaType, Digest string
			Annotations       map[string]string
		}
	}
	require.NoError(t, json.Unmarshal(raw, &head))
	require.Equal(t, "application/vnd.oci.image.manifest.v1+json", head.MediaType)
	require.Equal(t, "application/vnd.cncf.model.manifest.v1+json", head.ArtifactType)
	require.Equal(t, "application/vnd.cncf.model.config.v1+json", head.Config.MediaType)
	config, err := m.artefact.RawConfigFile()
	require.NoError(t, err)
	var about struct {
		Descriptor, Config map[string]any
		ModelFS            struct {
			Type    string
			DiffIDs []string
		}
	}
	require.NoError(t, json.Unmarshal(config, &about))
	require.Equal(t, "layers", about.ModelFS.Type)
	require.Equal(t, "punctuality", about.Descriptor["name"])
	layers, err := m.artefact.Layers()
	require.NoError(t, err)
	into, kinds := t.TempDir(), map[string]string{}
	for i, l := range layers {
		path := head.Layers[i].Annotations["org.cncf.model.filepath"]
		require.Equal(t, head.Layers[i].Digest, about.ModelFS.DiffIDs[i], path)
		kinds[path] = head.Layers[i].MediaType
		content, err := l.Compressed()
		require.NoError(t, err)
		body, err := io.ReadAll(content)
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(into, path)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(into, path), body, 0o644))
	}
	for path, kind := range map[string]string{"buckets.json": "weight", "calibration.json": "weight.config", "CARD.md": "doc", "code/puenktlich_model.py": "code", "sample.parquet": "dataset"} {
		require.Equal(t, "application/vnd.cncf.model."+kind+".v1.raw", kinds[path], path)
	}
	p, err := modelpkg.Load(into, m.key.Public())
	require.NoError(t, err)
	require.Equal(t, m.digest, p.Digest)
}

// skopeo, which knows nothing of us, reads layout and both kinds of archive.
func TestSkopeoReadsLayoutAndArchives(t *testing.T) {
	t.Parallel()
	skopeo, err := exec.LookPath("skopeo")
	if err != nil {
		t.Skip("images were NOT read by an outside program: install skopeo")
	}
	m := newMade(t)
	dir := filepath.Join(t.TempDir(), "layout")
	image := oci.Named{Name: "punctuality:3", Image: m.image}
	require.NoError(t, oci.WriteLayout(dir, image, oci.Named{Name: "punctuality:3-model", Image: m.artefact}))
	file, err := os.Create(dir + ".tar")
	require.NoError(t, err)
	require.NoError(t, errors.Join(oci.WriteArchive(file, image, time.Unix(0, 0)), file.Close()))
	digest := digestOf(t, m.image)
	for _, from := range []string{"oci:" + dir + ":punctuality:3", "oci-archive:" + dir + ".tar", "docker-archive:" + dir + ".tar"} {
		out, err := exec.CommandContext(t.Context(), skopeo, "inspect", from).Output()
		require.NoError(t, err, "%s: %s", from, said(err))
		var seen struct {
			Digest, Architecture, Os string
			Labels                   map[string]string
			Layers                   []string
		}
		require.NoError(t, json.Unmarshal(out, &seen))
		require.Equal(t, m.digest, seen.Labels["puenktlich.package.digest"], from)
		require.Len(t, seen.Layers, 3, from)
		require.Equal(t, "linux", seen.Os)
		if !strings.HasPrefix(from, "docker") { // another format has another manifest
			require.Equal(t, digest, seen.Digest, from)
		}
	}
	out, err := exec.CommandContext(t.Context(), skopeo, "inspect", "--raw", "oci:"+dir+":punctuality:3-model").Output()
	require.NoError(t, err, said(err))
	require.Contains(t, string(out), `"artifactType":"application/vnd.cncf.model.manifest.v1+json"`)
}

func said(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(exit.Stderr)
	}
	return ""
}

func TestLayoutIsNeverWrittenOver(t *testing.T) {
	t.Parallel()
	m := newMade(t)
	dir := filepath.Join(t.TempDir(), "layout")
	require.NoError(t, oci.WriteLayout(dir, oci.Named{Name: "a:1", Image: m.artefact}))
	require.ErrorContains(t, oci.WriteLayout(dir, oci.Named{Name: "a:1", Image: m.artefact}), "file exists")
	_, err := layout.ImageIndexFromPath(dir)
	require.NoError(t, err)
}

// registries are those to push to: one in this process, and Debian's where it is
// installed.
func registries(t *testing.T) map[string]string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	require.NoError(t, err)
	all := map[string]string{"go-containerregistry": at.Host}
	if path, err := exec.LookPath("docker-registry"); err == nil {
		all["docker-registry"] = debianRegistry(t, path)
	} else {
		t.Log("images were NOT pushed to Docker's own registry: install docker-registry")
	}
	return all
}

func TestPushAndPullBack(t *testing.T) {
	t.Parallel()
	m := newMade(t)
	for kind, host := range registries(t) {
		for tag, image := range map[string]v1.Image{"3": m.image, "3-model": m.artefact} {
			address := host + "/models/punctuality:" + tag
			for range 2 { // what is there already is no error
				pushed, err := oci.Push(t.Context(), address, image, false)
				require.NoError(t, err, kind)
				require.Equal(t, oci.Pushed{Address: address, Digest: digestOf(t, image)}, pushed)
			}
			reference, err := name.ParseReference(address)
			require.NoError(t, err)
			back, err := remote.Image(reference, remote.WithContext(t.Context()))
			require.NoError(t, err, kind)
			require.Equal(t, digestOf(t, image), digestOf(t, back), kind)
			if tag == "3" {
				require.NoError(t, validate.Image(back), kind)
			}
		}
		if skopeo, err := exec.LookPath("skopeo"); err == nil {
			out, err := exec.CommandContext(t.Context(), skopeo, "inspect", "--tls-verify=false", "docker://"+host+"/models/punctuality:3").Output()
			require.NoError(t, err, "%s: %s", kind, said(err))
			require.Contains(t, string(out), digestOf(t, m.image), kind)
		}
	}
}

func TestPushRefusesHalfAnAddress(t *testing.T) {
	t.Parallel()
	m := newMade(t)
	for _, address := range []string{"", "punctuality", "punctuality:3", "models/punctuality:3", "127.0.0.1:1/punctuality"} {
		_, err := oci.Push(t.Context(), address, m.artefact, false)
		require.ErrorContains(t, err, "want HOST/REPOSITORY:TAG", address)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := oci.Push(ctx, "127.0.0.1:1/punctuality:3", m.artefact, false)
	require.ErrorContains(t, err, "push to 127.0.0.1:1/punctuality:3")
}
