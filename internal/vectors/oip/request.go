package oip

import (
	"errors"
	"fmt"
	"slices"

	"puenktlich/internal/jsonin"
	"puenktlich/internal/vectors"
)

// FeaturesTensor holds all features, in the model's order.
const FeaturesTensor = "features"

// Request asks for forecasts of rows.
type Request struct {
	ID      string // empty where none was given
	Table   *vectors.Table
	Outputs []Output // in the order of the answer
}

// Output is one tensor that is answered.
type Output struct {
	Name   string
	Binary bool
}

// AllJSON as a header length says that no binary tensors follow the JSON.
const AllJSON = -1

// Decode reads a request. headerBytes is the header
// Inference-Header-Content-Length, or AllJSON without one. Errors are of type
// *vectors.Error.
func Decode(body []byte, headerBytes int, layout *vectors.Layout) (*Request, error) {
	d := &decoder{layout: layout, bytes: len(body)}
	if headerBytes != AllJSON {
		if headerBytes < 0 || headerBytes > len(body) {
			return nil, vectors.Wrong("Inference-Header-Content-Length says %d bytes, the body has %d", headerBytes, len(body))
		}
		body, d.binary = body[:headerBytes], body[headerBytes:]
	}
	r := jsonin.New(body)
	err := d.request(r)
	if err == nil {
		err = r.End()
	}
	if err == nil {
		err = d.finish()
	}
	if wrong := (*jsonin.Error)(nil); errors.As(err, &wrong) {
		return nil, vectors.Wrong("the request is not right %s", wrong)
	}
	if err != nil {
		return nil, err
	}
	return &d.out, nil
}

type decoder struct {
	layout *vectors.Layout
	bytes  int // of the body, which has at least one a value
	out    Request
	all    bool // outputs are binary unless they say otherwise
	asked  []asked
	// binary is what follows the JSON; the tensors that lie there, in order.
	binary []byte
	behind []tensor
}

// asked is an output as it was asked for.
type asked struct {
	name   string
	binary *bool
}

func (d *decoder) request(r *jsonin.Reader) error {
	return r.Object(func(name []byte) (err error) {
		switch string(name) {
		case "id":
			d.out.ID, err = r.Text()
		case "parameters":
			err = parameters(r, map[string]func() error{"binary_data_output": func() (err error) { d.all, err = r.Bool(); return err }})
		case "inputs":
			err = r.Array(func(int) error { return d.input(r) })
		case "outputs":
			err = r.Array(func(int) error { return d.output(r) })
		default:
			err = r.Wrong("%.64q is no field of a request: it has id, parameters, inputs and outputs", name)
		}
		return err
	})
}

// parameters takes an object of known parameters. content_type is a hint of some
// clients about their own side.
func parameters(r *jsonin.Reader, known map[string]func() error) error {
	return r.Object(func(name []byte) error {
		if string(name) == "content_type" {
			return r.Skip()
		}
		take, found := known[string(name)]
		if !found {
			var names []string
			for name := range known {
				names = append(names, name)
			}
			slices.Sort(names)
			return r.Wrong("parameter %.64q is not known here, only %q is", name, append(names, "content_type"))
		}
		return take()
	})
}

func (d *decoder) output(r *jsonin.Reader) error {
	var a asked
	err := r.Object(func(name []byte) (err error) {
		switch string(name) {
		case "name":
			a.name, err = r.Text()
		case "parameters":
			err = parameters(r, map[string]func() error{"binary_data": func() error { b, err := r.Bool(); a.binary = &b; return err }})
		default:
			err = r.Wrong("%.64q is no field of a requested output: it has name and parameters", name)
		}
		return err
	})
	if err != nil {
		return err
	}
	if !slices.Contains(OutputNames(), a.name) {
		return vectors.Wrong("output %.64q is none of the model's, which are %q", a.name, OutputNames())
	}
	if slices.ContainsFunc(d.asked, func(b asked) bool { return b.name == a.name }) {
		return vectors.Wrong("output %q is asked for twice", a.name)
	}
	d.asked = append(d.asked, a)
	return nil
}

func (d *decoder) finish() error {
	if err := d.readBinary(); err != nil {
		return err
	}
	if d.out.Table == nil {
		return vectors.Wrong("there are no inputs: the model takes %q of shape [rows, %d] and %q of shape [rows]", FeaturesTensor, d.layout.Width(), vectors.HorizonColumn)
	}
	for _, a := range d.asked {
		d.out.Outputs = append(d.out.Outputs, Output{a.name, a.binary == nil && d.all || a.binary != nil && *a.binary})
	}
	if len(d.asked) == 0 {
		for _, name := range OutputNames() {
			d.out.Outputs = append(d.out.Outputs, Output{name, d.all})
		}
	}
	return d.out.Table.Finish()
}

// readBinary takes the tensors that follow the JSON; they fill it exactly.
func (d *decoder) readBinary() error {
	rest := d.binary
	for _, t := range d.behind {
		if t.binaryBytes > len(rest) {
			return vectors.Wrong("input %q says binary_data_size %d, but only %d bytes are left in the body", t.name, t.binaryBytes, len(rest))
		}
		size := t.datatype.size()
		for i := range t.values {
			d.set(&t, i, t.datatype.value(rest[i*size:]))
		}
		rest = rest[t.binaryBytes:]
	}
	if len(rest) > 0 {
		return vectors.Wrong("%d bytes follow the last binary tensor", len(rest))
	}
	return nil
}

// set puts value i of a tensor.
func (d *decoder) set(t *tensor, i int, value float64) {
	if t.column >= 0 {
		d.out.Table.Set(i, t.column, value)
		return
	}
	d.out.Table.Set(i/d.layout.Width(), i%d.layout.Width(), value)
}

func shapeText(shape []int64) string { return fmt.Sprint(shape) }
