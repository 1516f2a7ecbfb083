package plot

import (
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size of a drawing in its own units, and the space around the plotted area.
const (
	width      = 640.0
	height     = 400.0
	marginTop  = 38.0
	marginEnd  = 18.0
	marginBase = 50.0
	marginSide = 62.0
	legendRow  = 18.0
	letter     = 6.6 // mean width of a letter of the labels
)

// palette is that of M. Okabe and K. Ito, "Color Universal Design" (2008),
// without yellow, which is too light for lines on white.
func palette(i int) string {
	colors := []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"}
	return colors[i%len(colors)]
}

// dashes tell series apart that share a colour, and colours from each other.
func dashes(i int) string {
	return []string{"", "7 3", "2 3", "9 3 2 3", "5 2", "1 2"}[i%6]
}

// canvas gathers the elements of one drawing.
type canvas struct {
	b strings.Builder
}

// about names a drawing for those who do not see it.
type about struct{ id, title, desc string }

func newCanvas(a about, tall float64) *canvas {
	c := &canvas{}
	fmt.Fprintf(&c.b, `<svg xmlns="http://www.w3.org/2000/svg" class="plot" role="img" aria-labelledby="%s-title %s-desc" viewBox="0 0 %s %s" width="%s" height="%s" font-family="system-ui, sans-serif" font-size="12">`,
		escape(a.id), escape(a.id), number(width), number(tall), number(width), number(tall))
	fmt.Fprintf(&c.b, `<title id="%s-title">%s</title><desc id="%s-desc">%s</desc>`, escape(a.id), escape(a.title), escape(a.id), escape(a.desc))
	fmt.Fprintf(&c.b, `<rect class="plot-paper" width="%s" height="%s" fill="#ffffff"/>`, number(width), number(tall))
	c.text(label{x: 10, y: 22, text: a.title, size: 15, bold: true})
	return c
}

func (c *canvas) close() []byte {
	c.b.WriteString("</svg>\n")
	return []byte(c.b.String())
}

// label is a piece of text; anchor is SVG's, start where it is empty.
type label struct {
	x, y   float64
	text   string
	anchor string
	size   int // 12 where it is 0
	bold   bool
	quiet  bool
	turned bool // reads from below to above
}

func (c *canvas) text(l label) {
	class, fill := "plot-ink", "#16202b"
	if l.quiet {
		class, fill = "plot-quiet", "#4a5764"
	}
	fmt.Fprintf(&c.b, `<text class="%s" fill="%s" x="%s" y="%s"`, class, fill, number(l.x), number(l.y))
	if l.anchor != "" {
		fmt.Fprintf(&c.b, ` text-anchor="%s"`, l.anchor)
	}
	if l.size != 0 {
		fmt.Fprintf(&c.b, ` font-size="%d"`, l.size)
	}
	if l.bold {
		c.b.WriteString(` font-weight="600"`)
	}
	if l.turned {
		fmt.Fprintf(&c.b, ` transform="rotate(-90 %s %s)"`, number(l.x), number(l.y))
	}
	fmt.Fprintf(&c.b, ">%s</text>", escape(l.text))
}

func (c *canvas) grid(x1, y1, x2, y2 float64) {
	fmt.Fprintf(&c.b, `<path class="plot-grid" stroke="#d5dbe1" d="M%s %sL%s %s"/>`, number(x1), number(y1), number(x2), number(y2))
}

// marker is the shape of a series' points: circle, square, triangle, diamond.
func (c *canvas) marker(i int, x, y float64) {
	const r = 3.5
	switch i % 4 {
	case 0:
		fmt.Fprintf(&c.b, `<circle cx="%s" cy="%s" r="%s" fill="%s"/>`, number(x), number(y), number(r), palette(i))
	case 1:
		fmt.Fprintf(&c.b, `<rect x="%s" y="%s" width="%s" height="%s" fill="%s"/>`, number(x-r), number(y-r), number(2*r), number(2*r), palette(i))
	case 2:
		fmt.Fprintf(&c.b, `<path d="M%s %sL%s %sL%s %sZ" fill="%s"/>`, number(x), number(y-r-1), number(x+r+1), number(y+r), number(x-r-1), number(y+r), palette(i))
	default:
		fmt.Fprintf(&c.b, `<path d="M%s %sL%s %sL%s %sL%s %sZ" fill="%s"/>`, number(x), number(y-r-1), number(x+r+1), number(y), number(x), number(y+r+1), number(x-r-1), number(y), palette(i))
	}
}

// number is short enough for a drawing: two digits after the point.
func number(v float64) string {
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}
