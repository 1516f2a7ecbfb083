package schemas

import "time"

// Provenance says where data came from and under which terms it may be used.
type Provenance struct {
	Source      string    `json:"source"` // name of the source
	Publisher   string    `json:"publisher,omitempty"`
	URL         string    `json:"url,omitempty"` // as it was given
	RetrievedAt time.Time `json:"retrieved_at,omitzero"`
	Licence     string    `json:"licence"`
	Terms       string    `json:"terms,omitempty"` // what the licence does not say
	Attribution string    `json:"attribution,omitempty"`
	// PersonalData says that the data speaks of persons.
	PersonalData bool `json:"personal_data"`

	// Of an imported file: its name, content, and the object it is kept as,
	// empty where its responses are kept in bundles alone.
	File      string `json:"file,omitempty"`
	SHA256    string `json:"sha256,omitempty"`
	SizeBytes int64  `json:"size_bytes,omitempty"`
	Object    string `json:"object,omitempty"`
}

// Or fills what is not stated with what another provenance says. Data is
// personal where either says so.
func (p Provenance) Or(o Provenance) Provenance {
	for _, f := range []struct{ at, other *string }{
		{&p.Source, &o.Source}, {&p.Publisher, &o.Publisher}, {&p.URL, &o.URL}, {&p.Licence, &o.Licence},
		{&p.Terms, &o.Terms}, {&p.Attribution, &o.Attribution},
	} {
		if *f.at == "" {
			*f.at = *f.other
		}
	}
	if p.RetrievedAt.IsZero() {
		p.RetrievedAt = o.RetrievedAt
	}
	p.PersonalData = p.PersonalData || o.PersonalData
	return p
}

// Statement is the provenance without what tells one file from another.
func (p Provenance) Statement() Provenance {
	p.File, p.SHA256, p.SizeBytes, p.Object = "", "", 0, ""
	return p
}
