// Package plot draws small charts as SVG: lines over an axis, bars beside
// labels. A drawing stands alone in a file or inside a page, loads nothing, and
// says in its title and description what it shows. Series are told apart by
// colour, by dashes and by the shape of their points, so that no colour needs to
// be seen. A style sheet may restyle the classes plot-paper, plot-ink, plot-quiet
// and plot-grid.
package plot
