package schemas

import "time"

// ObjectRef points at one immutable object in the object store. References
// travel between steps; the data never does.
type ObjectRef struct {
	Key       string `json:"key"`
	SHA256    string `json:"sha256"` // hex
	SizeBytes int64  `json:"size_bytes"`
	Rows      int64  `json:"rows,omitempty"`
}

// DayRange is half-open: From is in it, To is not.
type DayRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Empty says that the range names no days at all.
func (r DayRange) Empty() bool { return r.From == "" && r.To == "" }

func (r DayRange) String() string { return r.From + "/" + r.To }

// Window is a half-open span of domain time.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}
