package plot

import "fmt"

// BarSeries is one bar a label.
type BarSeries struct {
	Name   string
	Values []float64 // one a label, at least 0; what is not finite has no bar
}

// Bars is a chart of bars lying beside their labels, one bar of each series
// under the other.
type Bars struct {
	ID, Title, Desc string
	ValueLabel      string
	Labels          []string
	Series          []BarSeries
	Percent         bool // labels values as percent of 1
}

// Heights of bars.
const (
	barHeight = 11.0
	barGap    = 7.0
)

// SVG is the drawing, as tall as the bars need.
func (b Bars) SVG() []byte {
	each := barHeight*float64(len(b.Series)) + barGap
	legend := make([]Series, 0, len(b.Series))
	for i, s := range b.Series {
		legend = append(legend, Series{Name: s.Name, Group: i})
	}
	rows := legendRows(legend)
	top := marginTop + 4 + rows*legendRow
	tall := top + each*float64(len(b.Labels)) + marginBase
	c := newCanvas(about{b.ID, b.Title, b.Desc}, tall)
	c.legend(legend, true)
	left := b.labelWidth()
	x := b.axis(left)
	base := tall - marginBase
	for _, v := range x.ticks {
		c.grid(x.at(v), top, x.at(v), base)
		c.text(label{x: x.at(v), y: base + 17, text: x.label(v), anchor: "middle", quiet: true})
	}
	c.text(label{x: (x.from + x.to) / 2, y: base + 38, text: b.ValueLabel, anchor: "middle"})
	for i, name := range b.Labels {
		y := top + each*float64(i) + barGap/2
		c.text(label{x: left - 6, y: y + (each-barGap)/2 + 4, text: name, anchor: "end"})
		for j, s := range b.Series {
			if v := s.Values[i]; finite(v) && v > 0 {
				fmt.Fprintf(&c.b, `<rect x="%s" y="%s" width="%s" height="%s" fill="%s"/>`, number(left), number(y+barHeight*float64(j)), number(x.at(v)-left), number(barHeight-1), palette(j))
			}
		}
	}
	return c.close()
}

func (b Bars) axis(left float64) axis {
	var values [][]float64
	for _, s := range b.Series {
		values = append(values, s.Values)
	}
	span, _ := spanOf(append(values, []float64{0})...)
	if span.High <= 0 {
		span.High = 1
	}
	x := newAxis(Range{0, span.High}, 0, left, width-marginEnd-12)
	x.percent = b.Percent
	return x
}

func (b Bars) labelWidth() float64 {
	longest := 0
	for _, name := range b.Labels {
		longest = max(longest, len([]rune(name)))
	}
	return min(width/2, 18+letter*float64(longest))
}

// legendRows is how many rows a legend takes.
func legendRows(series []Series) float64 {
	var measure canvas
	return (measure.legend(series, false) - marginTop - 4) / legendRow
}
