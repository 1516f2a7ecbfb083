package mlflow

import (
	"errors"
	"slices"

	"puenktlich/internal/jsonin"
	"puenktlich/internal/vectors"
)

// Version is the release of MLflow whose scoring protocol this is.
const Version = "3.17.2"

// forms are the fields of which a request has exactly one.
func forms() []string {
	return []string{"dataframe_split", "dataframe_records", "instances", "inputs"}
}

// DecodeJSON reads a body of application/json. Errors are of type
// *vectors.Error.
func DecodeJSON(body []byte, layout *vectors.Layout) (*vectors.Table, error) {
	d := &decoder{layout: layout, table: layout.Table(0), bytes: len(body)}
	r := jsonin.New(body)
	err := d.request(r)
	if err == nil {
		err = r.End()
	}
	if err == nil && d.form == "" {
		err = vectors.Wrong("the request has none of %q; it needs exactly one", forms())
	}
	if wrong := (*jsonin.Error)(nil); errors.As(err, &wrong) {
		return nil, vectors.Wrong("the request is not right %s", wrong)
	}
	if err != nil {
		return nil, err
	}
	if d.table.Rows() == 0 {
		return d.table, nil
	}
	return d.table, d.table.Finish()
}

type decoder struct {
	layout *vectors.Layout
	table  *vectors.Table
	bytes  int // of the body, which has at least one a value
	form   string
}

// addRow makes room only for rows that the body can hold.
func (d *decoder) addRow() error {
	if (d.table.Rows()+1)*d.layout.Width() > d.bytes+1 {
		return vectors.Wrong("row %d: a body of %d bytes cannot hold %d rows of %d features", d.table.Rows(), d.bytes, d.table.Rows()+1, d.layout.Width())
	}
	return d.table.AddRow()
}

func (d *decoder) request(r *jsonin.Reader) error {
	return r.Object(func(name []byte) error {
		if string(name) == "params" {
			return noParams(r)
		}
		if !slices.Contains(forms(), string(name)) {
			return r.Wrong("%.64q is no field of a request: it has exactly one of %q, and params", name, forms())
		}
		if d.form != "" {
			return r.Wrong("both %s and %s are there; exactly one of %q is needed", d.form, name, forms())
		}
		d.form = string(name)
		switch d.form {
		case "dataframe_split":
			return d.split(r)
		case "inputs":
			if kind, err := r.Next(); err != nil || kind == jsonin.KindObject {
				return d.columns(r)
			}
		}
		return d.rows(r)
	})
}

// noParams takes null or an empty object: the model has no parameters.
func noParams(r *jsonin.Reader) error {
	kind, err := r.Next()
	if err != nil || kind == jsonin.KindNull {
		return r.Skip()
	}
	return r.Object(func(name []byte) error { return r.Wrong("parameter %.64q is not known: this model takes none", name) })
}

// split takes {"columns":[…],"data":[[…]]}, and an index, which means nothing.
func (d *decoder) split(r *jsonin.Reader) error {
	var columns []int
	known, data := false, -1
	err := r.Object(func(name []byte) (err error) {
		switch string(name) {
		case "columns":
			columns, err = d.header(r)
			known = true
		case "index":
			err = r.Array(func(int) error { return r.Skip() })
		case "data":
			if known {
				data = 0
				return d.lines(r, columns)
			}
			if _, err = r.Next(); err == nil {
				data = r.Offset()
				err = r.Skip()
			}
		default:
			err = r.Wrong("%.64q is no field of dataframe_split: it has columns, data and index", name)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case !known || data < 0:
		return vectors.Wrong("dataframe_split needs columns and data")
	case data > 0:
		return d.lines(r.From(data), columns)
	}
	return nil
}

// header takes the names of columns and answers their indices.
func (d *decoder) header(r *jsonin.Reader) ([]int, error) {
	var columns []int
	err := r.Array(func(int) error {
		name, err := r.Text()
		if err != nil {
			return err
		}
		column, err := d.give(name)
		columns = append(columns, column)
		return err
	})
	return columns, err
}

// give marks a column.
func (d *decoder) give(name string) (int, error) {
	column, err := d.layout.Column(name)
	if err == nil && !d.table.Give(column) {
		err = vectors.Wrong("column %q is there twice", name)
	}
	return column, err
}

// lines takes rows as arrays.
func (d *decoder) lines(r *jsonin.Reader, columns []int) error {
	if err := d.layout.Check(d.table.Given()); err != nil {
		return err
	}
	return r.Array(func(row int) error { return d.line(r, row, columns) })
}

func (d *decoder) line(r *jsonin.Reader, row int, columns []int) error {
	if err := d.addRow(); err != nil {
		return err
	}
	n := 0
	err := r.Array(func(i int) error {
		if n++; n > len(columns) {
			return r.Wrong("row %d has more values than the %d columns", row, len(columns))
		}
		value, err := r.Value()
		d.table.Set(row, columns[i], value)
		return err
	})
	if err == nil && n != len(columns) {
		err = r.Wrong("row %d has %d values for %d columns", row, n, len(columns))
	}
	return err
}

// rows takes rows as objects, or as arrays in the order of the signature, with
// or without its first column, the horizon.
func (d *decoder) rows(r *jsonin.Reader) error {
	first := jsonin.KindNone
	var order []int
	return r.Array(func(row int) error {
		kind, err := r.Next()
		if err != nil {
			return err
		}
		if row == 0 {
			first = kind
		}
		switch {
		case kind != first:
			return r.Wrong("row %d is %s, the rows before it are %s", row, kind, first)
		case kind == jsonin.KindObject:
			return d.record(r, row)
		case kind != jsonin.KindArray || d.form == "dataframe_records":
			return r.Wrong("row %d is %s; want an object of columns", row, kind)
		}
		if row == 0 {
			if order, err = d.order(r); err != nil {
				return err
			}
		}
		return d.line(r, row, order)
	})
}

// order looks how long the first row is.
func (d *decoder) order(r *jsonin.Reader) ([]int, error) {
	n, width := 0, d.layout.Width()
	ahead := r.From(r.Offset())
	if err := ahead.Array(func(int) error { n++; return ahead.Skip() }); err != nil {
		return nil, err
	}
	var order []int
	switch n {
	case width:
	case width + 1:
		order = append(order, d.layout.Horizon())
		d.table.Give(d.layout.Horizon())
	default:
		return nil, r.Wrong("row 0 has %d values; a row without names has %d, or %d with %s first", n, width, width+1, vectors.HorizonColumn)
	}
	for i := range width {
		order = append(order, i)
	}
	d.table.GiveAll()
	return order, nil
}

// record takes a row as an object.
func (d *decoder) record(r *jsonin.Reader, row int) error {
	if err := d.addRow(); err != nil {
		return err
	}
	n := 0
	err := r.Object(func(name []byte) error {
		column, found := d.layout.Lookup(name)
		if !found {
			_, err := d.layout.Column(string(name))
			return err
		}
		if row == 0 {
			d.table.Give(column)
		} else if !d.table.Given()[column] {
			return r.Wrong("row %d has column %q, the rows before it have not", row, name)
		}
		n++
		value, err := r.Value()
		d.table.Set(row, column, value)
		return err
	})
	if err == nil && row > 0 && n != count(d.table.Given()) {
		err = r.Wrong("row %d has %d columns, the rows before it have %d", row, n, count(d.table.Given()))
	}
	return err
}

func count(given []bool) int {
	n := 0
	for _, g := range given {
		if g {
			n++
		}
	}
	return n
}

// columns takes an object of columns.
func (d *decoder) columns(r *jsonin.Reader) error {
	first := true
	return r.Object(func(name []byte) error {
		column, err := d.give(string(name))
		if err != nil {
			return err
		}
		n := 0
		err = r.Array(func(row int) error {
			if n++; first {
				if err := d.addRow(); err != nil {
					return err
				}
			} else if n > d.table.Rows() {
				return r.Wrong("column %q has more values than the %d of the columns before it", name, d.table.Rows())
			}
			value, err := r.Value()
			d.table.Set(row, column, value)
			return err
		})
		if err == nil && n != d.table.Rows() {
			err = r.Wrong("column %q has %d values, the columns before it have %d", name, n, d.table.Rows())
		}
		first = false
		return err
	})
}
