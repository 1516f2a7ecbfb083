package oci

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// architectures are OCI's names of ELF machines, and where libraries of that
// machine lie besides /lib and /usr/lib.
var architectures = map[elf.Machine]struct {
	name string
	dirs []string
}{
	elf.EM_X86_64:  {"amd64", []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"}},
	elf.EM_AARCH64: {"arm64", []string{"/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu"}},
}

// Program is an executable and exactly what it needs to run.
type Program struct {
	Architecture string // as OCI names it
	Body         []byte
	// Libraries are the dynamic loader and the shared libraries, by the absolute
	// path under which the loader finds them; none for a static program.
	Libraries map[string][]byte
}

// ReadProgram reads an executable of this machine's kind and what it is linked
// with. What a program opens later by itself is not among it.
func ReadProgram(executable string) (Program, error) {
	body, err := os.ReadFile(executable)
	if err != nil {
		return Program{}, fmt.Errorf("read program: %w", err)
	}
	p := Program{Body: body, Libraries: map[string][]byte{}}
	file, err := elf.Open(executable)
	if err != nil {
		return Program{}, fmt.Errorf("program %s is no Linux executable: %w", executable, err)
	}
	defer file.Close()
	machine, known := architectures[file.Machine]
	if !known {
		return Program{}, fmt.Errorf("program %s is for %s: only amd64 and arm64 images are made", executable, file.Machine)
	}
	p.Architecture = machine.name
	loader, err := interpreter(file)
	if err != nil || loader == "" {
		return p, err
	}
	if p.Libraries[loader], err = os.ReadFile(loader); err != nil {
		return Program{}, fmt.Errorf("dynamic loader of %s: %w", executable, err)
	}
	return p, p.link(file, machine.dirs, path.Base(loader))
}

// link adds what file needs, and what that needs, but the loader itself.
func (p *Program) link(file *elf.File, dirs []string, loader string) error {
	needed, err := file.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("read libraries: %w", err)
	}
	for _, name := range needed {
		if name == loader {
			continue
		}
		at, err := locate(name, dirs, file.Class)
		if err != nil {
			return err
		}
		if p.Libraries[at] != nil {
			continue
		}
		if p.Libraries[at], err = os.ReadFile(at); err != nil {
			return fmt.Errorf("read library: %w", err)
		}
		library, err := elf.Open(at)
		if err != nil {
			return fmt.Errorf("read library %s: %w", at, err)
		}
		err = p.link(library, dirs, loader)
		if err = errors.Join(err, library.Close()); err != nil {
			return err
		}
	}
	return nil
}

// locate finds a library where the loader looks without a cache of its own.
func locate(name string, dirs []string, class elf.Class) (string, error) {
	if strings.ContainsRune(name, '/') {
		return "", fmt.Errorf("library %s is needed by its path: only names are understood", name)
	}
	common := []string{"/lib", "/usr/lib"}
	if class == elf.ELFCLASS64 {
		common = []string{"/lib64", "/usr/lib64", "/lib", "/usr/lib"}
	}
	for _, dir := range slices.Concat(dirs, common) {
		at := filepath.Join(dir, name)
		if info, err := os.Stat(at); err == nil && info.Mode().IsRegular() {
			return at, nil
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("find library: %w", err)
		}
	}
	return "", fmt.Errorf("library %s is in none of the usual places: use a program that is linked with the C library alone", name)
}

// interpreter is the dynamic loader an executable names; empty for a static one.
func interpreter(file *elf.File) (string, error) {
	for _, segment := range file.Progs {
		if segment.Type != elf.PT_INTERP {
			continue
		}
		text := make([]byte, segment.Filesz)
		if _, err := segment.ReadAt(text, 0); err != nil {
			return "", fmt.Errorf("read the name of the dynamic loader: %w", err)
		}
		return strings.TrimRight(string(text), "\x00"), nil
	}
	return "", nil
}
