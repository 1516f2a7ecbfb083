package plot

import (
	"fmt"
	"strings"
)

// Series is one line. X and Y are of one length; a point that is not finite
// interrupts the line.
type Series struct {
	Name string
	X, Y []float64
	// Group numbers colour and marker; Dash numbers the dashes. Series of one
	// group with different dashes belong together.
	Group, Dash int
}

// Lines is a chart of lines over a common axis.
type Lines struct {
	ID    string // unique in the page the drawing stands in
	Title string
	// Desc says what is to be seen, for those who do not see it.
	Desc           string
	XLabel, YLabel string
	Series         []Series
	// XSpan and YSpan fix an axis; zero takes what the points need.
	XSpan, YSpan Range
	// XTicks are the only ticks of the X axis where they are given; the axis
	// then runs from the first to the last, also downwards.
	XTicks []float64
	// XSmallest is the least distance of ticks, 1 where X counts.
	XSmallest float64
	// YPercent labels Y as percent of 1; XPercent the same for X.
	XPercent, YPercent bool
	Diagonal           bool // draws the line y = x
	ZeroLine           bool // draws the line y = 0 and has 0 in the Y axis
	Markers            bool // draws the points
}

// SVG is the drawing. Without a finite point it has axes alone.
func (l Lines) SVG() []byte {
	c := newCanvas(about{l.ID, l.Title, l.Desc}, height)
	top := c.legend(l.Series, l.Markers)
	x, y := l.axes(top)
	c.frame(x, y, l.XLabel, l.YLabel)
	if l.Diagonal {
		low, high := max(x.span.Low, y.span.Low), min(x.span.High, y.span.High)
		c.reference(x.at(low), y.at(low), x.at(high), y.at(high))
	}
	if l.ZeroLine {
		c.reference(x.from, y.at(0), x.to, y.at(0))
	}
	for _, s := range l.Series {
		c.line(s, x, y)
		for i := range s.X {
			if l.Markers && finite(s.X[i]) && finite(s.Y[i]) {
				c.marker(s.Group, x.at(s.X[i]), y.at(s.Y[i]))
			}
		}
	}
	return c.close()
}

func (l Lines) axes(top float64) (x, y axis) {
	var xs, ys [][]float64
	for _, s := range l.Series {
		xs, ys = append(xs, s.X), append(ys, s.Y)
	}
	if l.ZeroLine {
		ys = append(ys, []float64{0})
	}
	xSpan, known := spanOf(xs...)
	if l.XSpan != (Range{}) || !known {
		xSpan = l.XSpan
	}
	ySpan, known := spanOf(ys...)
	if l.YSpan != (Range{}) || !known {
		ySpan = l.YSpan
	}
	left, right, base := marginSide, width-marginEnd, height-marginBase
	if n := len(l.XTicks); n > 1 {
		x = fixedAxis(Range{l.XTicks[0], l.XTicks[n-1]}, l.XTicks, left+20, right-20)
	} else {
		x = newAxis(xSpan, l.XSmallest, left, right)
	}
	y = newAxis(ySpan, 0, base, top)
	x.percent, y.percent = l.XPercent, l.YPercent
	return x, y
}

// legend names the series below the title, in as many rows as they need, and
// answers where the plotted area may begin.
func (c *canvas) legend(series []Series, markers bool) (top float64) {
	x, y := 12.0, marginTop+4
	if len(series) == 0 {
		return y
	}
	for _, s := range series {
		wide := 40 + letter*float64(len([]rune(s.Name)))
		if x+wide > width && x > 12 {
			x, y = 12, y+legendRow
		}
		fmt.Fprintf(&c.b, `<path d="M%s %sh26" stroke="%s" stroke-width="2" stroke-dasharray="%s" fill="none"/>`, number(x), number(y), palette(s.Group), dashes(s.Dash))
		if markers {
			c.marker(s.Group, x+13, y)
		}
		c.text(label{x: x + 32, y: y + 4, text: s.Name})
		x += wide + 10
	}
	return y + legendRow
}

// frame draws ticks, grid and the names of the axes.
func (c *canvas) frame(x, y axis, xLabel, yLabel string) {
	left, right := min(x.from, x.to), max(x.from, x.to)
	for _, v := range y.ticks {
		c.grid(left, y.at(v), right, y.at(v))
		c.text(label{x: marginSide - 6, y: y.at(v) + 4, text: y.label(v), anchor: "end", quiet: true})
	}
	for _, v := range x.ticks {
		c.grid(x.at(v), y.from, x.at(v), y.to)
		c.text(label{x: x.at(v), y: y.from + 17, text: x.label(v), anchor: "middle", quiet: true})
	}
	c.text(label{x: (x.from + x.to) / 2, y: y.from + 38, text: xLabel, anchor: "middle"})
	c.text(label{x: 14, y: (y.from + y.to) / 2, text: yLabel, anchor: "middle", turned: true})
}

func (c *canvas) reference(x1, y1, x2, y2 float64) {
	fmt.Fprintf(&c.b, `<path class="plot-reference" stroke="#76828e" stroke-dasharray="4 4" d="M%s %sL%s %s"/>`, number(x1), number(y1), number(x2), number(y2))
}

func (c *canvas) line(s Series, x, y axis) {
	var d strings.Builder
	pen := "M"
	for i := range s.X {
		if !finite(s.X[i]) || !finite(s.Y[i]) {
			pen = "M"
			continue
		}
		fmt.Fprintf(&d, "%s%s %s", pen, number(x.at(s.X[i])), number(y.at(s.Y[i])))
		pen = "L"
	}
	fmt.Fprintf(&c.b, `<path d="%s" stroke="%s" stroke-width="2" stroke-linejoin="round" stroke-dasharray="%s" fill="none"/>`, d.String(), palette(s.Group), dashes(s.Dash))
}
