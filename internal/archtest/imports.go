package archtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// covers says that a room's path stands for a folder.
func covers(room, folder string) bool {
	if parent, all := strings.CutSuffix(room, "/*"); all {
		return path.Dir(folder) == parent
	}
	return room == All || room == folder
}

func coversAny(rooms []string, folder string) bool {
	return slices.ContainsFunc(rooms, func(room string) bool { return covers(room, folder) })
}

// roomOf is the row of a folder: the one of its name, else the first that
// covers it.
func roomOf(house []Room, folder string) (Room, bool) {
	for _, exact := range []bool{true, false} {
		for _, room := range house {
			if exact && room.Path == folder || !exact && covers(room.Path, folder) {
				return room, true
			}
		}
	}
	return Room{}, false
}

// Rooms finds folders without a row, and rows without a folder.
func Rooms(t Tree, house []Room) []string {
	var found []string
	used := map[string]bool{}
	for _, p := range t.Packages {
		room, known := roomOf(house, p.Path)
		if !known {
			found = append(found, fmt.Sprintf("%s has no row in the house table: add one to House in internal/archtest, with what it is for and what it may import", p.Path))
		}
		used[room.Path] = true
	}
	for _, room := range house {
		if !used[room.Path] {
			found = append(found, fmt.Sprintf("the house table has a row for %s, but there is no Go code: remove the row", room.Path))
		}
		for _, may := range room.May {
			if may != All && !slices.ContainsFunc(t.Packages, func(p Package) bool { return covers(may, p.Path) }) {
				found = append(found, fmt.Sprintf("the house table lets %s import %s, which does not exist", room.Path, may))
			}
		}
	}
	return found
}

// Imports finds imports that the plan does not allow. Tests stand where the
// program is wired: they may use everything but the commands.
func Imports(t Tree, house []Room) []string {
	var found []string
	for _, p := range t.Packages {
		room, known := roomOf(house, p.Path)
		if !known {
			continue // Rooms says so
		}
		for _, f := range p.Files {
			for _, imported := range f.Imports() {
				folder, ours := strings.CutPrefix(imported, t.Module+"/")
				held := !f.Test || strings.HasPrefix(folder, "cmd/")
				if ours && held && folder != p.Path && !coversAny(room.May, folder) {
					found = append(found, fmt.Sprintf("%s imports %s: %s may import %s", f.Name, folder, room.Path, rooms(room.May)))
				}
			}
		}
	}
	return found
}

// rooms writes a list for people.
func rooms(may []string) string {
	switch {
	case len(may) == 0:
		return "no other room"
	case slices.Equal(may, []string{All}):
		return "every room"
	}
	return strings.Join(may, ", ")
}

// LibraryUse finds libraries named outside the rooms they belong to.
func LibraryUse(t Tree, libraries []Library) []string {
	var found []string
	for _, p := range t.Packages {
		if support(p.Path) {
			continue
		}
		for _, f := range p.Code() {
			for _, imported := range f.Imports() {
				for _, library := range libraries {
					if strings.HasPrefix(imported, library.Prefix) && !coversAny(library.Rooms, p.Path) {
						found = append(found, fmt.Sprintf("%s imports %s, which is for %s: %s", f.Name, imported, rooms(library.Rooms), library.Why))
					}
				}
			}
		}
	}
	return found
}

// reaches are packages through which code reads or changes what is outside it.
func reaches(imported string) bool {
	outside := []string{"os", "net", "syscall", "database", "plugin", "log"}
	first, _, _ := strings.Cut(imported, "/")
	return slices.Contains(outside, first)
}

// Purity finds pure rooms that read files, the network or the environment, or
// use a library other than gonum.
func Purity(t Tree, house []Room) []string {
	var found []string
	for _, p := range t.Packages {
		if room, known := roomOf(house, p.Path); !known || !room.Pure {
			continue
		}
		for _, f := range p.Code() {
			for _, imported := range f.Imports() {
				first, _, _ := strings.Cut(imported, "/")
				library := strings.Contains(first, ".") && first != "gonum.org"
				if reaches(imported) || library {
					found = append(found, fmt.Sprintf("%s imports %s, but %s is pure: hand in what it needs", f.Name, imported, p.Path))
				}
			}
		}
	}
	return found
}
