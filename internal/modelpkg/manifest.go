package modelpkg

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"puenktlich/internal/strictjson"
)

// Names of the files that the manifest does not list.
const (
	ManifestFile  = "manifest.json"
	SignatureFile = "signature.json"
)

// FormatVersion is the layout of packages that this program writes and reads.
const FormatVersion = 1

// Limits of what is read from outside.
const (
	maxDocumentBytes = 4 << 20 // manifest or signature
	maxFiles         = 1000
	maxPackageBytes  = 1 << 30
)

// File is one file of a package.
type File struct {
	Path      string `json:"path"` // relative, with slashes
	SizeBytes int64  `json:"size_bytes"`
	SHA256    string `json:"sha256"` // hexadecimal
}

// Manifest is manifest.json. Files ascend by path.
type Manifest struct {
	FormatVersion  int       `json:"format_version"`
	Name           string    `json:"name"`
	Version        int       `json:"version"`
	Created        time.Time `json:"created"`
	FeatureVersion string    `json:"feature_version"`
	Files          []File    `json:"files"`
}

// String is the readable identity, as in punctuality@7.
func (m Manifest) String() string { return fmt.Sprintf("%s@%d", m.Name, m.Version) }

// file finds an entry by its path.
func (m Manifest) file(path string) (File, bool) {
	i, found := slices.BinarySearchFunc(m.Files, path, func(f File, p string) int { return cmp.Compare(f.Path, p) })
	if !found {
		return File{}, false
	}
	return m.Files[i], true
}

// newManifest lists files by path.
func newManifest(c Contents, files map[string][]byte) Manifest {
	m := Manifest{FormatVersion, c.Name, c.Version, c.Created.UTC(), c.Artefact.FeatureVersion, nil}
	for path, body := range files {
		m.Files = append(m.Files, File{path, int64(len(body)), digestOf(body)})
	}
	slices.SortFunc(m.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return m
}

// parseManifest reads a manifest from outside and refuses what no package of
// ours can hold, above all paths that lead out of its directory.
func parseManifest(body []byte) (Manifest, error) {
	var m Manifest
	if err := strictjson.Unmarshal(body, &m); err != nil {
		return Manifest{}, &IntegrityError{ManifestFile, "is not a manifest: " + err.Error()}
	}
	if m.FormatVersion != FormatVersion {
		return Manifest{}, &IntegrityError{ManifestFile, fmt.Sprintf("has format version %d, this program reads %d", m.FormatVersion, FormatVersion)}
	}
	if !modelName.MatchString(m.Name) || m.Version < 1 {
		return Manifest{}, &IntegrityError{ManifestFile, fmt.Sprintf("names the model %q version %d, which no model can have", m.Name, m.Version)}
	}
	if len(m.Files) == 0 || len(m.Files) > maxFiles {
		return Manifest{}, &IntegrityError{ManifestFile, fmt.Sprintf("lists %d files, 1 to %d are allowed", len(m.Files), maxFiles)}
	}
	return m, m.checkFiles()
}

func (m Manifest) checkFiles() error {
	total := int64(0)
	for i, f := range m.Files {
		if err := checkPath(f.Path); err != nil {
			return err
		}
		if i > 0 && f.Path <= m.Files[i-1].Path {
			return &IntegrityError{f.Path, "is listed twice or out of order in " + ManifestFile}
		}
		if raw, err := hex.DecodeString(f.SHA256); err != nil || len(raw) != sha256.Size || strings.ToLower(f.SHA256) != f.SHA256 {
			return &IntegrityError{f.Path, fmt.Sprintf("has the SHA-256 %q, 64 lower case hexadecimal digits are needed", f.SHA256)}
		}
		if f.SizeBytes < 0 || f.SizeBytes > maxPackageBytes {
			return &IntegrityError{f.Path, fmt.Sprintf("has a size of %d bytes", f.SizeBytes)}
		}
		if total += f.SizeBytes; total > maxPackageBytes {
			return &IntegrityError{ManifestFile, fmt.Sprintf("lists more than %d bytes", maxPackageBytes)}
		}
	}
	return nil
}

// checkPath refuses what is not a plain path below the package, here or on any
// other operating system.
func checkPath(path string) error {
	if !fs.ValidPath(path) || path == "." || strings.ContainsAny(path, `\:`) || strings.ContainsFunc(path, control) {
		return &IntegrityError{path, "is not a plain relative path"}
	}
	if path == ManifestFile || path == SignatureFile {
		return &IntegrityError{path, "must not list itself in " + ManifestFile}
	}
	return nil
}

func control(r rune) bool { return r < 0x20 || r == 0x7f }

// digestOf is the SHA-256 in hexadecimal.
func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// encode writes JSON for people, with a line feed at the end.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return buf.Bytes(), err
}
