package archtest

import (
	"fmt"
	"strings"
)

// Markdown is the house as a table for the documentation.
func Markdown(house []Room) string {
	var b strings.Builder
	b.WriteString("| place | single responsibility | may import (of ours) |\n|---|---|---|\n")
	for _, room := range house {
		purpose, may := room.For, "-"
		if room.Pure {
			purpose += ". Pure"
		}
		if len(room.May) > 0 {
			may = brief(rooms(room.May))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", room.Path, purpose, may)
	}
	return b.String()
}

// brief leaves out what all names in a list share.
func brief(list string) string { return strings.ReplaceAll(list, "internal/", "") }
