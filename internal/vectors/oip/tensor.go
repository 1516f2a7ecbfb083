package oip

import (
	"math"

	"puenktlich/internal/jsonin"
	"puenktlich/internal/vectors"
)

// tensor is one input while it is read.
type tensor struct {
	name        string
	shape       []int64
	datatype    Datatype
	binaryBytes int // in the binary part; -1: its data is JSON
	column      int // index in the table, -1 for all features
	values      int // product of the shape
	begun       bool
}

const maxDimensions = 4

func (d *decoder) input(r *jsonin.Reader) error {
	t := tensor{binaryBytes: -1}
	data := -1 // where it begins, if it came before what explains it
	read := false
	err := r.Object(func(name []byte) (err error) {
		switch string(name) {
		case "name":
			t.name, err = r.Text()
		case "datatype":
			var text string
			text, err = r.Text()
			t.datatype = Datatype(text)
		case "shape":
			err = readShape(r, &t)
		case "parameters":
			err = parameters(r, map[string]func() error{"binary_data_size": func() error { return readSize(r, &t) }})
		case "data":
			if t.name == "" || t.datatype == "" || t.shape == nil {
				if _, err = r.Next(); err == nil {
					data = r.Offset()
					err = r.Skip()
				}
				break
			}
			read = true
			err = d.values(r, &t)
		default:
			err = r.Wrong("%.64q is no field of an input: it has name, shape, datatype, parameters and data", name)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case data >= 0:
		return d.values(r.From(data), &t)
	case t.binaryBytes >= 0 && read:
		return vectors.Wrong("input %q has both data and binary_data_size", t.name)
	case t.binaryBytes >= 0:
		return d.behindJSON(&t)
	case !read:
		return vectors.Wrong("input %.64q has no data", t.name)
	}
	return nil
}

func readShape(r *jsonin.Reader, t *tensor) error {
	t.shape = []int64{}
	return r.Array(func(i int) error {
		n, err := r.Integer()
		if err != nil {
			return err
		}
		if n < 0 || n > math.MaxInt32 || i == maxDimensions {
			return r.Wrong("a shape has at most %d dimensions from 0 to %d, not %d", maxDimensions, math.MaxInt32, n)
		}
		t.shape = append(t.shape, n)
		return nil
	})
}

func readSize(r *jsonin.Reader, t *tensor) error {
	n, err := r.Integer()
	if err == nil && (n < 0 || n > math.MaxInt32) {
		err = r.Wrong("binary_data_size is %d", n)
	}
	t.binaryBytes = int(n)
	return err
}

// behindJSON notes a tensor of the binary part, whose size its shape must give.
func (d *decoder) behindJSON(t *tensor) error {
	if err := d.begin(t); err != nil {
		return err
	}
	if want := t.values * t.datatype.size(); t.binaryBytes != want {
		return vectors.Wrong("input %q says binary_data_size %d; %d values of %s are %d bytes", t.name, t.binaryBytes, t.values, t.datatype, want)
	}
	d.behind = append(d.behind, *t)
	return nil
}

// begin holds a tensor against the layout and makes room for its rows.
func (d *decoder) begin(t *tensor) error {
	width := d.layout.Width()
	t.column, t.begun = -1, true
	if t.name != FeaturesTensor {
		column, err := d.layout.Column(t.name)
		if err != nil {
			return vectors.Wrong("input %.64q: %v; all features together are the input %q", t.name, err, FeaturesTensor)
		}
		t.column, width = column, 1
	}
	if t.datatype.size() == 0 {
		return vectors.Wrong("input %q has datatype %.16q: want FP32, FP64, FP16, BOOL, or INT or UINT with 8, 16, 32 or 64 bits", t.name, t.datatype)
	}
	if fits := len(t.shape) == 2 && t.shape[1] == int64(width) || t.column >= 0 && len(t.shape) == 1; !fits {
		want := "[rows]"
		if t.column < 0 {
			want = shapeText([]int64{-1, int64(width)}) + ", -1 standing for the number of rows"
		}
		return vectors.Wrong("input %q has shape %s, want %s", t.name, shapeText(t.shape), want)
	}
	rows := t.shape[0]
	if rows > vectors.MaxRows {
		return vectors.TooLarge("input %q has %d rows, at most %d are taken in one request", t.name, rows, vectors.MaxRows)
	}
	t.values = int(rows) * width
	return d.room(t, int(rows))
}

// room makes the table on the first tensor, and marks its columns.
func (d *decoder) room(t *tensor, rows int) error {
	if d.out.Table == nil {
		if rows*d.layout.Width() > d.bytes {
			return vectors.Wrong("input %q has shape %s, but a body of %d bytes cannot hold %d rows of %d features", t.name, shapeText(t.shape), d.bytes, rows, d.layout.Width())
		}
		d.out.Table = d.layout.Table(rows)
	}
	if got := d.out.Table.Rows(); got != rows {
		return vectors.Wrong("input %q has %d rows, the inputs before it have %d", t.name, rows, got)
	}
	first, last := t.column, t.column+1
	if t.column < 0 {
		first, last = 0, d.layout.Width()
	}
	for column := first; column < last; column++ {
		if !d.out.Table.Give(column) {
			return vectors.Wrong("input %q gives a column that another input has given", t.name)
		}
	}
	return nil
}

// values reads data, flat or nested as the shape says.
func (d *decoder) values(r *jsonin.Reader, t *tensor) error {
	if t.begun {
		return r.Wrong("data is there twice")
	}
	if err := d.begin(t); err != nil {
		return err
	}
	n := 0
	take := func(int) error {
		if n == t.values {
			return r.Wrong("input %q has more values than the %d of its shape %s", t.name, t.values, shapeText(t.shape))
		}
		value, err := number(r, t.datatype)
		if err == nil {
			d.set(t, n, value)
			n++
		}
		return err
	}
	err := r.Array(func(i int) error {
		kind, err := r.Next()
		if err != nil {
			return err
		}
		if kind != jsonin.KindArray {
			return take(i)
		}
		if len(t.shape) == 1 || n != i*int(t.shape[1]) {
			return r.Wrong("input %q has an array inside its data, which its shape %s does not say", t.name, shapeText(t.shape))
		}
		before := n
		if err := r.Array(take); err != nil {
			return err
		}
		if n-before != int(t.shape[1]) {
			return r.Wrong("row %d of input %q has %d values, its shape %s says %d", i, t.name, n-before, shapeText(t.shape), t.shape[1])
		}
		return nil
	})
	if err == nil && n != t.values {
		err = vectors.Wrong("input %q has %d values, its shape %s says %d", t.name, n, shapeText(t.shape), t.values)
	}
	return err
}

// number reads one value of a datatype.
func number(r *jsonin.Reader, d Datatype) (float64, error) {
	if d.floating() {
		return r.Value()
	}
	if d == Bool {
		if kind, err := r.Next(); err != nil || kind == jsonin.KindBool {
			b, err := r.Bool()
			if b {
				return 1, err
			}
			return 0, err
		}
	}
	n, err := r.Integer()
	if least, most := d.bounds(); err == nil && (n < least || n > most || d == Bool && n>>1 != 0) {
		err = r.Wrong("%d is no %s", n, d)
	}
	return float64(n), err
}
