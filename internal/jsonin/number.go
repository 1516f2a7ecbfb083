package jsonin

import (
	"math"
	"strconv"
)

// Limits within which decimal digits and a power of ten are both exact in a
// float64, so that one division rounds correctly (W. D. Clinger, "How to read
// floating point numbers accurately", 1990).
const (
	exactMantissa = 1 << 53
	exactPower    = 22
)

// powers of ten, all exact.
var powers = [exactPower + 1]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// digits counts a number while it is read.
type digits struct {
	mantissa uint64
	fraction int  // digits after the point
	simple   bool // mantissa and fraction say it all, exactly
}

// Number takes a number. One too large for a float64 is an error.
func (r *Reader) Number() (float64, error) {
	if err := r.want(KindNumber); err != nil {
		return 0, err
	}
	start := r.at
	negative := r.data[r.at] == '-'
	if negative {
		r.at++
	}
	d, err := r.decimal()
	if err != nil {
		return 0, err
	}
	if d.simple {
		value := float64(d.mantissa) / powers[d.fraction]
		if negative {
			value = -value
		}
		return value, nil
	}
	value, err := strconv.ParseFloat(string(r.data[start:r.at]), 64)
	if err != nil {
		return 0, &Error{start, "the number is too large"}
	}
	return value, nil
}

// Value takes a number or null, which is NaN.
func (r *Reader) Value() (float64, error) {
	r.space()
	if r.word("null") {
		r.at += len("null")
		return math.NaN(), nil
	}
	return r.Number()
}

// Integer takes a number written without point and exponent.
func (r *Reader) Integer() (int64, error) {
	if err := r.want(KindNumber); err != nil {
		return 0, err
	}
	start := r.at
	if _, err := r.Number(); err != nil {
		return 0, err
	}
	value, err := strconv.ParseInt(string(r.data[start:r.at]), 10, 64)
	if err != nil {
		return 0, &Error{start, "a whole number between -2^63 and 2^63 should be here"}
	}
	return value, nil
}

// decimal takes the digits after a sign.
func (r *Reader) decimal() (digits, error) {
	d := digits{simple: true}
	first := r.at
	n := r.run(&d)
	if n == 0 {
		return d, r.Wrong("a digit should be here")
	}
	if n > 1 && r.data[first] == '0' {
		return d, &Error{first, "a number does not begin with 0 and another digit"}
	}
	if r.at < len(r.data) && r.data[r.at] == '.' {
		r.at++
		if d.fraction = r.run(&d); d.fraction == 0 {
			return d, r.Wrong("a digit should follow the point")
		}
	}
	if r.at < len(r.data) && (r.data[r.at] == 'e' || r.data[r.at] == 'E') {
		d.simple = false
		if r.at++; r.at < len(r.data) && (r.data[r.at] == '+' || r.data[r.at] == '-') {
			r.at++
		}
		if r.run(&d) == 0 {
			return d, r.Wrong("a digit should be in the exponent")
		}
	}
	d.simple = d.simple && d.mantissa < exactMantissa && d.fraction <= exactPower
	return d, nil
}

// run takes digits and counts them.
func (r *Reader) run(d *digits) int {
	start := r.at
	for r.at < len(r.data) {
		c := r.data[r.at] - '0'
		if c > 9 {
			break
		}
		if d.mantissa >= exactMantissa {
			d.simple = false
		} else {
			d.mantissa = d.mantissa*10 + uint64(c)
		}
		r.at++
	}
	return r.at - start
}
