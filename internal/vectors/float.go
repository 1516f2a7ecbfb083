package vectors

import (
	"math"
	"strconv"
)

// AppendFloat writes the shortest JSON number that is read back bit for bit. NaN
// and infinities are null.
func AppendFloat(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}
