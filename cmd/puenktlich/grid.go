package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// grid is a table on a terminal.
type grid struct {
	head  []string
	rows  [][]string
	right map[int]bool // columns of numbers
}

// number adds a column of numbers.
func (g *grid) number(head string) {
	if g.right == nil {
		g.right = map[int]bool{}
	}
	g.right[len(g.head)] = true
	g.head = append(g.head, head)
}

func (g *grid) write(out io.Writer) error {
	wide := make([]int, len(g.head))
	all := append([][]string{g.head}, g.rows...)
	for _, row := range all {
		for i, cell := range row {
			wide[i] = max(wide[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range all {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", wide[i]-utf8.RuneCountInString(cell))
			if g.right[i] {
				cell, pad = pad+cell, ""
			}
			line.WriteString(cell + pad + "  ")
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := fmt.Fprint(out, b.String())
	return err
}
